//! DESIGN.md, "Domain rules", one by one.

use http::{Method, StatusCode};
use opsknight_tests::{Integration, World, receiver::Receiver};
use serde_json::{Value, json};

/// An Alertmanager body of one alert with times of its own.
fn alertmanager(status: &str, starts_at: &str, ends_at: &str) -> Value {
    json!({ "version": "4", "status": status, "alerts": [{
        "status": status, "fingerprint": "f1", "labels": { "alertname": "A", "severity": "warning" },
        "annotations": {}, "startsAt": starts_at, "endsAt": ends_at,
    }]})
}

async fn patch(world: &World, incident: &str, body: Value) -> Value {
    let answer = world
        .api(Method::PATCH, &format!("/api/incidents/{incident}"), body)
        .await;
    answer.expect(StatusCode::OK)["incident"].clone()
}

async fn timeline(world: &World, incident: &str) -> Vec<Value> {
    let answer = world
        .get(&format!("/api/incidents/{incident}/timeline"))
        .await;
    answer["timeline"].as_array().cloned().unwrap_or_default()
}

async fn events(world: &World, incident: &str) -> Vec<String> {
    let name = |entry: &Value| entry["event"].as_str().unwrap_or("note").to_owned();
    timeline(world, incident).await.iter().map(name).collect()
}

fn id(result: &Value) -> String {
    result["incident"]["id"]
        .as_str()
        .expect("an incident")
        .to_owned()
}

