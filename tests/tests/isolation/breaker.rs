//! The circuit breaker, from the first failure to the recovery.

use std::{collections::HashMap, time::Duration};

use http::{Method, StatusCode};
use opsknight::stack::Settings;
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

use crate::lab::{Lab, Mode};

const BROKEN: Mode = Mode::Answer(StatusCode::BAD_GATEWAY, Duration::from_millis(200));
const WELL: Mode = Mode::Answer(StatusCode::OK, Duration::ZERO);
/// Incidents of which each is created and resolved.
const INCIDENTS: usize = 8;

async fn world(breaker: &str) -> World {
    World::with(Settings {
        // Long enough that nothing is exhausted.
        retry_schedule: Some(["1s"; 60].join(",").parse().expect("a schedule")),
        breaker: Some(breaker.parse().expect("a policy")),
        ..Settings::default()
    })
    .await
}

fn path(webhook: &Value) -> String {
    let id = webhook["id"].as_str().expect("an id");
    format!("/api/status-page/webhooks/{id}")
}

async fn deliveries(world: &World, webhook: &Value) -> Vec<Value> {
    let list = world
        .get(&format!("{}/deliveries?limit=100", path(webhook)))
        .await;
    list["deliveries"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_webhook_is_probed_by_one_at_a_time_and_drains_in_order() {
    let world = world("failures=5,pauses=1s").await;
    let lab = Lab::start(BROKEN).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(lab.url(), &integration.service).await;
    for id in 0..INCIDENTS {
        world.accepted(&integration, json!({ "id": id })).await;
        let resolved = json!({ "id": id, "status": "ok" });
        world.accepted(&integration, resolved).await;
    }
    let open = world
        .webhook_when(&webhook, |shown| shown["health"]["state"] != "closed")
        .await;
    assert_eq!(open["enabled"], true);
    assert_eq!(open["health"]["lastError"], "answered 502");
    assert!(open["health"]["failingSince"].is_string());
    // What was under way when it opened ends; after that there are probes only.
    wait::until("the last of the crowd", || async {
        (lab.open() <= 1).then_some(())
    })
    .await;
    lab.take_most();
    let failures = |shown: &Value| shown["health"]["consecutiveFailures"].as_u64();
    let enough = failures(&open).map(|failures| failures + 4);
    world
        .webhook_when(&webhook, |shown| failures(shown) >= enough)
        .await;
    assert_eq!(lab.take_most(), 1, "one probe at a time");

    // Waiting is no attempt.
    let waiting = deliveries(&world, &webhook).await;
    let tried: usize = waiting
        .iter()
        .filter_map(|one| one["attempts"].as_array().map(Vec::len))
        .sum();
    assert!(tried <= lab.seen().len());
    let never_tried = waiting.iter().filter(|one| one["attempts"] == json!([]));
    assert!(never_tried.count() >= INCIDENTS, "the resolved events wait");

    lab.set(WELL);
    let seen = lab
        .until("everything", |seen| {
            seen.iter().filter(|one| one.delivered).count() >= 2 * INCIDENTS
        })
        .await;
    let mut told: HashMap<&str, Vec<&str>> = HashMap::new();
    for one in seen.iter().filter(|one| one.delivered) {
        told.entry(&one.incident).or_default().push(&one.event);
    }
    assert_eq!(told.len(), INCIDENTS);
    for events in told.values() {
        assert_eq!(*events, ["incident.created", "incident.resolved"]);
    }
    let resolved = seen.iter().filter(|one| one.event == "incident.resolved");
    assert!(
        resolved.clone().all(|one| one.attempt == "1"),
        "nobody tried what waited"
    );
    let closed = world
        .webhook_when(&webhook, |shown| shown["health"]["state"] == "closed")
        .await;
    assert_eq!(closed["health"]["consecutiveFailures"], 0);
    assert_eq!(closed["updatedAt"], webhook["updatedAt"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_by_users_and_the_breaker_leave_each_other_alone() {
    let world = world("failures=2,pauses=1s").await;
    let lab = Lab::start(BROKEN).await;
    let good = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(lab.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let failures = |shown: &Value| shown["health"]["consecutiveFailures"].as_u64().unwrap_or(0);
    let mut last = 0;
    for name in ["one", "two", "three"] {
        let shown = world
            .webhook_when(&webhook, |shown| failures(shown) > last.max(1))
            .await;
        last = failures(&shown);
        let changed = world
            .api(Method::PATCH, &path(&webhook), json!({ "name": name }))
            .await
            .expect(StatusCode::OK);
        assert_eq!(changed["webhook"]["name"], name);
        let kept = world.get(&path(&webhook)).await["webhook"].clone();
        assert!(failures(&kept) >= last, "{kept}");
    }
    let shown = world
        .webhook_when(&webhook, |shown| failures(shown) > last)
        .await;
    assert_eq!(shown["name"], "three", "failures overwrite nothing");

    // A new address has not failed yet.
    let moved = world
        .api(Method::PATCH, &path(&webhook), json!({ "url": good.url() }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(moved["webhook"]["health"]["consecutiveFailures"], 0);
    world.accepted(&integration, json!({ "id": 2 })).await;
    good.count(2).await;
    world.stop().await;
}
