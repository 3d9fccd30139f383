//! Alerts in, incidents worked on.

use std::time::Duration;

use common::time::Timestamp;
use http::Method;
use opsknight_tests::World;
use serde_json::{Value, json};

use crate::program::{Cli, text};

async fn send(cli: &Cli, key: &str, line: &[&str]) -> Value {
    let line = [&["send", "--json"], line].concat();
    let run = cli
        .run_in(&line, &[("OPSKNIGHT_INTEGRATION_KEY", key)])
        .await;
    serde_json::from_str(&run.ok(&line)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_named_goes_before_the_environments_key() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let key = json!({ "name": "sender", "scopes": ["events:write"] });
    let key = world.api(Method::POST, "/api/api-keys", key).await;
    let cli = Cli::at(world.url(), text(&key.body["token"]));
    let line = ["--service", &integration.service, "--summary", "s"];
    let line = [&line[..], &["--severity", "info"]].concat();
    let sent = send(&cli, "key-of-something-else", &line).await;
    assert_eq!(sent["result"]["action"], "triggered");
    assert_eq!(world.incidents(&integration.service).await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_from_its_alert_to_its_end() {
    let world = World::start().await;
    let (cli, integration) = (Cli::of(&world), world.integration("webhook").await);
    let trigger = [
        "--summary",
        "Disk full",
        "--severity",
        "critical",
        "--dedup-key",
        "disk",
    ];
    let sent = send(&cli, &integration.key, &trigger).await;
    assert_eq!(sent["result"]["action"], "triggered");
    let id = text(&sent["result"]["incident"]["id"]).to_owned();

    let listed = cli
        .prints(&[
            "incidents",
            "list",
            "--status",
            "open",
            "--urgency",
            "high",
            "--service",
            "service of webhook",
        ])
        .await;
    assert!(
        listed.contains(&format!(
            "{id}  OPEN    HIGH     service of webhook  Disk full  1"
        )),
        "{listed}"
    );
    let shown = cli.prints(&["incidents", "show", &id]).await;
    assert!(
        shown.contains("\ntitle           Disk full\n") && shown.contains("service.name"),
        "{shown}"
    );
    let acked = cli
        .prints(&["incidents", "ack", &id, "--note", "on it"])
        .await;
    assert_eq!(acked, format!("{id}  ACKNOWLEDGED  Disk full\n"));
    let snoozed = cli
        .json(&["incidents", "snooze", &id, "--minutes", "5"])
        .await;
    assert_eq!(snoozed["incident"]["status"], "SNOOZED");
    let end = Timestamp::now()
        .after(Duration::from_secs(86_400))
        .to_string();
    let snoozed = cli
        .json(&["incidents", "snooze", &id, "--until", &end])
        .await;
    assert_eq!(snoozed["incident"]["snoozedUntil"], end);
    cli.prints(&["incidents", "note", &id, "a second disk is on its way"])
        .await;
    let resolve = ["--action", "resolve", "--dedup-key", "disk"];
    assert_eq!(
        send(&cli, &integration.key, &resolve).await["result"]["action"],
        "resolved"
    );
    let timeline = cli.prints(&["incidents", "timeline", &id]).await;
    for said in [
        "incident.created",
        "incident.acknowledged",
        "on it",
        "a second disk",
        "incident.resolved",
    ] {
        assert!(timeline.contains(said), "{said} {timeline}");
    }
    let timeline = cli.json(&["incidents", "timeline", &id]).await;
    assert!(
        timeline["timeline"]
            .as_array()
            .is_some_and(|entries| entries.len() >= 5)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_are_changed_at_once_and_a_missing_one_is_told() {
    let world = World::start().await;
    let (cli, integration) = (Cli::of(&world), world.integration("webhook").await);
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        let line = ["--summary", key, "--severity", "info", "--dedup-key", key];
        let sent = send(&cli, &integration.key, &line).await;
        ids.push(text(&sent["result"]["incident"]["id"]).to_owned());
    }
    let missing = "inc_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let run = cli
        .run(&["incidents", "resolve", &ids[0], missing, &ids[1]])
        .await;
    run.failed(4, "no such incident");
    assert_eq!(run.out.matches("RESOLVED").count(), 2, "{run:?}");

    // One page, and where the next one starts; or all of them.
    let run = cli.run(&["incidents", "list", "--limit", "1"]).await;
    assert_eq!((run.code, run.out.lines().count()), (0, 2));
    let next = run
        .err
        .split_once("--cursor ")
        .and_then(|(_, rest)| rest.split(',').next());
    let page = cli
        .run(&[
            "incidents",
            "list",
            "--limit",
            "1",
            "--cursor",
            next.expect("a cursor"),
        ])
        .await;
    assert!(page.out.contains(&ids[1]), "{page:?}");
    let all = cli
        .json(&["incidents", "list", "--limit", "1", "--all"])
        .await;
    let found: Vec<&str> = all["incidents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(&one["id"]))
        .collect();
    let newest_first: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    assert_eq!((found, &all["nextCursor"]), (newest_first, &Value::Null));
    let all = cli.prints(&["incidents", "list", "--all"]).await;
    assert_eq!(all.lines().count(), 4);
    world.stop().await;
}
