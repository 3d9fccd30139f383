//! The Events API and the `PagerDuty` drop-in, where a vendor case cannot say
//! what is to be seen.

use http::{Method, StatusCode};
use opsknight_tests::{Answer, Integration, World};
use serde_json::{Value, json};

async fn post(world: &World, integration: &Integration, body: &Value) -> Answer {
    let token = format!("Token token={}", integration.key);
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    world
        .send(Method::POST, "/api/events", &headers, body.to_string())
        .await
}

fn event(action: &str) -> Value {
    json!({
        "event_action": action,
        "dedup_key": "disk/db-1",
        "payload": {
            "summary": "Disk full on db-1", "source": "db-1", "severity": "error",
            "custom_details": {"free": "2%"},
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_opens_acknowledges_and_resolves() {
    let world = World::start().await;
    // The key of any integration will do.
    let integration = world.integration("prometheus").await;
    let triggered = post(&world, &integration, &event("trigger")).await;
    let body = triggered.expect(StatusCode::ACCEPTED);
    assert_eq!(body["status"], "success");
    assert_eq!(body["result"]["action"], "triggered");
    assert_eq!(body["result"]["dedupKey"], "disk/db-1");
    assert_eq!(body["result"]["incident"]["title"], "Disk full on db-1");
    assert_eq!(body["result"]["incident"]["urgency"], "MEDIUM");
    for (sent, expected) in [
        (event("trigger"), "deduplicated"),
        (
            json!({"event_action": "acknowledge", "dedup_key": "disk/db-1"}),
            "acknowledged",
        ),
        (
            json!({"event_action": "resolve", "dedup_key": "disk/db-1", "payload": null}),
            "resolved",
        ),
        (
            json!({"event_action": "resolve", "dedup_key": "disk/db-1", "extra": 1}),
            "ignored",
        ),
    ] {
        let answer = post(&world, &integration, &sent)
            .await
            .expect(StatusCode::ACCEPTED);
        assert_eq!(answer["result"]["action"], expected);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_event_is_refused_field_by_field() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let with = |pointer: &str, value: Value| {
        let mut event = event("trigger");
        *event.pointer_mut(pointer).expect("a field") = value;
        event
    };
    for (sent, paths) in [
        (json!({}), vec!["event_action", "dedup_key"]),
        (json!([]), vec![]),
        (
            json!({"event_action": "trigger", "dedup_key": "k"}),
            vec!["payload"],
        ),
        (
            json!({"event_action": "trigger", "dedup_key": "k", "payload": {}}),
            vec!["payload.summary", "payload.source", "payload.severity"],
        ),
        (
            with("/event_action", json!("TRIGGER")),
            vec!["event_action"],
        ),
        (
            with("/dedup_key", json!("k".repeat(201))),
            vec!["dedup_key"],
        ),
        (with("/dedup_key", json!(" ")), vec!["dedup_key"]),
        (
            with("/payload/summary", json!("s".repeat(501))),
            vec!["payload.summary"],
        ),
        (with("/payload/source", json!(7)), vec!["payload.source"]),
        (
            with("/payload/severity", json!("high")),
            vec!["payload.severity"],
        ),
        (
            with("/payload/custom_details", json!("text")),
            vec!["payload.custom_details"],
        ),
        (
            json!({"event_action": "resolve", "dedup_key": "k", "service_id": "svc_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
            vec!["service_id"],
        ),
    ] {
        let body = post(&world, &integration, &sent)
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert!(
            body["error"].is_string() && body["code"].is_string(),
            "{body}"
        );
        let told: Vec<&str> = body["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|detail| detail["path"].as_str())
            .collect();
        assert_eq!(told, paths, "{sent}");
    }
    assert!(world.incidents(&integration.service).await.is_empty());
    let token = format!("Token token={}", integration.key);
    let broken = world
        .send(
            Method::POST,
            "/api/events",
            &[("authorization", &token)],
            "{",
        )
        .await;
    broken.expect(StatusCode::BAD_REQUEST);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_valid_key_of_an_enabled_integration_counts() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    for header in [
        "",
        "Token token=00000000000000000000000000000000",
        "Token token=",
        "Bearer ok_00",
        "Basic eDp5",
        &integration.key,
    ] {
        let headers = [("authorization", header)];
        let answer = world
            .send(
                Method::POST,
                "/api/events",
                &headers,
                event("trigger").to_string(),
            )
            .await;
        assert!(
            answer.expect(StatusCode::UNAUTHORIZED)["code"].is_string(),
            "{header}"
        );
    }
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    let disabled = world
        .api(Method::PATCH, &path, json!({"enabled": false}))
        .await;
    disabled.expect(StatusCode::OK);
    post(&world, &integration, &event("trigger"))
        .await
        .expect(StatusCode::FORBIDDEN);
    assert!(world.incidents(&integration.service).await.is_empty());
    world.stop().await;
}

fn pagerduty(key: &str, action: &str) -> String {
    let payload = json!({"summary": "Disk full", "source": "db-1", "severity": "critical"});
    json!({"routing_key": key, "event_action": action, "dedup_key": "k", "payload": payload})
        .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_routing_key_is_that_of_an_enabled_pagerduty_integration() {
    let world = World::start().await;
    let (mine, other, foreign) = (
        world.integration("pagerduty").await,
        world.integration("pagerduty").await,
        world.integration("webhook").await,
    );
    let send = async |path: &str, key: &str| {
        world
            .send(Method::POST, path, &[], pagerduty(key, "trigger"))
            .await
    };
    send(&mine.url, &mine.key)
        .await
        .expect(StatusCode::ACCEPTED);
    for (path, key) in [
        ("/v2/enqueue", &foreign.key),
        (other.url.as_str(), &mine.key),
        (foreign.url.as_str(), &mine.key),
    ] {
        let answer = send(
            &path.replace("integrations/webhook", "integrations/pagerduty"),
            key,
        )
        .await;
        assert_eq!(
            answer.expect(StatusCode::BAD_REQUEST)["errors"],
            json!(["Invalid routing key"])
        );
    }
    let path = format!("/api/services/{}/integrations/{}", mine.service, mine.id);
    world
        .api(Method::PATCH, &path, json!({"enabled": false}))
        .await
        .expect(StatusCode::OK);
    let refused = send("/v2/enqueue", &mine.key)
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(refused["errors"], json!(["Invalid routing key"]));
    let get = world.send(Method::GET, "/v2/enqueue", &[], "").await;
    get.expect(StatusCode::METHOD_NOT_ALLOWED);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_request_log_holds_what_was_ignored_but_no_key() {
    let world = World::start().await;
    let integration = world.integration("pagerduty").await;
    let body = pagerduty(&integration.key, "resolve");
    let sent = world.send(Method::POST, "/v2/enqueue", &[], body).await;
    sent.expect(StatusCode::ACCEPTED);
    let path = format!(
        "/api/services/{}/integrations/{}/requests",
        integration.service, integration.id
    );
    let log = world.get(&path).await.to_string();
    assert!(
        log.contains("Disk full") && log.contains("ignored"),
        "{log}"
    );
    assert!(
        !log.contains(&integration.key),
        "the log holds the routing key"
    );
    world.stop().await;
}
