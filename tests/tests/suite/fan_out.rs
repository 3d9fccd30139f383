//! Fan-out, where what it meets is not as it should be.

use std::time::Duration;

use aws_lambda_events::event::dynamodb;
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use aws_sdk_sqs::config as sqs;
use axum::{Json, Router, body::Bytes, http::HeaderMap};
use common::{id::EventId, queue::Queue, store::Store, time::Timestamp};
use fanout::Fanout;
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

use crate::calls;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_can_read_is_passed_over_and_not_waited_for() {
    let world = World::start().await;
    let stack = world.stack().expect("a stack of its own");
    let (table, store) = (calls::table(stack), calls::store(stack).await);
    let integration = world.integration("webhook").await;
    let receiver = Receiver::start().await;
    world.webhook(receiver.url(), &integration.service).await;

    let id = EventId::generate();
    let text = |text: String| AttributeValue::S(text);
    let put = |pk: String| {
        table
            .put_item()
            .table_name("opsknight")
            .item("pk", text(pk))
            .item("sk", text(format!("EVENT#{id}")))
    };
    put(format!("OUTBOX#{}", id.ulid().0 % 8))
        .item("eventId", text(id.to_string()))
        .send()
        .await
        .expect("its entry");
    let waiting = store.oldest_unhandled_event(Timestamp::now()).await;
    assert_eq!(waiting.expect("an answer"), Some(id.created_at()));
    put("INCIDENT#of-another-version".to_owned())
        .item("kind", text("EVENT".to_owned()))
        .send()
        .await
        .expect("the event");

    wait::until("nobody to wait for", || async {
        let oldest = store.oldest_unhandled_event(Timestamp::now()).await;
        oldest.expect("an answer").is_none().then_some(())
    })
    .await;
    world.accepted(&integration, json!({ "id": "next" })).await;
    receiver.count(1).await;
    world.stop().await;
}

/// A table in which every incident's timeline goes on for ever.
async fn endless_table() -> String {
    let answer = |headers: HeaderMap, body: Bytes| async move {
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let target = headers["x-amz-target"].to_str().expect("text").to_owned();
        let partition = &body["ExpressionAttributeValues"][":pk"]["S"];
        let mut answer =
            json!({ "Items": [], "Count": 0, "ScannedCount": 0, "UnprocessedItems": {} });
        if target.ends_with(".Query") && partition != "WEBHOOKS" {
            answer["LastEvaluatedKey"] =
                json!({ "pk": { "S": partition }, "sk": { "S": "EVENT#" } });
        }
        Json(answer)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeline_without_end_does_not_hold_up_the_stream() {
    let url = endless_table().await;
    let table = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(&url)
        .build();
    let queue = sqs::Config::builder()
        .behavior_version(sqs::BehaviorVersion::v2026_01_12())
        .region(sqs::Region::from_static("us-east-1"))
        .endpoint_url(&url)
        .build();
    let store = Store::new(aws_sdk_dynamodb::Client::from_conf(table), "opsknight");
    let queue = Queue::new(aws_sdk_sqs::Client::from_conf(queue), url);
    let mut batch: Value =
        serde_json::from_str(include_str!("../../events/fanout.json")).expect("JSON");
    batch["Records"][0]["dynamodb"]["NewImage"]["event"]["S"] = json!("incident.resolved");
    let batch: dynamodb::Event = serde_json::from_value(batch).expect("an event");

    // The function itself has 30 s.
    let fanout = Fanout::new(store, queue);
    let answer = tokio::time::timeout(Duration::from_secs(30), fanout.handle(batch)).await;
    assert!(answer.expect("in time").batch_item_failures.is_empty());
}
