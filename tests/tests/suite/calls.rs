//! PERFORMANCE.md: how many requests leave the SDK for an alert and a delivery.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
    interceptors::BeforeTransmitInterceptorContextRef,
};
use common::{
    breaker::BreakerPolicy,
    intake::Intake,
    outbound::{Guard, Outbound},
    queue::Queue,
    retry::RetrySchedule,
    store::Store,
    webhook::DeliveryMessage,
};
use http::{Request, StatusCode};
use opsknight::stack::Stack;
use opsknight_tests::{Integration, World, receiver::Receiver};
use serde_json::json;
use tower::ServiceExt as _;

/// Counts what is really sent, retries included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_dynamodb::error::BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The stack's table behind an interceptor.
pub(crate) fn watched_store(stack: &Stack, interceptor: impl Intercept + 'static) -> Store {
    Store::new(client(stack, interceptor), "opsknight")
}

fn client(stack: &Stack, interceptor: impl Intercept + 'static) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(stack.dynamodb_endpoint())
        .interceptor(interceptor)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// A client of the stack's table.
pub(crate) fn table(stack: &Stack) -> aws_sdk_dynamodb::Client {
    client(stack, Counter::default())
}

/// The stack's table.
pub(crate) async fn store(stack: &Stack) -> Store {
    watched_store(stack, Counter::default())
}

/// One alert through the function's own router; answers the action.
pub(crate) async fn alert(
    router: &axum::Router,
    integration: &Integration,
    body: serde_json::Value,
) -> String {
    let uri = format!("/api/integrations/webhook?integrationId={}", integration.id);
    let request = Request::post(uri)
        .body(axum::body::Body::from(body.to_string()))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    let answer: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    answer["result"]["action"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_costs_two_calls_and_a_new_incident_three() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let counter = Counter::default();
    let router = custom::router(Intake::new(watched_store(
        world.stack().expect("a stack of its own"),
        counter.clone(),
    )));

    // One accepted request in a hundred is also written to the request log: the
    // smallest of several counts is the rule.
    let mut opened = Vec::new();
    for key in 0..5 {
        assert_eq!(
            alert(
                &router,
                &integration,
                json!({ "id": key, "severity": "error" })
            )
            .await,
            "triggered"
        );
        opened.push(counter.take());
    }
    assert_eq!(
        opened.iter().min(),
        Some(&3),
        "GetItem, UpdateItem, TransactWriteItems: {opened:?}"
    );

    let mut repeated = Vec::new();
    for number in 2..=60 {
        assert_eq!(
            alert(
                &router,
                &integration,
                json!({ "id": 0, "severity": "error" })
            )
            .await,
            "deduplicated"
        );
        repeated.push((number, counter.take()));
    }
    let calls = |range: std::ops::RangeInclusive<i32>| {
        repeated
            .iter()
            .filter(move |(number, _)| range.contains(number))
            .map(|(_, calls)| *calls)
            .min()
    };
    assert_eq!(
        calls(2..=50),
        Some(3),
        "the first fifty alerts also keep their raw copy"
    );
    assert_eq!(calls(51..=60), Some(2), "GetItem, UpdateItem: {repeated:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_costs_two_calls() {
    let world = World::start().await;
    let stack = world.stack().expect("a stack of its own");
    let failing = Receiver::answering(|_, before| {
        if before.len() < 4 {
            StatusCode::BAD_GATEWAY
        } else {
            StatusCode::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(failing.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let failed = world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;

    // The webhook works again: from now on a success tells nothing new of it.
    world.accepted(&integration, json!({ "id": 2 })).await;
    world
        .webhook_when(&webhook, |shown| {
            shown["health"]["consecutiveFailures"] == 0
        })
        .await;

    // The same delivery once more, as the dead-letter queue would bring it back.
    let (counter, queue_calls) = (Counter::default(), Counter::default());
    let id = |field: &str| failed[field].as_str().expect("an id").to_owned();
    let message = DeliveryMessage {
        delivery_id: id("id").parse().expect("an id"),
        webhook_id: id("webhookId").parse().expect("an id"),
        event_id: id("eventId").parse().expect("an id"),
        event: common::event::EventName::Created,
        round: 1,
        body: "{}".to_owned(),
        correlation_id: None,
    };
    let queue = Queue::new(
        unreachable_sqs(queue_calls.clone()),
        "http://127.0.0.1:9/none",
    );
    let deliverer = delivery::Deliverer::new(
        watched_store(stack, counter.clone()),
        queue.clone(),
        queue,
        Outbound::new(Guard::new(true)).expect("a client"),
        RetrySchedule::default(),
        BreakerPolicy::default(),
    );
    let event = json!({ "Records": [{ "messageId": "m1", "receiptHandle": "r1", "body": serde_json::to_string(&message).expect("JSON"),
                                       "attributes": { "MessageGroupId": "g" }, "messageAttributes": {} }] });
    let event = serde_json::from_value(event).expect("an event");
    let response = deliverer
        .handle(event, Instant::now() + Duration::from_secs(30))
        .await;
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(
        counter.take(),
        2,
        "BatchGetItem of webhook and delivery, UpdateItem of the delivery"
    );
    assert_eq!(
        queue_calls.take(),
        0,
        "receive and delete are the event source's"
    );
    let delivered = world
        .delivery(&webhook, |one| one["id"] == failed["id"])
        .await;
    assert_eq!(delivered["status"], "DELIVERED");
    assert_eq!(delivered["attempts"].as_array().map(Vec::len), Some(5));
    world.stop().await;
}

/// A client's configuration for the queues at this endpoint.
pub(crate) fn sqs_config(endpoint: &str) -> aws_sdk_sqs::config::Builder {
    aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(endpoint)
}

fn unreachable_sqs(counter: Counter) -> aws_sdk_sqs::Client {
    let config = sqs_config("http://127.0.0.1:9").interceptor(counter);
    aws_sdk_sqs::Client::from_conf(config.build())
}
