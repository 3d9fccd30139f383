//! `Retry-After` in every form, and in forms that are none.

use std::time::Duration;

use common::{limits, time::Timestamp};
use opsknight_tests::hostile::Hostile;
use serde_json::{Value, json};

use super::impatient_world;

/// The pause of the stack's own schedule, which is all that is waited where
/// nothing readable is asked for: 1 h, give or take a fifth.
const PLANNED: Duration = Duration::from_secs(3_600);
const HOUR: u64 = 3_600;

/// What is asked for, and the shortest pause in answer, in seconds; 0 for the
/// schedule's own.
const FORMS: &[(&str, u64)] = &[
    ("Retry-After: 7200", 2 * HOUR),
    ("retry-after:   7200  ", 2 * HOUR),
    ("RETRY-AFTER: 0007200", 2 * HOUR),
    ("Retry-After: 43200", 12 * HOUR),
    // More than 12 h is cut to 12 h.
    ("Retry-After: 43201", 12 * HOUR),
    ("Retry-After: 31536000", 12 * HOUR),
    ("Retry-After: 18446744073709551615", 12 * HOUR),
    ("Retry-After: 99999999999999999999999999", 12 * HOUR),
    // All forms of an HTTP date.
    ("Retry-After: Sun, 06 Dec 2076 08:49:37 GMT", 12 * HOUR),
    ("Retry-After: Sunday, 06-Dec-76 08:49:37 GMT", 12 * HOUR),
    ("Retry-After: Sun Dec  6 08:49:37 2076", 12 * HOUR),
    // Twice: the longer one.
    ("Retry-After: 1\r\nRetry-After: 7200", 2 * HOUR),
    ("Retry-After: 7200\r\nRetry-After: 1", 2 * HOUR),
    // Shorter than planned, or nothing that can be read.
    ("Retry-After: 0", 0),
    ("Retry-After: 1", 0),
    ("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ("Retry-After: Sunday, 06-Nov-94 08:49:37 GMT", 0),
    ("Retry-After: Sun Nov  6 08:49:37 1994", 0),
    ("Retry-After:", 0),
    ("Retry-After: -7200", 0),
    ("Retry-After: +7200", 0),
    ("Retry-After: 7200.5", 0),
    ("Retry-After: 2h", 0),
    ("Retry-After: soon", 0),
    ("Retry-After: 2076-12-06T08:49:37Z", 0),
    ("Retry-After: \u{fc}ber morgen", 0),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_retry_after_is_honoured_or_ignored() {
    let world = impatient_world().await;
    let integration = world.integration("webhook").await;
    let mut asked = Vec::new();
    // Any status but 2xx and 410 is retried, and may ask for a pause.
    let statuses = [429, 503, 500, 404, 302];
    for ((form, pause), status) in FORMS.iter().zip(statuses.iter().cycle()) {
        let answer = format!("HTTP/1.1 {status} Later\r\n{form}\r\nContent-Length: 0\r\n\r\n");
        let receiver = Hostile::answering(answer).await;
        let webhook = world.webhook(receiver.url(), &integration.service).await;
        asked.push((form, *pause, webhook, receiver));
    }
    world.accepted(&integration, json!({ "id": 1 })).await;
    for (form, pause, webhook, _receiver) in &asked {
        let delivery = world
            .delivery(webhook, |one| one["status"] == "RETRYING")
            .await;
        let waits = time(&delivery["nextAttemptAt"]).since(time(&delivery["attempts"][0]["at"]));
        let asked = Duration::from_secs(*pause);
        let (least, most) = match pause {
            0 => (PLANNED.mul_f64(0.8), PLANNED.mul_f64(1.2)),
            _ => (asked, asked),
        };
        // The attempt's own time lies between the two.
        let most = most + limits::DELIVERY_TIMEOUT;
        assert!((least..=most).contains(&waits), "{form:?}: {waits:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_still_asks_for_its_pause() {
    let world = impatient_world().await;
    let integration = world.integration("webhook").await;
    let later = "HTTP/1.1 503 Later\r\nRetry-After: 7200\r\nContent-Length: 9\r\n\r\nhalf";
    let receiver = Hostile::answering(later).await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let gone = Hostile::answering("HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\nhalf").await;
    let left = world.webhook(gone.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivery = world
        .delivery(&webhook, |one| one["status"] == "RETRYING")
        .await;
    let waits = time(&delivery["nextAttemptAt"]).since(time(&delivery["attempts"][0]["at"]));
    assert!(waits >= Duration::from_secs(7_200), "{waits:?}");
    let failed = world.delivery(&left, |one| one["status"] == "FAILED").await;
    assert_eq!(failed["attempts"][0]["statusCode"], 410);
    world.stop().await;
}

fn time(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a time");
    Timestamp::parse_rfc3339(text).expect("a time")
}
