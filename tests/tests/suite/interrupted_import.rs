//! An import, and a deletion, whose table stops answering in the middle.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue},
};
use common::{
    http::auth::AdminKey,
    outbound::{Guard, Outbound},
    queue::Queue,
    store::Store,
};
use http::{Request, StatusCode};
use opsknight_tests::World;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// A table that takes so many writes and no more; reads go on.
async fn failing_table(endpoint: &str, writes: usize) -> String {
    let left = Arc::new(AtomicUsize::new(writes));
    let (client, endpoint) = (reqwest::Client::new(), endpoint.to_owned());
    let forward = move |headers: HeaderMap, body: Bytes| {
        let (client, endpoint, left) = (client.clone(), endpoint.clone(), left.clone());
        async move {
            let target = headers["x-amz-target"].to_str().expect("text").to_owned();
            let is_write = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]
                .iter()
                .any(|name| target.ends_with(name));
            let take = |left: usize| left.checked_sub(1);
            if is_write
                && left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                    .is_err()
            {
                let said = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#;
                return (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from(said));
            }
            let sent = client
                .post(&endpoint)
                .header("x-amz-target", target)
                .header("content-type", "application/x-amz-json-1.0")
                .header("authorization", headers["authorization"].clone())
                .header("x-amz-date", headers["x-amz-date"].clone())
                .body(body)
                .send()
                .await
                .expect("the table answers");
            let status = sent.status();
            (status, sent.bytes().await.expect("a body"))
        }
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(forward);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn import(table: &str, document: &Value) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post("/api/import")
        .body(Body::from(document.to_string()))
        .expect("a request");
    send(table, request).await
}

async fn delete(table: &str, path: &str) -> StatusCode {
    let request = Request::delete(path).body(Body::empty());
    send(table, request.expect("a request")).await.0
}

/// What the settings function answers on this table.
async fn send(table: &str, mut request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .endpoint_url(table)
        .build();
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .http_client(common::aws::http_client())
        .build();
    let queue = Queue::new(
        aws_sdk_sqs::Client::from_conf(sqs),
        "http://127.0.0.1:9/none",
    );
    let guard = Guard::new(true);
    let router = settings::router(settings::App {
        store: Store::new(aws_sdk_dynamodb::Client::from_conf(config), "opsknight"),
        queue: queue.clone(),
        dead_letters: queue,
        guard: guard.clone(),
        outbound: Outbound::new(guard).expect("a client"),
        admin: AdminKey::new("key"),
        public_url: Some("https://alerts.example".to_owned()),
        readiness: Default::default(),
    });
    let bearer = HeaderValue::from_static("Bearer key");
    request.headers_mut().insert("authorization", bearer);
    let response = router.oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    (parts.status, parts.headers, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_what_was_done_and_goes_on_when_it_is_sent_again() {
    let world = World::start().await;
    let Some(stack) = world.stack() else {
        return;
    };
    let document = json!({
        "version": 1,
        "services": [{ "name": "a" }, { "name": "b" }],
        "integrations": [
            { "service": { "name": "a" }, "type": "webhook", "name": "first" },
            { "service": { "name": "b" }, "type": "webhook", "name": "second" },
        ],
        "webhooks": [{ "name": "w", "url": "https://example.com/", "events": ["incident.created"] }],
    });
    let table = failing_table(stack.dynamodb_endpoint(), 3).await;
    let (status, headers, answer) = import(&table, &document).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert!(headers.contains_key("retry-after"));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        (&answer["code"], &answer["complete"]),
        (&json!("overloaded"), &json!(false))
    );
    let actions: Vec<&str> = answer["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["action"].as_str().expect("an action"))
        .collect();
    assert_eq!(
        actions,
        ["created", "created", "created", "failed", "pending"]
    );
    // What was created, and what may have been, is told with its key.
    let [first, second, webhook] = [2, 3, 4].map(|index| &answer["items"][index]);
    for item in [first, second] {
        assert_eq!(item["key"].as_str().map(str::len), Some(32), "{item}");
        let url = item["url"].as_str().unwrap_or_default();
        assert!(
            url.starts_with("https://alerts.example/api/integrations/webhook?integrationId=int_")
        );
    }
    assert!(
        webhook.get("secret").is_none() && webhook.get("id").is_none(),
        "{webhook}"
    );

    let table = failing_table(stack.dynamodb_endpoint(), usize::MAX).await;
    let (status, _, answer) = import(&table, &document).await;
    assert_eq!(
        (status, &answer["complete"]),
        (StatusCode::OK, &json!(true)),
        "{answer}"
    );
    let counts = &answer["counts"];
    assert_eq!(
        (&counts["unchanged"], &counts["created"]),
        (&json!(3), &json!(2))
    );
    let (_, _, answer) = import(&table, &document).await;
    assert_eq!(answer["counts"]["unchanged"], 5);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_broke_off_can_be_ended() {
    let world = World::start().await;
    let Some(stack) = world.stack() else {
        return;
    };
    let integration = world.integration("webhook").await;
    let other = json!({ "type": "webhook", "name": "other" });
    world.integration_of(&integration.service, other).await;
    let path = format!("/api/services/{}", integration.service);
    // The service itself is one write.
    let table = failing_table(stack.dynamodb_endpoint(), 1).await;
    assert_eq!(delete(&table, &path).await, StatusCode::SERVICE_UNAVAILABLE);
    let table = failing_table(stack.dynamodb_endpoint(), usize::MAX).await;
    assert_eq!(delete(&table, &path).await, StatusCode::NO_CONTENT);
    let alert = json!({ "title": "of nothing" });
    let answer = world.alert(&integration, alert).await;
    answer.expect(StatusCode::NOT_FOUND);
    let log = world.get("/api/audit?action=integration.deleted").await;
    assert_eq!(log["entries"].as_array().map(Vec::len), Some(2), "{log}");
    assert_eq!(delete(&table, &path).await, StatusCode::NOT_FOUND);
    world.stop().await;
}
