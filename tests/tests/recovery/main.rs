//! What brings a delivery to its receiver after all: rotated secrets that
//! overlap, redelivery, recovery of a time, redrive, the clock; and the button
//! to try a webhook out.

mod log;
mod redelivery;
mod replay;
mod rotation;
mod stranded;
mod trial;
mod window;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use clock::Clock;
use common::{
    http::auth::AdminKey,
    id::{DeliveryId, EventId, IncidentId, WebhookId},
    limits,
    outbound::{Guard, Outbound},
    queue::Queue,
    signing,
    store::Store,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus},
};
use http::{Method, Request, StatusCode};
use opsknight::stack::Settings;
use opsknight_tests::{
    Answer, Integration, World,
    receiver::{Arrival, Receiver},
    wait,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A receiver that answers 503 until it is healed.
async fn sick_receiver() -> (Receiver, Arc<AtomicBool>) {
    let healthy = Arc::new(AtomicBool::new(false));
    let asked = healthy.clone();
    let receiver = Receiver::answering(move |_, _| {
        if asked.load(Ordering::SeqCst) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    })
    .await;
    (receiver, healthy)
}

fn path(webhook: &Value) -> String {
    let id = webhook["id"].as_str().expect("an id");
    format!("/api/status-page/webhooks/{id}")
}

fn redeliver_path(delivery: &Value) -> String {
    let id = |field: &str| delivery[field].as_str().expect("an id").to_owned();
    format!(
        "/api/status-page/webhooks/{}/deliveries/{}/redeliver",
        id("webhookId"),
        id("id")
    )
}

async fn post(world: &World, path: &str, body: Value) -> Answer {
    world.api(Method::POST, path, body).await
}

async fn with_status(world: &World, webhook: &Value, status: &str, count: usize) -> Vec<Value> {
    let list = format!("{}/deliveries?limit=100&status={status}", path(webhook));
    wait::until(&format!("{count} deliveries {status}"), || async {
        let found = world.get(&list).await["deliveries"].as_array()?.clone();
        (found.len() == count).then_some(found)
    })
    .await
}

/// Waits until no message is under way and no redrive runs.
async fn idle_queue(world: &World) -> Value {
    wait::until("an idle queue", || async {
        let queue = world.get("/api/delivery-queue").await;
        let is_idle = queue["ready"] == 0
            && queue["inFlight"] == 0
            && queue["redrive"]["status"] != "RUNNING";
        is_idle.then_some(queue)
    })
    .await
}

fn sqs(world: &World) -> Client {
    let stack = world.stack().expect("a stack of its own");
    sqs_at(stack.sqs_endpoint())
}

fn sqs_at(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

async fn queue(world: &World, name: &str) -> Queue {
    let client = sqs(world);
    let found = client.get_queue_url().queue_name(name).send().await;
    let url = found.expect("the queue").queue_url.expect("its URL");
    Queue::new(client, url)
}

fn store(world: &World) -> Store {
    Store::new(table(world), "opsknight")
}

fn table(world: &World) -> aws_sdk_dynamodb::Client {
    let stack = world.stack().expect("a stack of its own");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(stack.dynamodb_endpoint())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// The settings function on the world's table, without a queue, and as strict
/// with targets as on AWS.
async fn cut_off(world: &World, request: &str) -> (StatusCode, Value) {
    let nowhere = Queue::new(sqs_at("http://127.0.0.1:9"), "http://127.0.0.1:9/none");
    let guard = Guard::new(false);
    let router = settings::router(settings::App {
        store: store(world),
        queue: nowhere.clone(),
        dead_letters: nowhere,
        guard: guard.clone(),
        outbound: Outbound::new(guard).expect("a client"),
        admin: AdminKey::new("key"),
        readiness: settings::Readiness::default(),
        public_url: None,
    });
    let request = Request::post(request)
        .header("authorization", "Bearer key")
        .body(axum::body::Body::empty())
        .expect("a request");
    let response = router.oneshot(request).await.expect("an answer");
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let body = serde_json::from_slice(&bytes.expect("a body")).expect("JSON");
    (status, body)
}

fn secret(webhook: &Value) -> String {
    webhook["secret"].as_str().expect("a secret").to_owned()
}

/// Whether the Standard Webhooks signature of this secret is on the list.
fn is_signed_with(arrival: &Arrival, secret: &str) -> bool {
    let id = arrival.header("webhook-id");
    let seconds = arrival.header("webhook-timestamp").parse().expect("a time");
    let expected = signing::standard_signature([secret], id, seconds, &arrival.bytes);
    let mut given = arrival.header("webhook-signature").split(' ');
    given.any(|one| one == expected)
}

fn signatures(arrival: &Arrival) -> usize {
    arrival.header("webhook-signature").split(' ').count()
}

async fn tried(world: &World, receiver: &Receiver, webhook: &Value) -> Arrival {
    let answer = post(world, &format!("{}/test", path(webhook)), json!({})).await;
    assert_eq!(answer.expect(StatusCode::OK)["delivered"], true);
    receiver.arrivals().pop().expect("the test arrived")
}

/// Opens and resolves an incident; answers its id.
async fn outage(world: &World, integration: &Integration, id: u32) -> String {
    let opened = world.accepted(integration, json!({ "id": id })).await;
    let resolved = json!({ "id": id, "status": "ok" });
    world.accepted(integration, resolved).await;
    opened["incident"]["id"].as_str().expect("an id").to_owned()
}

/// A delivery that failed, as the table holds it.
fn failed_delivery(webhook: WebhookId, number: usize) -> Delivery {
    let now = Timestamp::now();
    let event_id = EventId::at(now);
    let id = DeliveryId::derive(event_id, webhook);
    let item = json!({
        "id": id, "webhookId": webhook, "eventId": event_id, "event": "incident.created",
        "incidentId": IncidentId::at(now), "version": 1, "status": "FAILED", "round": 0,
        "roundAttempts": 1, "roundStartedAt": now, "group": id, "createdAt": now,
        "body": json!({ "number": number }).to_string(),
    });
    serde_json::from_value(item).expect("a delivery")
}

/// The webhook's identifier.
fn id_of(webhook: &Value) -> WebhookId {
    let id = webhook["id"].as_str().expect("an id");
    id.parse().expect("an id")
}

/// A stack whose webhooks are never spared: its tests are about deliveries that
/// fail as fast as their schedule lets them.
async fn unsparing_world() -> World {
    World::with(Settings {
        retry_schedule: Some("1s,1s,2s".parse().expect("a schedule")),
        breaker: Some("failures=1000".parse().expect("a policy")),
        ..Settings::default()
    })
    .await
}
