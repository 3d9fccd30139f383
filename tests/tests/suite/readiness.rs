//! Liveness and readiness.

use std::time::Duration;

use http::{Method, StatusCode};
use opsknight::stack::{Settings, Source};
use opsknight_tests::{Answer, World, receiver::Receiver, wait};
use serde_json::{Value, json};
use settings::Readiness;

const READINESS: &str = "/api/health?mode=readiness";

async fn ask(world: &World, path: &str) -> Answer {
    world.send(Method::GET, path, &[], "").await
}

async fn impatient_world() -> World {
    let second = Duration::from_secs(1);
    World::with(Settings {
        readiness: Readiness::new(second, second),
        retry_schedule: Some("1h,1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await
}

/// Waits for an answer of this status whose checks are `failing` and no others.
async fn wait_for(world: &World, status: StatusCode, failing: &[&str]) -> Value {
    wait::until(&format!("{status} for {failing:?}"), || async {
        let answer = ask(world, READINESS).await;
        let checks = answer.body["checks"].as_object().cloned()?;
        let found = checks.iter().filter(|(_, check)| check["status"] != "ok");
        let found: Vec<&str> = found.map(|(name, _)| name.as_str()).collect();
        (answer.status == status && found == failing).then_some(answer.body)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liveness_asks_nobody_and_readiness_everybody() {
    let world = World::start().await;
    let alive = ask(&world, "/api/health").await.expect(StatusCode::OK);
    assert_eq!(alive["status"], "healthy");
    let ready = ask(&world, READINESS).await.expect(StatusCode::OK);
    assert_eq!(ready["status"], "ready");
    for check in ["table", "queue", "deadLetters", "fanOut", "delivery"] {
        assert_eq!(ready["checks"][check]["status"], "ok", "{ready}");
    }
    assert_eq!(ready["checks"]["deadLetters"]["depth"], 0);
    ask(&world, "/api/health?mode=other")
        .await
        .expect(StatusCode::BAD_REQUEST);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_nobody_fans_out_are_noticed() {
    let world = impatient_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let stack = world.stack().expect("a stack of its own");
    let opened = world.accepted(&integration, json!({ "id": "first" })).await;
    receiver.count(1).await;
    wait_for(&world, StatusCode::OK, &[]).await;

    stack.pause(Source::Stream, true);
    let path = format!(
        "/api/incidents/{}",
        opened["incident"]["id"].as_str().expect("an id")
    );
    let change = json!({ "status": "ACKNOWLEDGED" });
    world
        .api(Method::PATCH, &path, change)
        .await
        .expect(StatusCode::OK);
    let answer = wait_for(&world, StatusCode::SERVICE_UNAVAILABLE, &["fanOut"]).await;
    assert_eq!(answer["status"], "not_ready");
    let check = &answer["checks"]["fanOut"];
    assert_eq!(check["reason"], "accepted events wait for fan-out");
    assert!(check["oldestSeconds"].as_u64() >= Some(1), "{check}");
    let text = answer.to_string();
    for secret in [&integration.id, &integration.service, stack.admin_key()] {
        assert!(!text.contains(secret), "{text}");
    }

    stack.pause(Source::Stream, false);
    let ready = wait_for(&world, StatusCode::OK, &[]).await;
    assert_eq!(ready["checks"]["fanOut"]["oldestSeconds"], Value::Null);
    assert_eq!(receiver.count(2).await[1].event(), "incident.acknowledged");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_nobody_attempts_are_noticed() {
    let world = impatient_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let stack = world.stack().expect("a stack of its own");
    world.accepted(&integration, json!({ "id": "k" })).await;
    receiver.count(1).await;
    wait_for(&world, StatusCode::OK, &[]).await;

    stack.pause(Source::Queue, true);
    // Behind a delivered one of its incident, and one of a new incident.
    world
        .accepted(&integration, json!({ "id": "k", "status": "ok" }))
        .await;
    let answer = wait_for(&world, StatusCode::SERVICE_UNAVAILABLE, &["delivery"]).await;
    assert!(answer["checks"]["delivery"]["oldestSeconds"].as_u64() >= Some(1));
    world.accepted(&integration, json!({ "id": "other" })).await;
    wait_for(&world, StatusCode::SERVICE_UNAVAILABLE, &["delivery"]).await;

    stack.pause(Source::Queue, false);
    receiver.count(3).await;
    wait_for(&world, StatusCode::OK, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_receiver_is_no_reason_not_to_be_ready() {
    let world = impatient_world().await;
    let receiver = Receiver::answering(|_, _| StatusCode::INTERNAL_SERVER_ERROR).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    // One in backoff, one that stands behind it.
    world.accepted(&integration, json!({ "id": "k" })).await;
    world
        .accepted(&integration, json!({ "id": "k", "status": "ok" }))
        .await;
    world
        .delivery(&webhook, |one| one["status"] == "RETRYING")
        .await;
    let waiting = world
        .delivery(&webhook, |one| one["status"] == "PENDING")
        .await;
    let made = waiting["createdAt"].as_str().expect("a time");
    let made = common::time::Timestamp::parse_rfc3339(made).expect("a time");
    wait::until("an age that counts", || async {
        let age = common::time::Timestamp::now().since(made);
        (age > Duration::from_secs(4)).then_some(())
    })
    .await;
    let ready = ask(&world, READINESS).await.expect(StatusCode::OK);
    assert_eq!(ready["checks"]["delivery"]["oldestSeconds"], Value::Null);
    world.stop().await;
}
