//! Answers of every bad kind, and what the attempt log says of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opsknight_tests::{World, hostile::Hostile, receiver::Receiver};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::impatient_world;

/// A receiver and what its first attempt comes to.
struct Case {
    name: &'static str,
    receiver: Hostile,
    delivered: bool,
    status: Option<u16>,
    /// What the error says; nothing where there is none.
    error: &'static str,
}

fn case(
    name: &'static str,
    receiver: Hostile,
    (delivered, status, error): (bool, Option<u16>, &'static str),
) -> Case {
    Case {
        name,
        receiver,
        delivered,
        status,
        error,
    }
}

const DELIVERED: (bool, Option<u16>, &str) = (true, Some(200), "");
const NO_ANSWER: (bool, Option<u16>, &str) = (false, None, "request failed");
const TIMED_OUT: (bool, Option<u16>, &str) = (false, None, "no complete answer within 3 s");
const BROKEN_OFF: (bool, Option<u16>, &str) = (
    false,
    Some(200),
    "answered 200, but not to its end: request failed",
);
const TOO_LONG: (bool, Option<u16>, &str) = (
    false,
    None,
    "request failed: the answer is longer than 512 KiB",
);
const TRICKLED: (bool, Option<u16>, &str) = (
    false,
    Some(200),
    "answered 200, but not to its end: no complete answer within 3 s",
);

/// Posts an alert beside all these receivers; answers each one's delivery.
async fn deliver_beside(world: &World, cases: &[Case]) -> Vec<Value> {
    let integration = world.integration("webhook").await;
    let mut webhooks = Vec::new();
    for case in cases {
        let url = case.receiver.url();
        webhooks.push(world.webhook(url, &integration.service).await);
    }
    let good = Receiver::start().await;
    world.webhook(good.url(), &integration.service).await;
    for number in 0..3 {
        world.accepted(&integration, json!({ "id": number })).await;
    }
    good.count(3).await;
    let mut deliveries = Vec::new();
    for webhook in &webhooks {
        let tried = |one: &Value| {
            one["attempts"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        };
        deliveries.push(world.delivery(webhook, tried).await);
    }
    // And they still hear of what comes after the harm.
    world.accepted(&integration, json!({ "id": "after" })).await;
    good.count(4).await;
    deliveries
}

async fn assert_cases(cases: &[Case]) -> Vec<Value> {
    let world = impatient_world().await;
    let deliveries = deliver_beside(&world, cases).await;
    let mut wrong = Vec::new();
    for (case, delivery) in cases.iter().zip(&deliveries) {
        let attempt = &delivery["attempts"][0];
        let error = attempt["error"].as_str().unwrap_or_default();
        let status = if case.delivered {
            "DELIVERED"
        } else {
            "RETRYING"
        };
        let right = delivery["status"] == status
            && attempt["statusCode"] == json!(case.status)
            && error.contains(case.error)
            && error.is_empty() == case.error.is_empty()
            && attempt["response"].as_str().unwrap_or_default().len() <= 2_048;
        if !right {
            wrong.push(format!("{}: {} {attempt}", case.name, delivery["status"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
    deliveries
}

/// Writes the same again and again until the other side has enough.
async fn pour(mut stream: TcpStream, head: &str, again: &[u8]) -> u64 {
    let (mut written, mut bytes) = (0, head.as_bytes());
    while stream.write_all(bytes).await.is_ok() {
        written += bytes.len() as u64;
        bytes = again;
    }
    written
}

/// Writes one byte after the other, slowly.
async fn trickle(mut stream: TcpStream, head: &str, rest: &str) {
    let _ = stream.write_all(head.as_bytes()).await;
    for byte in rest.bytes().cycle() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
    }
}

/// Answers the start and resets the connection.
async fn reset(mut stream: TcpStream, start: &str) {
    let _ = stream.write_all(start.as_bytes()).await;
    // What was written has to arrive before the reset overtakes it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _ = stream.set_zero_linger();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_do_not_answer() {
    let cases = [
        case(
            "hangs before the headers",
            Hostile::start(|stream| async move {
                std::future::pending::<()>().await;
                drop(stream);
            })
            .await,
            TIMED_OUT,
        ),
        case(
            "closes without a word",
            Hostile::answering("").await,
            NO_ANSWER,
        ),
        case(
            "resets without a word",
            Hostile::start(|stream| reset(stream, "")).await,
            NO_ANSWER,
        ),
        case(
            "trickles its head",
            Hostile::start(|stream| trickle(stream, "HTTP/1.1 200 OK\r\n", "X: 1\r\n")).await,
            TIMED_OUT,
        ),
        case(
            "storms with 1xx for ever",
            Hostile::start(|stream| async {
                let one = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
                pour(stream, one, one.repeat(100).as_bytes()).await;
            })
            .await,
            TOO_LONG,
        ),
        case(
            "storms with header lines for ever",
            Hostile::start(|stream| async {
                let line = format!("X-Long: {}\r\n", "x".repeat(1_000));
                pour(stream, "HTTP/1.1 200 OK\r\n", line.as_bytes()).await;
            })
            .await,
            NO_ANSWER,
        ),
        case(
            "10,000 headers",
            Hostile::answering(format!(
                "HTTP/1.1 200 OK\r\n{}\r\n",
                (0..10_000)
                    .map(|i| format!("X-{i}: y\r\n"))
                    .collect::<String>()
            ))
            .await,
            NO_ANSWER,
        ),
        case(
            "speaks TLS",
            Hostile::answering(b"\x15\x03\x03\x00\x02\x02\x46".to_vec()).await,
            NO_ANSWER,
        ),
        case(
            "speaks HTTP/2",
            Hostile::answering(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00".to_vec()).await,
            NO_ANSWER,
        ),
        case(
            "two lengths",
            Hostile::answering(
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            )
            .await,
            NO_ANSWER,
        ),
    ];
    assert_cases(&cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_answer_too_much_or_too_little() {
    let poured = Arc::new(AtomicU64::new(0));
    let counted = poured.clone();
    let huge = Hostile::start(move |stream| {
        let counted = counted.clone();
        async move {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n";
            let written = pour(stream, head, &[b'x'; 65_536]).await;
            counted.store(written, Ordering::SeqCst);
        }
    })
    .await;
    let cases = [
        case("100 MB", huge, DELIVERED),
        case(
            "chunks for ever",
            Hostile::start(|stream| async {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                pour(stream, head, &b"5\r\nabcde\r\n".repeat(1_000)).await;
            })
            .await,
            DELIVERED,
        ),
        case(
            "one byte a chunk",
            Hostile::start(|stream| async {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                pour(stream, head, &b"1\r\na\r\n".repeat(1_000)).await;
            })
            .await,
            DELIVERED,
        ),
        case(
            "trickles its body",
            Hostile::start(|stream| {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
                trickle(stream, head, "x")
            })
            .await,
            TRICKLED,
        ),
        case(
            "resets in the body",
            Hostile::start(|stream| {
                reset(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            })
            .await,
            BROKEN_OFF,
        ),
        case(
            "ends before its length",
            Hostile::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await,
            BROKEN_OFF,
        ),
        case(
            "broken chunk",
            Hostile::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await,
            BROKEN_OFF,
        ),
        case(
            "no length",
            Hostile::answering("HTTP/1.1 200 OK\r\n\r\nall of it").await,
            DELIVERED,
        ),
        case(
            "invalid header bytes",
            Hostile::answering(
                b"HTTP/1.1 200 OK\r\nX-Bad: a\x01b\r\nX\x01Y: z\r\nX-High: \xff\xfe\r\nContent-Length: 2\r\n\r\nok"
                    .to_vec(),
            )
            .await,
            DELIVERED,
        ),
        case(
            "NUL in a header",
            Hostile::answering(b"HTTP/1.1 200 OK\r\nX-Bad: a\x00b\r\n\r\n".to_vec()).await,
            NO_ANSWER,
        ),
        case(
            "1,000 times 1xx before its answer",
            Hostile::answering(format!(
                "{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000)
            ))
            .await,
            DELIVERED,
        ),
        case(
            "switches protocols",
            Hostile::answering(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\n",
            )
            .await,
            (false, Some(101), "answered 101"),
        ),
        case(
            "a status that nobody knows",
            Hostile::answering("HTTP/1.1 999 Blocked\r\nContent-Length: 0\r\n\r\n").await,
            (false, Some(999), "answered 999"),
        ),
        case(
            "text that is none",
            Hostile::answering(
                [b"HTTP/1.1 500 No\r\nContent-Length: 4096\r\n\r\n".as_slice(), &[0xff; 4_096]]
                    .concat(),
            )
            .await,
            (false, Some(500), "answered 500"),
        ),
    ];
    let deliveries = assert_cases(&cases).await;
    assert_eq!(deliveries[0]["attempts"][0]["response"], "x".repeat(2_048));
    assert_eq!(deliveries[4]["attempts"][0]["response"], "half");
    let read = poured.load(Ordering::SeqCst);
    // What lies in socket buffers was written, but never read.
    assert!(read > 0 && read < 50_000_000, "{read} of 100 MB were taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gzip_bomb_stays_packed() {
    let bomb = include_bytes!("../../fixtures/bomb.gz");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let cases = [case(
        "gzip bomb",
        Hostile::answering([head.as_bytes(), bomb].concat()).await,
        DELIVERED,
    )];
    let deliveries = assert_cases(&cases).await;
    let kept = deliveries[0]["attempts"][0]["response"].as_str();
    let kept = kept.expect("the start of the answer");
    assert!(!kept.is_empty() && !kept.contains("AAAA"), "{kept:?}");
    for head in cases[0].receiver.heads() {
        assert!(!head.contains("accept-encoding"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_lead_nowhere() {
    let inside = Hostile::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let metadata = "http://169.254.169.254/latest/meta-data/iam/security-credentials/";
    let mut cases = Vec::new();
    for (status, location) in [
        (301, metadata),
        (302, inside.url()),
        (303, metadata),
        (307, inside.url()),
        (308, inside.url()),
        (302, "//[::ffff:169.254.169.254]/"),
        (302, "file:///etc/passwd"),
    ] {
        let answer = format!(
            "HTTP/1.1 {status} Over There\r\nLocation: {location}\r\nRefresh: 0; url={location}\r\nContent-Length: 0\r\n\r\n"
        );
        let expected = (false, Some(status), "redirects are not followed");
        cases.push(case("redirect", Hostile::answering(answer).await, expected));
    }
    assert_cases(&cases).await;
    assert_eq!(inside.connections(), 0);
}
