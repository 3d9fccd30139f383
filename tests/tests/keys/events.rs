//! Events sent with an API key.

use common::api_key::Scope;
use http::{Method, StatusCode};
use opsknight_tests::{Answer, World, receiver::Receiver};
use serde_json::{Value, json};

use super::Key;

const NOBODY: &str = "svc_01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn send(world: &World, key: &Key, body: &Value) -> Answer {
    key.call(world, Method::POST, "/api/events", body.clone())
        .await
}

fn event(action: &str, service: &str) -> Value {
    json!({
        "event_action": action, "dedup_key": "disk", "service_id": service,
        "payload": { "summary": "Disk full", "source": "db-1", "severity": "critical" },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_and_resolves_on_the_service_that_it_names() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let (service, other) = (world.service("db").await, world.service("web").await);
    let webhook = world.webhook(receiver.url(), &service).await;
    let body = json!({ "name": "backup job", "scopes": ["events:write"] });
    let key = Key::of(&world, body).await;
    for (sent, action) in [
        (event("trigger", &service), "triggered"),
        (event("trigger", &service), "deduplicated"),
        (event("trigger", &other), "triggered"),
        (event("resolve", &service), "resolved"),
    ] {
        let answer = send(&world, &key, &sent).await.expect(StatusCode::ACCEPTED);
        assert_eq!(answer["result"]["action"], action, "{sent}");
    }
    let incidents = world.incidents(&service).await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0]["source"], "db-1");
    assert_eq!(incidents[0]["service"]["name"], "db");

    let id = incidents[0]["id"].as_str().expect("an id");
    let timeline = world.get(&format!("/api/incidents/{id}/timeline")).await;
    let who = json!({ "type": "api", "id": key.id, "name": "backup job", "address": "127.0.0.1" });
    assert_eq!(timeline["timeline"][0]["actor"], who);
    assert_eq!(timeline["timeline"][1]["actor"], who);
    // Receivers are told what happened, not who did it from where.
    world
        .delivery(&webhook, |one| {
            one["event"] == "incident.resolved" && one["status"] == "DELIVERED"
        })
        .await;
    for arrival in receiver.arrivals() {
        let sent = format!(
            "{:?} {}",
            arrival.headers,
            String::from_utf8_lossy(&arrival.bytes)
        );
        assert!(
            !sent.contains(&key.id) && !sent.contains("backup job"),
            "{sent}"
        );
        let body = String::from_utf8_lossy(&arrival.bytes);
        assert!(
            !body.contains("127.0.0.1") && !body.contains("actor"),
            "{body}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_without_a_known_service_is_refused() {
    let world = World::start().await;
    let service = world.service("db").await;
    let key = Key::with(&world, &[Scope::EventsWrite]).await;
    let mut unnamed = event("trigger", "");
    unnamed["service_id"] = Value::Null;
    for (body, status) in [
        (unnamed, StatusCode::BAD_REQUEST),
        (event("trigger", ""), StatusCode::BAD_REQUEST),
        (event("trigger", "db"), StatusCode::BAD_REQUEST),
        (event("trigger", NOBODY), StatusCode::NOT_FOUND),
        (event("resolve", NOBODY), StatusCode::NOT_FOUND),
        (event("page", &service), StatusCode::BAD_REQUEST),
    ] {
        let answer = send(&world, &key, &body).await.expect(status);
        assert!(answer["code"].is_string(), "{body}");
    }
    assert!(world.incidents(&service).await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_has_a_rate_limit_of_its_own() {
    let world = World::start().await;
    let keys = [
        Key::with(&world, &[Scope::EventsWrite]).await,
        Key::with(&world, &[Scope::EventsWrite]).await,
    ];
    // Whatever is wrong with a request, it counts.
    let limit = common::limits::EVENTS_PER_KEY_AND_MINUTE;
    for _ in 0..limit {
        let answer = send(&world, &keys[0], &json!({})).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    let refused = send(&world, &keys[0], &json!({})).await;
    assert!(refused.headers.contains_key("retry-after"));
    let body = refused.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(body["code"], "rate_limited");
    send(&world, &keys[1], &json!({}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_would_say_of_the_caller_is_not_believed() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let forged = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
    ];
    world
        .send(Method::POST, &integration.url, &forged, "{\"id\":1}")
        .await
        .expect(StatusCode::OK);
    let incidents = world.incidents(&integration.service).await;
    let id = incidents[0]["id"].as_str().expect("an id");
    let timeline = world.get(&format!("/api/incidents/{id}/timeline")).await;
    let actor = &timeline["timeline"][0]["actor"];
    assert_eq!(
        (&actor["type"], &actor["id"], &actor["address"]),
        (
            &json!("integration"),
            &json!(integration.id),
            &json!("127.0.0.1")
        )
    );
    world.stop().await;
}
