//! Killed again and again in the middle of its work, the program loses nothing
//! that it accepted.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use opsknight_tests::{process::Program, receiver::Receiver};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");
/// Processes that are killed.
const KILLS: usize = 4;
/// Alerts posted to each; with their resolves, twice as many deliveries.
const ALERTS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_kills_lose_no_delivery() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start().await;
    let mut accepted: HashSet<(String, &str)> = HashSet::new();
    let mut keys: Option<String> = None;
    for kill in 0..KILLS {
        let program = Program::start(BINARY, folder.path()).await;
        let id = match &keys {
            Some(id) => id.clone(),
            None => {
                let integration = program.world().integration("webhook").await;
                program
                    .world()
                    .webhook(receiver.url(), &integration.service)
                    .await;
                keys.insert(integration.id).clone()
            }
        };
        let path = format!("/api/integrations/webhook?integrationId={id}");
        let url = format!("{}{path}", program.world().url());
        let before = receiver.arrivals().len();
        let numbers = kill * ALERTS..(kill + 1) * ALERTS;
        let mut posts = stream::iter(numbers)
            .map(|number| open_and_resolve(&url, number))
            .buffer_unordered(8);
        // It dies in the middle: with requests, deliveries and receives under way.
        while let Some(told) = posts.next().await {
            accepted.extend(told);
            if receiver.arrivals().len() >= before + ALERTS {
                break;
            }
        }
        program.kill().await;
        while let Some(told) = posts.next().await {
            accepted.extend(told);
        }
    }
    let program = Program::start(BINARY, folder.path()).await;
    let arrivals = receiver
        .until("every accepted change", |arrivals| {
            let told: HashSet<(String, &str)> = arrivals
                .iter()
                .map(|one| (one.incident().to_owned(), one.event()))
                .collect();
            accepted.is_subset(&told)
        })
        .await;
    let ids: HashSet<&str> = arrivals
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect();
    println!(
        "{KILLS} kills: {} changes accepted, 0 lost, {} deliveries, {} duplicates",
        accepted.len(),
        ids.len(),
        arrivals.len() - ids.len()
    );
    assert!(accepted.len() >= KILLS * ALERTS / 2, "it was at work");
    program.kill().await;
}

/// The changes that were accepted, by incident and event.
async fn open_and_resolve(url: &str, number: usize) -> Vec<(String, &'static str)> {
    let mut told = Vec::new();
    for (body, event) in [
        (json!({ "id": number }), "incident.created"),
        (json!({ "id": number, "status": "ok" }), "incident.resolved"),
    ] {
        match post(url, body).await {
            Some(incident) => told.push((incident, event)),
            None => break,
        }
    }
    told
}

/// The incident of an accepted alert, `None` where no answer came.
async fn post(url: &str, body: Value) -> Option<String> {
    let client = reqwest::Client::builder().no_proxy().build().ok()?;
    let response = client.post(url).body(body.to_string()).send().await.ok()?;
    let answer: Value = response.json().await.ok()?;
    answer["result"]["incident"]["id"]
        .as_str()
        .map(str::to_owned)
}
