//! Users hear of a webhook that fails, and of one that is disabled.

use std::time::Duration;

use http::{Method, StatusCode};
use opsknight::stack::Settings;
use opsknight_tests::{
    World,
    receiver::{Arrival, Receiver},
};
use serde_json::{Value, json};

use crate::lab::{Lab, Mode};

const ABOUT_WEBHOOKS: [&str; 2] = ["webhook.failing", "webhook.disabled"];

async fn world() -> World {
    World::with(Settings {
        retry_schedule: Some(["1s"; 60].join(",").parse().expect("a schedule")),
        breaker: Some(
            "failures=2,pauses=1s,warn=2s,disable=5s"
                .parse()
                .expect("a policy"),
        ),
        ..Settings::default()
    })
    .await
}

async fn webhook(world: &World, name: &str, url: &str, events: &[&str], service: &str) -> Value {
    let filter = json!({ "serviceIds": [service] });
    let body = json!({ "name": name, "url": url, "events": events, "filter": filter });
    world.webhook_of(body).await
}

async fn timeline(world: &World, webhook: &Value) -> Vec<Value> {
    let id = webhook["id"].as_str().expect("an id");
    let shown = world
        .get(&format!("/api/status-page/webhooks/{id}/timeline"))
        .await;
    shown["timeline"].as_array().cloned().unwrap_or_default()
}

fn words<'a>(entries: &'a [Value], field: &str) -> Vec<&'a str> {
    entries
        .iter()
        .filter_map(|entry| entry[field].as_str())
        .collect()
}

