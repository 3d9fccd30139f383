//! A hanging receiver and those beside it.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use common::{
    breaker::BreakerPolicy,
    outbound::{Guard, Outbound},
    queue::Queue,
    retry::RetrySchedule,
    store::Store,
    time::Timestamp,
    webhook::DeliveryMessage,
};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use opsknight::stack::{Settings, Stack};
use opsknight_tests::{Integration, World, receiver::Receiver, wait};
use serde_json::{Value, json};

use crate::lab::{Lab, Mode};

/// No breaker: what is left to protect the neighbours are the places.
fn never_opens(at_once: usize) -> Settings {
    let policy = format!("failures=1000000,atOnce={at_once}");
    Settings {
        breaker: Some(policy.parse().expect("a policy")),
        ..Settings::default()
    }
}

async fn alerts(world: &World, integration: &Integration, bodies: Vec<Value>) {
    stream::iter(bodies)
        .map(|body| world.accepted(integration, body))
        .buffer_unordered(8)
        .collect::<Vec<_>>()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_receiver_holds_up_nobody_else() {
    let world = World::with(never_opens(10)).await;
    let (hanging, good) = (Lab::start(Mode::Hang).await, Receiver::start().await);
    let bad = world.integration("webhook").await;
    let well = world.integration("webhook").await;
    world.webhook(hanging.url(), &bad.service).await;
    world.webhook(good.url(), &well.service).await;

    // More than the function's invocations at once could carry.
    let flood = (0..120).map(|id| json!({ "id": id })).collect();
    alerts(&world, &bad, flood).await;
    wait::until("the first hangs", || async {
        (hanging.open() > 0).then_some(())
    })
    .await;

    let begun = Instant::now();
    let opened = (0..60).map(|id| json!({ "id": id })).collect();
    alerts(&world, &well, opened).await;
    let resolved = (0..60)
        .map(|id| json!({ "id": id, "status": "ok" }))
        .collect();
    alerts(&world, &well, resolved).await;
    let posted = Instant::now();
    good.count(120).await;
    println!(
        "120 alerts posted in {:?}, the last event arrived {:?} later, beside {} hanging requests",
        posted - begun,
        posted.elapsed(),
        hanging.open()
    );
    let most = hanging.take_most();
    assert!(most <= 10, "{most} requests at once");
    assert!(
        hanging.seen().iter().all(|seen| !seen.delivered),
        "it hangs to the end"
    );
    // Nothing to wait for: the hanging requests end with the world.
    drop(hanging);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_requests_are_counted_across_functions() {
    let world = World::with(never_opens(2)).await;
    let stack = world.stack().expect("a stack of its own");
    let hanging = Lab::start(Mode::Hang).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(hanging.url(), &integration.service).await;
    let bodies = (0..3).map(|id| json!({ "id": id })).collect();
    alerts(&world, &integration, bodies).await;

    let store = store(stack);
    let id = webhook["id"].as_str().expect("an id").parse().expect("one");
    wait::until("two slow requests in the webhook's item", || async {
        let webhook = store.webhook(id).await.expect("an answer").expect("one");
        (webhook.slow_attempts_at(Timestamp::now()) >= 2).then_some(())
    })
    .await;
    let before = hanging.seen().len();

    // Another function, which knows nothing of the first one's requests.
    let pending = world
        .delivery(&webhook, |one| {
            one["attempts"] == json!([]) && one["status"] == "PENDING"
        })
        .await;
    let deliverer = deliverer(store, queue_at("http://127.0.0.1:9"));
    let event = json!({ "Records": [record("m1", &message(&pending, 0))] });
    let response = deliverer
        .handle(
            serde_json::from_value(event).expect("an event"),
            Instant::now() + Duration::from_secs(30),
        )
        .await;
    let back: Vec<&str> = response
        .batch_item_failures
        .iter()
        .map(|failure| failure.item_identifier.as_str())
        .collect();
    assert_eq!((back, hanging.seen().len()), (vec!["m1"], before));
    drop(hanging);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delivered_leaves_the_queue_while_its_batch_hangs() {
    let world = World::with(never_opens(10)).await;
    let (hanging, good) = (Lab::start(Mode::Hang).await, Receiver::start().await);
    let integration = world.integration("webhook").await;
    let mut messages = Vec::new();
    for url in [hanging.url(), good.url()] {
        let webhook = world.webhook(url, &integration.service).await;
        messages.push((webhook, url));
    }
    world.accepted(&integration, json!({ "id": 1 })).await;
    good.count(1).await;
    let mut records = Vec::new();
    for (webhook, url) in &messages {
        let delivery = world.delivery(webhook, |_| true).await;
        // A round of its own, so that it is delivered once more.
        let message = message(&delivery, 1);
        records.push(record(url, &message));
    }
    let deleted = std::sync::Arc::new(tokio::sync::Notify::new());
    let deliverer = deliverer(
        store(world.stack().expect("one")),
        queue_telling(&deleted).await,
    );
    let batch = serde_json::from_value(json!({ "Records": records })).expect("an event");
    let handling = tokio::spawn(async move {
        let deadline = Instant::now() + Duration::from_secs(30);
        deliverer.handle(batch, deadline).await
    });
    tokio::time::timeout(wait::PATIENCE, deleted.notified())
        .await
        .expect("a message is deleted");
    assert!(!handling.is_finished() && hanging.open() > 0);
    handling.abort();
    drop(hanging);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ordering_no_event_waits_for_another() {
    let world = World::start().await;
    let receiver = Receiver::answering(|arrival, before| {
        let resolved = before.iter().any(|one| one.event() == "incident.resolved");
        if arrival.event() == "incident.created" && !resolved {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let body = json!({
        "name": "unordered", "url": receiver.url(), "ordering": "none",
        "events": ["incident.created", "incident.resolved"],
        "filter": { "serviceIds": [integration.service] },
    });
    let webhook = world.webhook_of(body).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    receiver.count(1).await;
    world
        .accepted(&integration, json!({ "id": 1, "status": "ok" }))
        .await;
    world
        .delivery(&webhook, |one| {
            one["event"] == "incident.created" && one["status"] == "DELIVERED"
        })
        .await;
    let arrivals = receiver.arrivals();
    let of = |event: &str| {
        let mut all = arrivals.iter().filter(|one| one.event() == event);
        all.next_back().expect("one").body["data"]["version"].clone()
    };
    assert_eq!(
        (of("incident.created"), of("incident.resolved")),
        (json!(1), json!(2)),
        "the receiver can tell the order by the version"
    );
    world.stop().await;
}

fn store(stack: &Stack) -> Store {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(stack.dynamodb_endpoint())
        .build();
    Store::new(aws_sdk_dynamodb::Client::from_conf(config), "opsknight")
}

fn message(delivery: &Value, round: u32) -> DeliveryMessage {
    let text = |field: &str| delivery[field].as_str().expect("an id").to_owned();
    DeliveryMessage {
        delivery_id: text("id").parse().expect("an id"),
        webhook_id: text("webhookId").parse().expect("an id"),
        event_id: text("eventId").parse().expect("an id"),
        event: common::event::EventName::Created,
        round,
        body: "{}".to_owned(),
        correlation_id: None,
    }
}

/// A message as Lambda hands it over, in a group of its own.
fn record(id: &str, message: &DeliveryMessage) -> Value {
    json!({
        "messageId": id, "receiptHandle": id, "messageAttributes": {},
        "body": serde_json::to_string(message).expect("JSON"),
        "attributes": { "MessageGroupId": id },
    })
}

/// The function, beside the one of the stack.
fn deliverer(store: Store, queue: Queue) -> delivery::Deliverer {
    let policy: BreakerPolicy = "failures=1000000,atOnce=2".parse().expect("a policy");
    delivery::Deliverer::new(
        store,
        queue.clone(),
        queue,
        Outbound::new(Guard::new(true)).expect("a client"),
        RetrySchedule::default(),
        policy,
    )
}

/// A queue that says when it is asked to delete messages.
async fn queue_telling(deleted: &std::sync::Arc<tokio::sync::Notify>) -> Queue {
    let deleted = deleted.clone();
    let answer = move |headers: axum::http::HeaderMap| async move {
        let target = headers.get("x-amz-target").map(|name| name.as_bytes());
        if target == Some(b"AmazonSQS.DeleteMessageBatch".as_slice()) {
            deleted.notify_one();
        }
        r#"{"Successful":[],"Failed":[]}"#
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    queue_at(&url)
}

/// A queue at this address. Where nobody answers, pauses are not set, which is
/// all that the function asks of it.
fn queue_at(endpoint: &str) -> Queue {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(endpoint)
        .build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    Queue::new(client, format!("{endpoint}/000000000000/queue"))
}
