//! A batch of the stream that comes again, and a dead-letter queue that is not
//! there: nothing is lost, and nothing is sent that was not written.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use common::{event::Event, retry::RetrySchedule};
use delivery::Deliverer;
use fanout::Fanout;

use crate::*;

async fn new_queue(world: &World, name: &str) -> Queue {
    let created = sqs(world)
        .create_queue()
        .queue_name(name)
        .attributes(QueueAttributeName::FifoQueue, "true");
    created.send().await.expect("a queue");
    queue(world, name).await
}

/// The stream's record of the event that this delivery is of.
fn record_of(delivery: &Value, service: &str) -> Value {
    let event: Event = serde_json::from_value(json!({
        "id": delivery["eventId"], "incidentId": delivery["incidentId"], "serviceId": service,
        "urgency": "HIGH", "event": delivery["event"], "at": delivery["createdAt"], "version": 1,
        "actor": { "type": "api", "name": "admin" }, "body": r#"{"event":"incident.created"}"#,
    }))
    .expect("an event");
    let mut image: serde_dynamo::Item = serde_dynamo::to_item(event).expect("an item");
    let kind = serde_dynamo::AttributeValue::S("EVENT".to_owned());
    image.insert("kind".to_owned(), kind);
    json!({
        "eventName": "INSERT", "eventID": "1", "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1, "SequenceNumber": "1", "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE", "Keys": {}, "NewImage": image,
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_event_is_queued_as_it_was_written_and_not_once_it_is_finished() {
    let world = World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await;
    let (sick, _) = sick_receiver().await;
    let good = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let waiting = world.webhook(sick.url(), &integration.service).await;
    let done = world.webhook(good.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    with_status(&world, &done, "DELIVERED", 1).await;
    let delivery = with_status(&world, &waiting, "RETRYING", 1).await.remove(0);
    // The bytes that were written stay, and so does the group.
    let changed = json!({ "format": "slack", "ordering": "none" });
    let answer = world.api(Method::PATCH, &path(&waiting), changed).await;
    answer.expect(StatusCode::OK);

    let aside = new_queue(&world, "aside.fifo").await;
    let fanout = Fanout::new(store(&world), aside.clone());
    let batch = json!({ "Records": [record_of(&delivery, &integration.service)] });
    let batch = serde_json::from_value(batch).expect("a batch");
    let response = fanout.handle(batch).await;
    assert!(response.batch_item_failures.is_empty());

    let client = sqs(&world);
    let url = client.get_queue_url().queue_name("aside.fifo").send().await;
    let received = client
        .receive_message()
        .queue_url(url.expect("it").queue_url.expect("its URL"))
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await;
    let messages = received.expect("an answer").messages.unwrap_or_default();
    assert_eq!(messages.len(), 1, "the delivered one is not queued");
    let message: Value = serde_json::from_str(messages[0].body().expect("a body")).expect("JSON");
    let written = store(&world)
        .delivery(
            id_of(&waiting),
            delivery["id"]
                .as_str()
                .expect("an id")
                .parse()
                .expect("one"),
        )
        .await
        .expect("an answer")
        .expect("the delivery");
    assert_eq!(message["body"], written.body);
    assert!(written.body.starts_with(r#"{"event":"incident.created""#));
    let attributes = messages[0].attributes().expect("attributes");
    let group = attributes.get(&MessageSystemAttributeName::MessageGroupId);
    assert_eq!(group, Some(&written.group));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_delivery_stays_queued_until_it_is_dead_lettered() {
    let world = World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await;
    let (sick, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(sick.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let waiting = with_status(&world, &webhook, "RETRYING", 1).await.remove(0);
    let posted = sick.arrivals().len();
    let id = waiting["id"].as_str().expect("an id").parse().expect("one");
    let mut message = store(&world)
        .delivery(id_of(&webhook), id)
        .await
        .expect("an answer")
        .expect("the delivery")
        .message();
    // A round of its own, so that it is due.
    message.round = 1;
    let batch = json!({ "Records": [{
        "messageId": "m1", "receiptHandle": "r1", "messageAttributes": {},
        "body": serde_json::to_string(&message).expect("JSON"),
        "attributes": { "MessageGroupId": "g" },
    }] });
    let dead_letters = new_queue(&world, "dead.fifo").await;
    let nowhere = Queue::new(sqs_at("http://127.0.0.1:9"), "http://127.0.0.1:9/none");
    let handle = |dead_letters: &Queue| {
        // No second attempt: the first failure exhausts it.
        let schedule: RetrySchedule = "1s".parse().expect("a schedule");
        let deliverer = Deliverer::new(
            store(&world),
            nowhere.clone(),
            dead_letters.clone(),
            Outbound::new(Guard::new(true)).expect("a client"),
            schedule,
            "failures=1000".parse().expect("a policy"),
        );
        let event = serde_json::from_value(batch.clone()).expect("an event");
        async move {
            let deadline = Instant::now() + Duration::from_secs(30);
            let response = deliverer.handle(event, deadline).await;
            response.batch_item_failures.len()
        }
    };
    assert_eq!(handle(&nowhere).await, 1, "attempt one of two: it waits");
    wait::until("its time", || async {
        let delivery = with_status(&world, &webhook, "RETRYING", 1).await.remove(0);
        let due = Timestamp::parse_rfc3339(delivery["nextAttemptAt"].as_str()?)?;
        (due <= Timestamp::now()).then_some(())
    })
    .await;
    assert_eq!(handle(&nowhere).await, 1, "given up, but not forgotten");
    with_status(&world, &webhook, "FAILED", 1).await;
    assert_eq!(handle(&nowhere).await, 1, "nor the next time");
    assert_eq!(handle(&dead_letters).await, 0);
    assert_eq!(dead_letters.depth().await.expect("its depth").ready, 1);
    assert_eq!(
        sick.arrivals().len(),
        posted + 2,
        "and nothing was posted for it"
    );
    world.stop().await;
}