async fn world_with(provider: &str) -> (World, Integration) {
    let world = World::start().await;
    let integration = world.integration(provider).await;
    (world, integration)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_1_severity_maps_to_urgency() {
    let (world, integration) = world_with("webhook").await;
    for (severity, urgency) in [
        ("critical", "HIGH"),
        ("error", "MEDIUM"),
        ("warning", "MEDIUM"),
        ("info", "LOW"),
    ] {
        let result = world
            .accepted(
                &integration,
                json!({ "id": severity, "severity": severity }),
            )
            .await;
        assert_eq!(
            (&result["severity"], &result["incident"]["urgency"]),
            (&json!(severity), &json!(urgency))
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_2_a_repeat_is_counted_and_only_a_worse_one_is_told() {
    let (world, integration) = world_with("webhook").await;
    let receiver = Receiver::start().await;
    world.webhook(receiver.url(), &integration.service).await;
    let alert = |severity: &str| json!({ "id": 1, "title": "T", "severity": severity });

    let incident = id(&world.accepted(&integration, alert("warning")).await);
    for severity in ["warning", "info"] {
        let result = world.accepted(&integration, alert(severity)).await;
        assert_eq!(
            (&result["action"], &result["incident"]["urgency"]),
            (&json!("deduplicated"), &json!("MEDIUM"))
        );
    }
    let raised = world.accepted(&integration, alert("critical")).await;
    assert_eq!(
        (&raised["action"], &raised["incident"]["urgency"]),
        (&json!("deduplicated"), &json!("HIGH"))
    );
    let repeated = world.accepted(&integration, alert("critical")).await;
    assert_eq!(repeated["incident"]["urgency"], "HIGH");

    let read = world.get(&format!("/api/incidents/{incident}")).await;
    assert_eq!(
        (
            &read["incident"]["alertCount"],
            &read["incident"]["version"]
        ),
        (&json!(5), &json!(2))
    );
    assert_eq!(
        events(&world, &incident).await,
        ["incident.created", "incident.updated"]
    );
    let arrivals = receiver.count(2).await;
    assert_eq!(arrivals[1].event(), "incident.updated");
    assert_eq!(arrivals[1].body["data"]["urgency"], "HIGH");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_3_acknowledge_and_resolve() {
    let (world, integration) = world_with("webhook").await;
    let send =
        |status: &'static str| world.accepted(&integration, json!({ "id": "k", "status": status }));
    for status in ["ack", "resolved"] {
        assert_eq!(
            send(status).await["action"],
            "ignored",
            "{status} of nothing"
        );
    }
    let first = id(&send("open").await);
    let acknowledged = send("ack").await;
    assert_eq!(
        (&acknowledged["action"], &acknowledged["incident"]["status"]),
        (&json!("acknowledged"), &json!("ACKNOWLEDGED"))
    );
    assert_eq!(send("open").await["action"], "deduplicated");
    for quiet in [
        json!({ "status": "SUPPRESSED" }),
        json!({ "status": "SNOOZED", "snoozeMinutes": 60 }),
    ] {
        patch(&world, &first, quiet.clone()).await;
        let stays = send("ack").await;
        assert_eq!(
            stays["incident"]["status"], quiet["status"],
            "a vendor's acknowledge leaves it quiet"
        );
    }
    assert_eq!(send("resolved").await["action"], "resolved");
    assert_eq!(send("resolved").await["action"], "ignored");
    let again = send("open").await;
    assert_eq!(again["action"], "triggered");
    assert_ne!(id(&again), first);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_4_a_resolve_that_overtakes_its_trigger_is_remembered() {
    let (world, integration) = world_with("prometheus").await;
    let send = |body: Value| world.accepted(&integration, body);
    let resolve = alertmanager("resolved", "2026-08-06T07:00:00Z", "2026-08-06T07:10:00Z");
    assert_eq!(send(resolve).await["action"], "ignored");

    let late = send(alertmanager(
        "firing",
        "2026-08-06T07:00:00Z",
        "0001-01-01T00:00:00Z",
    ))
    .await;
    assert_eq!(
        (&late["action"], &late["reason"]),
        (
            &json!("ignored"),
            &json!("already resolved at 2026-08-06T07:10:00.000Z")
        )
    );
    let next = send(alertmanager(
        "firing",
        "2026-08-06T07:10:00.001Z",
        "0001-01-01T00:00:00Z",
    ))
    .await;
    assert_eq!(
        next["action"], "triggered",
        "what began after the resolve is another outage"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_4_a_duplicate_resolve_never_swallows_the_next_outage() {
    let (world, integration) = world_with("prometheus").await;
    let fire = || alertmanager("firing", "2026-08-06T07:00:00Z", "0001-01-01T00:00:00Z");
    let resolve = || alertmanager("resolved", "2026-08-06T07:00:00Z", "2026-08-06T07:10:00Z");
    for round in 0..2 {
        assert_eq!(
            world.accepted(&integration, fire()).await["action"],
            "triggered",
            "round {round}"
        );
        assert_eq!(
            world.accepted(&integration, resolve()).await["action"],
            "resolved"
        );
        assert_eq!(
            world.accepted(&integration, resolve()).await["action"],
            "ignored"
        );
    }
    // A person closes it first; the tool's own resolve then finds nothing.
    let incident = id(&world.accepted(&integration, fire()).await);
    patch(&world, &incident, json!({ "status": "RESOLVED" })).await;
    assert_eq!(
        world.accepted(&integration, resolve()).await["action"],
        "ignored"
    );
    assert_eq!(
        world.accepted(&integration, fire()).await["action"],
        "triggered"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_4_without_timestamps_a_trigger_opens() {
    let (world, integration) = world_with("webhook").await;
    assert_eq!(
        world
            .accepted(&integration, json!({ "id": 1, "status": "ok" }))
            .await["action"],
        "ignored"
    );
    assert_eq!(
        world.accepted(&integration, json!({ "id": 1 })).await["action"],
        "triggered"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_5_text_is_stored_as_sent_and_long_keys_still_match() {
    let (world, integration) = world_with("webhook").await;
    let title = "<script>alert('x')</script> e\u{301} \u{0}\u{7}&amp;";
    let incident = id(&world
        .accepted(&integration, json!({ "title": title, "id": "t" }))
        .await);
    let read = world.get(&format!("/api/incidents/{incident}")).await;
    assert_eq!(
        read["incident"]["title"],
        "<script>alert('x')</script> é &amp;"
    );

    let long = json!({ "title": "x".repeat(2_000), "id": "y".repeat(3_000), "description": "z".repeat(20_000) });
    let incident = id(&world.accepted(&integration, long).await);
    let read = world.get(&format!("/api/incidents/{incident}")).await["incident"].clone();
    let chars = |field: &str| read[field].as_str().expect("text").chars().count();
    assert_eq!(
        (chars("title"), chars("description"), chars("dedupKey")),
        (500, 10_000, 512)
    );
    let other = world
        .accepted(
            &integration,
            json!({ "title": "x", "id": format!("{}!", "y".repeat(3_000)) }),
        )
        .await;
    assert_eq!(
        other["action"], "triggered",
        "a key that differs at its end is another key"
    );
    let resolved = world
        .accepted(
            &integration,
            json!({ "id": "y".repeat(3_000), "status": "ok" }),
        )
        .await;
    assert_eq!(id(&resolved), incident);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_6_no_change_no_event() {
    let (world, integration) = world_with("webhook").await;
    let incident = id(&world
        .accepted(&integration, json!({ "id": 1, "title": "T" }))
        .await);
    for body in [
        json!({}),
        json!({ "title": "T" }),
        json!({ "status": "OPEN" }),
        json!({ "assignee": null }),
    ] {
        patch(&world, &incident, body).await;
    }
    assert_eq!(events(&world, &incident).await, ["incident.created"]);
    patch(
        &world,
        &incident,
        json!({ "status": "ACKNOWLEDGED", "title": "U", "note": "on it" }),
    )
    .await;
    patch(&world, &incident, json!({ "status": "ACKNOWLEDGED" })).await;
    let after = patch(&world, &incident, json!({ "note": "still on it" })).await;
    assert_eq!(after["version"], 2);
    assert_eq!(
        events(&world, &incident).await,
        ["incident.created", "incident.acknowledged", "note", "note"]
    );
    let entries = timeline(&world, &incident).await;
    assert_eq!(
        entries[0]["actor"],
        json!({
            "type": "integration", "id": integration.id, "name": "webhook", "address": "127.0.0.1",
        })
    );
    assert_eq!(
        entries[1]["actor"],
        json!({ "type": "api", "name": "admin", "address": "127.0.0.1" })
    );
    assert_eq!(
        entries[1]["changes"][0],
        json!({ "field": "status", "from": "OPEN", "to": "ACKNOWLEDGED" })
    );
    assert_eq!(entries[3]["note"], "still on it");
    world.stop().await;
}
