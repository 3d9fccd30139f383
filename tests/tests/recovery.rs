//! What brings a delivery to its receiver after all: rotated secrets that
//! overlap, redelivery, recovery of a time, redrive, the clock; and the button
//! to try a webhook out.

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
    event::EventName,
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
    let stack = world.stack().expect("a stack of its own");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(stack.dynamodb_endpoint())
        .build();
    Store::new(aws_sdk_dynamodb::Client::from_conf(config), "opsknight")
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_secrets_sign_while_a_rotation_overlaps() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let rotate = format!("{}/rotate-secret", path(&webhook));
    let old = secret(&webhook);

    let rotated = post(&world, &rotate, Value::Null)
        .await
        .expect(StatusCode::OK);
    let new = secret(&rotated["webhook"]);
    assert!(new.starts_with("whsec_") && new != old, "{new}");
    assert!(rotated["webhook"]["previousSecretValidUntil"].is_string());
    world.accepted(&integration, json!({ "id": 1 })).await;
    let arrival = receiver.count(1).await.remove(0);
    assert!(is_signed_with(&arrival, &old) && is_signed_with(&arrival, &new));
    let list = arrival.header("webhook-signature").to_owned();
    let seconds = arrival.header("webhook-timestamp").parse().expect("a time");
    let of_new = signing::standard_signature(
        [&*new],
        arrival.header("webhook-id"),
        seconds,
        &arrival.bytes,
    );
    assert!(list.starts_with(&of_new), "the new one first: {list}");
    assert_eq!(
        arrival.header("x-webhook-signature"),
        signing::body_signature(&new, &arrival.bytes)
    );

    // A given secret; the overlap of a second ends while tests are sent.
    let given = "a-secret-of-my-own";
    let body = json!({ "secret": given, "overlapSeconds": 0 });
    let rotated = post(&world, &rotate, body).await.expect(StatusCode::OK);
    assert_eq!(secret(&rotated["webhook"]), given);
    let arrival = tried(&world, &receiver, &webhook).await;
    assert_eq!(signatures(&arrival), 1);
    assert!(is_signed_with(&arrival, given));
    let body = json!({ "overlapSeconds": 1 });
    let rotated = post(&world, &rotate, body).await.expect(StatusCode::OK);
    let last = secret(&rotated["webhook"]);
    let arrival = wait::until("the end of the overlap", || async {
        let arrival = tried(&world, &receiver, &webhook).await;
        (signatures(&arrival) == 1).then_some(arrival)
    })
    .await;
    assert!(is_signed_with(&arrival, &last) && !is_signed_with(&arrival, given));
    let shown = world.get(&path(&webhook)).await.to_string();
    assert!(
        !shown.contains(given) && !shown.contains("whsec_"),
        "{shown}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_that_would_break_a_receiver_are_refused() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world
        .webhook("http://127.0.0.1:9/hook", &integration.service)
        .await;
    let rotate = format!("{}/rotate-secret", path(&webhook));
    for body in [
        json!({ "overlapSeconds": -1 }),
        json!({ "overlapSeconds": 604_801 }),
        json!({ "secret": "short" }),
        json!({ "secret": secret(&webhook) }),
        json!({ "overlap": 1 }),
    ] {
        let answer = post(&world, &rotate, body).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    for _ in 0..limits::OVERLAPPING_SECRETS {
        post(&world, &rotate, json!({}))
            .await
            .expect(StatusCode::OK);
    }
    let refused = post(&world, &rotate, json!({})).await;
    assert_eq!(
        refused.expect(StatusCode::CONFLICT)["code"],
        "too_many_secrets"
    );
    let leaked = post(&world, &rotate, json!({ "overlapSeconds": 0 })).await;
    let shown = leaked.expect(StatusCode::OK);
    assert_eq!(shown["webhook"]["previousSecretValidUntil"], Value::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivery_is_the_same_event_and_its_attempts_count_on() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivered = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    for round in 2..=3 {
        let answer = post(&world, &redeliver_path(&delivered), Value::Null).await;
        let answer = answer.expect(StatusCode::ACCEPTED);
        assert_eq!(answer["queued"], true);
        assert_eq!(answer["delivery"]["status"], "PENDING");
        receiver.count(round).await;
        let again = world
            .delivery(&webhook, |one| one["status"] == "DELIVERED")
            .await;
        assert_eq!(again["attempts"].as_array().map(Vec::len), Some(round));
    }
    let arrivals = receiver.arrivals();
    let heads: Vec<(&str, &str)> = arrivals
        .iter()
        .map(|one| (one.header("webhook-id"), one.header("x-webhook-attempt")))
        .collect();
    let id = delivered["eventId"].as_str().expect("an id");
    assert_eq!(heads, [(id, "1"), (id, "2"), (id, "3")]);
    assert!(arrivals.iter().all(|one| one.bytes == arrivals[0].bytes));

    let unknown = format!("{}/deliveries/dlv_x/redeliver", path(&webhook));
    let answer = post(&world, &unknown, Value::Null).await;
    answer.expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redeliveries_at_the_same_moment_are_one() {
    let world = World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await;
    // What fails stays queued for an hour.
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id: WebhookId = webhook["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let failed = failed_delivery(id, 1);
    store(&world)
        .create_delivery(&failed)
        .await
        .expect("written");
    let redeliver = redeliver_path(&json!({ "id": failed.id, "webhookId": id }));
    let calls = (0..8).map(|_| post(&world, &redeliver, Value::Null));
    let answers = futures_util::future::join_all(calls).await;
    let bodies = answers
        .into_iter()
        .map(|one| one.expect(StatusCode::ACCEPTED));
    assert_eq!(bodies.filter(|one| one["queued"] == true).count(), 1);
    with_status(&world, &webhook, "RETRYING", 1).await;
    let queue = world.get("/api/delivery-queue").await;
    assert_eq!(
        (&queue["ready"], &queue["inFlight"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(receiver.arrivals().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_anew_survives_a_restart_whatever_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = || Settings {
        storage: opsknight::stack::Storage::Folder(folder.path().to_owned()),
        retry_schedule: Some("1h,1h".parse().expect("a schedule")),
        ..Settings::default()
    };
    let world = World::with(settings()).await;
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id: WebhookId = webhook["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let event_id = EventId::at(Timestamp::now().before(HOUR * 24 * 20));
    let old = Delivery {
        id: DeliveryId::derive(event_id, id),
        event_id,
        ..failed_delivery(id, 1)
    };
    store(&world).create_delivery(&old).await.expect("written");
    let shown = json!({ "id": old.id, "webhookId": id });
    let answer = post(&world, &redeliver_path(&shown), Value::Null).await;
    answer.expect(StatusCode::ACCEPTED);
    with_status(&world, &webhook, "RETRYING", 1).await;
    world.stop().await;

    let world = World::with(settings()).await;
    wait::until("the message in the queue again", || async {
        let queue = world.get("/api/delivery-queue").await;
        (queue["inFlight"] == 1).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_is_not_queued_twice_and_what_was_skipped_can_be_sent() {
    let world = World::start().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let waiting = world
        .delivery(&webhook, |one| one["status"] == "RETRYING")
        .await;
    let redeliver = redeliver_path(&waiting);
    let answer = post(&world, &redeliver, Value::Null).await;
    assert_eq!(answer.expect(StatusCode::ACCEPTED)["queued"], false);

    let switch = |on: bool| {
        let (world, path) = (&world, path(&webhook));
        async move {
            let body = json!({ "enabled": on });
            let answer = world.api(Method::PATCH, &path, body).await;
            answer.expect(StatusCode::OK);
        }
    };
    switch(false).await;
    let skipped = with_status(&world, &webhook, "SKIPPED", 1).await.remove(0);
    let refused = post(&world, &redeliver, Value::Null).await;
    assert_eq!(
        refused.expect(StatusCode::CONFLICT)["code"],
        "webhook_disabled"
    );
    switch(true).await;
    healthy.store(true, Ordering::SeqCst);
    let before = receiver.arrivals().len();
    assert_eq!(skipped["attempts"].as_array().map(Vec::len), Some(before));
    let answer = post(&world, &redeliver, Value::Null).await;
    assert_eq!(answer.expect(StatusCode::ACCEPTED)["queued"], true);
    with_status(&world, &webhook, "DELIVERED", 1).await;
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), before + 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivery_that_the_queue_did_not_take_is_not_lost() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivered = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    let redeliver = redeliver_path(&delivered);

    // Repeated by the caller …
    let (status, _) = cut_off(&world, &redeliver).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    with_status(&world, &webhook, "PENDING", 1).await;
    let repeated = post(&world, &redeliver, Value::Null).await;
    assert_eq!(repeated.expect(StatusCode::ACCEPTED)["queued"], true);
    receiver.count(2).await;
    with_status(&world, &webhook, "DELIVERED", 1).await;

    // … or found by the clock.
    let (status, _) = cut_off(&world, &redeliver).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let queue = queue(&world, "deliveries.fifo").await;
    let clock = Clock::new(store(&world)).with_queue(queue);
    clock.tick().await.expect("the clock runs");
    receiver.count(3).await;
    let delivery = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    idle_queue(&world).await;
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(3));
    assert_eq!(receiver.arrivals().len(), 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_of_failures_is_counted_and_then_recovered_once() {
    let world = World::start().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    for id in 1..=3 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let failed = with_status(&world, &webhook, "FAILED", 3).await;
    // Newest first: the window holds the later two.
    let at = |delivery: &Value| -> Timestamp {
        let id: EventId = delivery["eventId"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id");
        id.created_at()
    };
    let (since, later) = (at(&failed[1]), at(&failed[2]).after(HOUR));
    let recover = format!("{}/recover", path(&webhook));
    for body in [
        json!({}),
        json!({ "since": "yesterday" }),
        json!({ "since": later, "until": since }),
        json!({ "since": since, "statuses": ["DELIVERED"] }),
        json!({ "since": since, "cursor": "x" }),
    ] {
        let answer = post(&world, &recover, body).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    let dry = json!({ "since": since, "dryRun": true });
    let counted = post(&world, &recover, dry.clone()).await;
    assert_eq!(
        counted.expect(StatusCode::OK),
        json!({ "dryRun": true, "matching": 2, "nextCursor": null })
    );
    healthy.store(true, Ordering::SeqCst);
    assert_eq!(receiver.arrivals().len(), 12, "a dry run sends nothing");
    let real = json!({ "since": since, "until": later });
    let expected = |queued: u32| json!({ "dryRun": false, "queued": queued, "skipped": 0, "nextCursor": null });
    for queued in [2, 0] {
        let answer = post(&world, &recover, real.clone()).await;
        assert_eq!(answer.expect(StatusCode::ACCEPTED), expected(queued));
    }
    with_status(&world, &webhook, "DELIVERED", 2).await;
    with_status(&world, &webhook, "FAILED", 1).await;
    // What was recovered is not delivered a second time by a redrive.
    let redriven = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    assert_eq!(
        redriven.expect(StatusCode::ACCEPTED)["approximateMessages"],
        3
    );
    with_status(&world, &webhook, "DELIVERED", 3).await;
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 12 + 3);
    world.stop().await;
}

fn failed_delivery(webhook: WebhookId, number: usize) -> Delivery {
    let event_id = EventId::generate();
    let id = DeliveryId::derive(event_id, webhook);
    Delivery {
        id,
        webhook_id: webhook,
        event_id,
        event: EventName::Created,
        incident_id: Some(IncidentId::generate()),
        render_error: None,
        version: 1,
        status: DeliveryStatus::Failed,
        round: 0,
        round_attempts: 1,
        round_started_at: Some(Timestamp::now()),
        attempts: Vec::new(),
        next_attempt_at: None,
        body: json!({ "number": number }).to_string(),
        group: id.to_string(),
        created_at: Timestamp::now(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_of_many_names_where_it_goes_on() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id: WebhookId = webhook["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let (store, many) = (store(&world), limits::RECOVER_PAGE + 1);
    let since = Timestamp::now();
    for number in 0..many {
        let delivery = failed_delivery(id, number);
        store.create_delivery(&delivery).await.expect("written");
    }
    let recover = format!("{}/recover", path(&webhook));
    let (mut cursor, mut queued) = (Value::Null, Vec::new());
    loop {
        let body = json!({ "since": since, "cursor": cursor });
        let answer = post(&world, &recover, body)
            .await
            .expect(StatusCode::ACCEPTED);
        queued.push(answer["queued"].as_u64().expect("a count"));
        cursor = answer["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(queued, [limits::RECOVER_PAGE as u64, 1]);
    let arrivals = receiver.count(many).await;
    let numbers: std::collections::BTreeSet<u64> = arrivals
        .iter()
        .filter_map(|one| one.body["number"].as_u64())
        .collect();
    assert_eq!(numbers.len(), many);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redrive_starts_what_failed_anew_and_leaves_out_what_arrived() {
    let world = World::start().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    for id in 1..=2 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let failed = with_status(&world, &webhook, "FAILED", 2).await;
    assert_eq!(idle_queue(&world).await["dead"], 2);
    healthy.store(true, Ordering::SeqCst);
    // One of them is redelivered by hand first.
    let answer = post(&world, &redeliver_path(&failed[0]), Value::Null).await;
    answer.expect(StatusCode::ACCEPTED);
    with_status(&world, &webhook, "DELIVERED", 1).await;
    let redriven = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    let redriven = redriven.expect(StatusCode::ACCEPTED);
    assert_eq!(redriven["approximateMessages"], 2);
    assert!(
        redriven["task"]
            .as_str()
            .is_some_and(|task| !task.is_empty())
    );
    for delivery in with_status(&world, &webhook, "DELIVERED", 2).await {
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(5));
    }
    let queue = idle_queue(&world).await;
    assert_eq!(queue["dead"], 0);
    assert_eq!(queue["redrive"]["status"], "COMPLETED");
    assert_eq!(queue["redrive"]["moved"], 2);
    let again = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    assert_eq!(again.expect(StatusCode::ACCEPTED)["approximateMessages"], 0);
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 2 * 4 + 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_posts_one_sample_and_stores_nothing() {
    let world = World::start().await;
    let receiver = Receiver::answering(|arrival, _| {
        if arrival.event() == "incident.resolved" {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        }
    })
    .await;
    let body = json!({
        "name": "tried", "url": receiver.url(), "events": ["incident.snoozed"], "enabled": false,
    });
    let webhook = world.webhook_of(body).await;
    let test = format!("{}/test", path(&webhook));
    let answer = post(&world, &test, Value::Null)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            &answer["delivered"],
            &answer["statusCode"],
            &answer["error"]
        ),
        (&json!(true), &json!(200), &Value::Null)
    );
    assert!(answer["durationMs"].is_u64() && answer["response"].is_string());
    let arrival = receiver.arrivals().remove(0);
    assert_eq!(arrival.event(), "incident.snoozed");
    assert_eq!(arrival.header("x-webhook-test"), "true");
    assert_eq!(arrival.header("x-webhook-event"), "incident.snoozed");
    assert_eq!(arrival.header("x-webhook-attempt"), "1");
    assert!(arrival.header("webhook-id").starts_with("evt_"));
    assert!(is_signed_with(&arrival, &secret(&webhook)));
    assert_eq!(
        arrival.header("x-webhook-signature"),
        signing::body_signature(&secret(&webhook), &arrival.bytes)
    );
    let text = String::from_utf8_lossy(&arrival.bytes).into_owned();
    assert!(text.ends_with(r#","test":true}"#), "{text}");
    assert_eq!(arrival.body["data"]["status"], "SNOOZED");

    let body = json!({ "event": "incident.resolved" });
    let answer = post(&world, &test, body).await.expect(StatusCode::OK);
    assert_eq!(
        (
            &answer["delivered"],
            &answer["statusCode"],
            &answer["error"]
        ),
        (&json!(false), &json!(500), &json!("answered 500"))
    );
    assert_ne!(
        receiver.arrivals()[1].header("webhook-id"),
        arrival.header("webhook-id"),
        "an event id of its own"
    );
    let bad = post(&world, &test, json!({ "event": "incident.lost" })).await;
    bad.expect(StatusCode::BAD_REQUEST);

    // Where private targets are not allowed, nothing leaves.
    let (status, answer) = cut_off(&world, &test).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["delivered"], &answer["statusCode"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.contains("not allowed"))
    );
    assert_eq!(receiver.arrivals().len(), 2);
    let log = world.get(&format!("{}/deliveries", path(&webhook))).await;
    assert_eq!(log["deliveries"], json!([]));
    world.stop().await;
}

async fn log(world: &World, webhook: &Value, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = format!("{}/deliveries?{query}{cursor}", path(webhook));
        let page = world.get(&list).await;
        let ids = page["deliveries"].as_array().expect("a list").iter();
        found.extend(ids.map(|one| one["eventId"].as_str().expect("an id").to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Opens and resolves an incident; answers its id.
async fn outage(world: &World, integration: &Integration, id: u32) -> String {
    let opened = world.accepted(integration, json!({ "id": id })).await;
    let resolved = json!({ "id": id, "status": "ok" });
    world.accepted(integration, resolved).await;
    opened["incident"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_filtered_by_status_incident_and_time() {
    let world = World::start().await;
    let receiver = Receiver::answering(|arrival, _| {
        if arrival.event() == "incident.resolved" {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let mut incidents = Vec::new();
    for id in 1..=3 {
        incidents.push(outage(&world, &integration, id).await);
    }
    with_status(&world, &webhook, "FAILED", 3).await;
    let all = log(&world, &webhook, "limit=4").await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
    let of = |index: usize| -> Timestamp {
        let id: EventId = all[index].parse().expect("an id");
        id.created_at()
    };
    let second = format!("incidentId={}", incidents[1]);
    for (query, expected) in [
        (format!("{second}&limit=1"), &all[2..4]),
        (format!("{second}&status=FAILED"), &all[2..3]),
        (format!("since={}&limit=1", of(3)), &all[..4]),
        (format!("until={}&limit=2", of(2)), &all[2..]),
        (
            format!("since={}&until={}&limit=1", of(4), of(1)),
            &all[1..5],
        ),
        (
            format!("since={}&status=DELIVERED&{second}", of(2)),
            &all[..0],
        ),
    ] {
        assert_eq!(log(&world, &webhook, &query).await, expected, "{query}");
    }
    let delivered = log(&world, &webhook, "status=DELIVERED&limit=1").await;
    assert_eq!(delivered.len(), 3);
    for bad in ["since=yesterday", "until=x", "incidentId=inc_1", "cursor=x"] {
        let list = format!("{}/deliveries?{bad}", path(&webhook));
        let answer = world.api(Method::GET, &list, Value::Null).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_queues_what_was_never_queued_and_nothing_arrives_twice() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id: WebhookId = webhook["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    world.accepted(&integration, json!({ "id": 1 })).await;
    with_status(&world, &webhook, "DELIVERED", 1).await;
    let lost = Delivery {
        status: DeliveryStatus::Pending,
        round_started_at: None,
        round_attempts: 0,
        ..failed_delivery(id, 7)
    };
    let store = store(&world);
    store.create_delivery(&lost).await.expect("written");

    let queue = queue(&world, "deliveries.fifo").await;
    let clock = Clock::new(store).with_queue(queue);
    clock.tick().await.expect("the clock runs");
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 1, "it may still be on its way");
    let later = Timestamp::now().after(HOUR);
    for _ in 0..3 {
        clock.tick_at(later).await.expect("the clock runs");
    }
    let arrivals = receiver.count(2).await;
    assert_eq!(arrivals[1].body["number"], 7);
    with_status(&world, &webhook, "DELIVERED", 2).await;
    for hours in 2..=30 {
        let later = Timestamp::now().after(HOUR * hours);
        clock.tick_at(later).await.expect("the clock runs");
    }
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_leaves_alone_what_waits_for_its_turn() {
    let schedule = "1h,1h".parse().expect("a schedule");
    let world = World::with(Settings {
        retry_schedule: Some(schedule),
        ..Settings::default()
    })
    .await;
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    outage(&world, &integration, 1).await;
    with_status(&world, &webhook, "RETRYING", 1).await;
    with_status(&world, &webhook, "PENDING", 1).await;

    // A queue that nobody reads shows what the clock sends.
    let (client, name) = (sqs(&world), "aside.fifo");
    let fifo = aws_sdk_sqs::types::QueueAttributeName::FifoQueue;
    let created = client
        .create_queue()
        .queue_name(name)
        .attributes(fifo, "true");
    created.send().await.expect("a queue");
    let aside = queue(&world, name).await;
    let clock = Clock::new(store(&world)).with_queue(aside.clone());
    let sent_at = |hours: f64| {
        let (clock, aside) = (&clock, &aside);
        async move {
            let now = Timestamp::now().after(HOUR.mul_f64(hours));
            clock.tick_at(now).await.expect("the clock runs");
            aside.depth().await.expect("its depth").ready
        }
    };
    assert_eq!(sent_at(0.0).await, 0);
    assert_eq!(
        sent_at(0.5).await,
        0,
        "the first is due in an hour; the second waits for it"
    );
    assert_eq!(sent_at(0.6).await, 0);
    assert_eq!(
        sent_at(4.0).await,
        2,
        "nobody made the attempt: both are queued again"
    );
    assert_eq!(sent_at(4.1).await, 2, "not again at every tick");
    world.stop().await;
}