fn events(arrivals: &[Arrival]) -> Vec<&str> {
    arrivals.iter().map(Arrival::event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_only_fails_is_told_of_and_then_disabled() {
    let world = world().await;
    let lab = Lab::start(Mode::Answer(StatusCode::BAD_GATEWAY, Duration::ZERO)).await;
    let watcher = Receiver::start().await;
    let integration = world.integration("webhook").await;
    // It wants to hear of webhooks as well, but not of itself.
    let wanted = ["incident.created", "webhook.failing", "webhook.disabled"];
    let url = format!("{}?token=secret", lab.url());
    let failing = webhook(&world, "flaky", &url, &wanted, &integration.service).await;
    // The filter is one of incidents: the watcher's service has none.
    let quiet = world.service("quiet").await;
    let watching = webhook(&world, "watcher", watcher.url(), &ABOUT_WEBHOOKS, &quiet).await;
    world.accepted(&integration, json!({ "id": 1 })).await;

    let arrivals = watcher.count(2).await;
    assert_eq!(events(&arrivals), ABOUT_WEBHOOKS);
    for arrival in &arrivals {
        let data = &arrival.body["data"];
        assert_eq!(data["id"], failing["id"]);
        assert_eq!(data["name"], "flaky");
        assert_eq!(data["url"], "127.0.0.1", "paths and queries are secrets");
        assert_eq!(data["lastError"], "answered 502");
        assert!(data["failingSince"].is_string());
        assert!(data["consecutiveFailures"].as_u64() >= Some(2), "{data}");
        assert!(arrival.header("x-webhook-signature").starts_with("sha256="));
        let text = String::from_utf8_lossy(&arrival.bytes);
        assert!(text.starts_with(r#"{"event":"webhook."#), "{text}");
    }
    assert!(arrivals[1].body["data"]["reason"].is_string());

    let shown = world
        .webhook_when(&failing, |shown| shown["enabled"] == false)
        .await;
    let reason = shown["disabledReason"].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("nothing but failures since"),
        "{reason:?}"
    );
    world
        .delivery(&failing, |one| one["status"] == "SKIPPED")
        .await;
    let id = failing["id"].as_str().expect("an id");
    let list = world
        .get(&format!("/api/status-page/webhooks/{id}/deliveries"))
        .await;
    let own = list["deliveries"].as_array().cloned().unwrap_or_default();
    assert_eq!(words(&own, "event"), ["incident.created"], "not of itself");
    let of_event = world
        .delivery(&watching, |one| one["event"] == "webhook.disabled")
        .await;
    assert_eq!(of_event["incidentId"], Value::Null);

    // Enabled again it starts anew, and that is in its timeline as well.
    let enabled = world
        .api(
            Method::PATCH,
            &format!("/api/status-page/webhooks/{id}"),
            json!({ "enabled": true }),
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(enabled["webhook"]["health"]["state"], "closed");
    assert_eq!(enabled["webhook"]["disabledReason"], Value::Null);
    let entries = timeline(&world, &failing).await;
    assert_eq!(
        words(&entries, "happened"),
        ["failing", "disabled", "enabled"]
    );
    assert_eq!(words(&entries, "event"), ABOUT_WEBHOOKS);
    assert_eq!(entries[2]["actor"]["type"], "api");
    assert_eq!(watcher.arrivals().len(), 2, "told once each");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warned_webhook_that_works_again_says_so() {
    let world = world().await;
    let lab = Lab::start(Mode::Answer(StatusCode::BAD_GATEWAY, Duration::ZERO)).await;
    let integration = world.integration("webhook").await;
    let wanted = ["incident.created"];
    let failing = webhook(&world, "flaky", lab.url(), &wanted, &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    world
        .webhook_when(&failing, |shown| shown["health"]["warnedAt"].is_string())
        .await;
    lab.set(Mode::Answer(StatusCode::OK, Duration::ZERO));
    let shown = world
        .webhook_when(&failing, |shown| shown["health"]["state"] == "closed")
        .await;
    assert_eq!(shown["enabled"], true);
    let entries = timeline(&world, &failing).await;
    assert_eq!(words(&entries, "happened"), ["failing", "recovered"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_410_is_skipped_and_every_chat_hears_of_it() {
    let world = world().await;
    let going = Receiver::answering(|arrival, _| {
        let first = arrival.header("x-webhook-attempt") == "1";
        if first {
            StatusCode::BAD_GATEWAY
        } else {
            StatusCode::GONE
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let wanted = ["incident.created", "incident.resolved"];
    let leaving = webhook(
        &world,
        "leaving",
        going.url(),
        &wanted,
        &integration.service,
    )
    .await;
    let mut chats = Vec::new();
    for format in ["slack", "teams", "google-chat", "discord", "telegram"] {
        let chat = Receiver::start().await;
        let url = format!("{}?chat_id=1", chat.url());
        let body = json!({
            "name": format, "url": url, "format": format, "events": ABOUT_WEBHOOKS,
        });
        world.webhook_of(body).await;
        chats.push((format, chat));
    }
    world.accepted(&integration, json!({ "id": 1 })).await;
    let resolved = json!({ "id": 1, "status": "ok" });
    world.accepted(&integration, resolved).await;

    let skipped = world
        .delivery(&leaving, |one| one["status"] == "SKIPPED")
        .await;
    assert_eq!(skipped["event"], "incident.resolved");
    assert_eq!(skipped["attempts"], json!([]));
    let failed = world
        .delivery(&leaving, |one| one["status"] == "FAILED")
        .await;
    assert_eq!(failed["attempts"][1]["statusCode"], 410);
    assert_eq!(events(&going.arrivals()), ["incident.created"; 2]);
    for (format, chat) in &chats {
        let arrival = chat.count(1).await.remove(0);
        let text = String::from_utf8_lossy(&arrival.bytes).into_owned();
        assert!(
            text.contains("disabled") && text.contains("leaving"),
            "{format}: {text}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_is_told_of_once() {
    let world = world().await;
    let gone = Receiver::answering(|_, _| StatusCode::GONE).await;
    let watcher = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let wanted = ["incident.created"];
    let webhooks = [
        webhook(&world, "gone", gone.url(), &wanted, &integration.service).await,
        webhook(
            &world,
            "watcher",
            watcher.url(),
            &ABOUT_WEBHOOKS,
            &integration.service,
        )
        .await,
    ];
    for id in 0..8 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let arrivals = watcher.count(1).await;
    assert_eq!(events(&arrivals), ["webhook.disabled"]);
    let data = &arrivals[0].body["data"];
    assert!(
        data["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("410"))
    );
    assert_eq!(data["consecutiveFailures"], 0);
    let shown = world
        .webhook_when(&webhooks[0], |shown| shown["enabled"] == false)
        .await;
    assert!(shown["disabledReason"].is_string());
    let entries = timeline(&world, &webhooks[0]).await;
    assert_eq!(words(&entries, "happened"), ["disabled"]);
    world.stop().await;
}
