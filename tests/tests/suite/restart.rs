//! What was accepted survives a restart and a `kill -9`.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use http::Method;
use opsknight_tests::{World, process::Program, receiver::Receiver, wait};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_command_works_and_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(BINARY, folder.path()).await;
    let alert = json!({ "summary": "Disk almost full on db-1", "severity": "critical", "dedup_key": "disk-db-1" });
    let sent = program
        .world()
        .send(Method::POST, program.intake(), &[], alert.to_string())
        .await;
    let incident = sent.body["result"]["incident"]["id"].clone();
    assert_eq!(sent.body["result"]["action"], "triggered", "{}", sent.body);
    let inbox = program.inbox().to_owned();
    wait::until("the delivery in the inbox", || async {
        let shown = program
            .world()
            .send(Method::GET, &format!("{inbox}.json"), &[], "")
            .await
            .body;
        let first = shown["deliveries"].as_array()?.first()?.clone();
        assert_eq!(
            (&first["event"], &first["signature"]),
            (&json!("incident.created"), &json!("valid"))
        );
        Some(())
    })
    .await;
    let page = program
        .world()
        .send(Method::GET, &inbox, &[("accept", "text/html")], "")
        .await;
    assert!(String::from_utf8_lossy(&page.bytes).contains("signature valid"));
    program.interrupt().await;

    let program = Program::start(BINARY, folder.path()).await;
    let list = program.world().get("/api/incidents").await;
    assert_eq!(list["incidents"][0]["id"], incident);
    let resolve = json!({ "status": "resolved", "dedup_key": "disk-db-1" });
    let resolved = program
        .world()
        .send(Method::POST, program.intake(), &[], resolve.to_string())
        .await;
    assert_eq!(resolved.body["result"]["incident"]["id"], incident);
    program.interrupt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_a_load_loses_no_accepted_alert() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start().await;
    let program = Program::start(BINARY, folder.path()).await;
    let integration = program.world().integration("webhook").await;
    program
        .world()
        .webhook(receiver.url(), &integration.service)
        .await;

    let (world, url) = (program.world(), &integration.url);
    let accepted: HashSet<String> = {
        let mut answers = stream::iter(0..300)
            .map(|number| {
                post(
                    world,
                    url,
                    json!({ "id": number, "title": format!("load {number}") }),
                )
            })
            .buffer_unordered(16);
        let mut accepted = HashSet::new();
        // The rest is under way when the process dies.
        while let Some(answer) = answers.next().await {
            accepted.extend(answer);
            if accepted.len() >= 200 {
                break;
            }
        }
        accepted
    };
    program.kill().await;
    assert!(accepted.len() >= 200);

    let program = Program::start(BINARY, folder.path()).await;
    let arrivals = receiver
        .until("every accepted alert's event", |arrivals| {
            let told: HashSet<&str> = arrivals.iter().map(|arrival| arrival.incident()).collect();
            accepted
                .iter()
                .all(|incident| told.contains(incident.as_str()))
        })
        .await;
    let ids: HashSet<&str> = arrivals
        .iter()
        .map(|arrival| arrival.header("webhook-id"))
        .collect();
    println!(
        "{} accepted, {} arrivals, {} of them repeated",
        accepted.len(),
        arrivals.len(),
        arrivals.len() - ids.len()
    );
    program.kill().await;
}

/// The incident of an accepted alert, `None` where no answer came.
async fn post(_: &World, url: &str, body: Value) -> Option<String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let response = client.post(url).body(body.to_string()).send().await.ok()?;
    let answer: Value = response.json().await.ok()?;
    answer["result"]["incident"]["id"]
        .as_str()
        .map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_wait_for_a_retry_go_on_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::answering(|_, before| {
        if before.is_empty() {
            axum::http::StatusCode::BAD_GATEWAY
        } else {
            axum::http::StatusCode::OK
        }
    })
    .await;
    let program = Program::start(BINARY, folder.path()).await;
    let integration = program.world().integration("webhook").await;
    program
        .world()
        .webhook(receiver.url(), &integration.service)
        .await;
    program
        .world()
        .accepted(&integration, json!({ "id": 1 }))
        .await;
    program
        .world()
        .accepted(&integration, json!({ "id": 1, "status": "ok" }))
        .await;
    receiver.count(1).await;
    program.kill().await;

    let program = Program::start(BINARY, folder.path()).await;
    let arrivals = receiver
        .until("the resolved event", |arrivals| {
            arrivals
                .iter()
                .any(|one| one.event() == "incident.resolved")
        })
        .await;
    let told: Vec<&str> = arrivals.iter().map(|arrival| arrival.event()).collect();
    assert_eq!(told.last(), Some(&"incident.resolved"));
    assert!(
        told[..told.len() - 1]
            .iter()
            .all(|event| *event == "incident.created")
            && told.len() >= 3,
        "{told:?}"
    );
    program.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(BINARY, folder.path()).await;
    let output = tokio::process::Command::new(BINARY)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .await
        .expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("another opsknight is running"));
    program.kill().await;
}
