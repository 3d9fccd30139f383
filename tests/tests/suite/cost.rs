//! docs/cost.md: what an alert, an event and a delivery consume is measured
//! here, and the page has to say the same.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lambda_events::event::{dynamodb, sqs::SqsEvent};
use aws_sdk_dynamodb::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::{BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef},
};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use clock::Clock;
use common::{
    breaker::BreakerPolicy,
    intake::Intake,
    outbound::{Guard, Outbound},
    queue::Queue,
    retry::RetrySchedule,
};
use delivery::Deliverer;
use fanout::Fanout;
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

use crate::calls;

/// What was sent, and what DynamoDB says that it consumed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Consumed {
    dynamodb_calls: u32,
    read_units: f64,
    write_units: f64,
    sqs_requests: u32,
}

/// Asks for the consumed capacity with every request, and adds it up.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<Consumed>>);

impl Meter {
    fn take(&self) -> Consumed {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, change: impl FnOnce(&mut Consumed)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Which request an answer belongs to.
#[derive(Debug)]
struct Operation(String);

impl Storable for Operation {
    type Storer = StoreReplace<Self>;
}

type Boxed = aws_sdk_dynamodb::error::BoxError;

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), Boxed> {
        let request = context.request_mut();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let Some(operation) = target.strip_prefix("DynamoDB_20120810.") else {
            self.note(|consumed| consumed.sqs_requests += 1);
            return Ok(());
        };
        config
            .interceptor_state()
            .store_put(Operation(operation.to_owned()));
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        body["ReturnConsumedCapacity"] = json!("TOTAL");
        let bytes = body.to_string();
        request
            .headers_mut()
            .insert("content-length", bytes.len().to_string());
        *request.body_mut() = bytes.into();
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), Boxed> {
        let (Some(Operation(operation)), Some(response)) =
            (config.load::<Operation>(), context.response())
        else {
            return Ok(());
        };
        let body: Value = serde_json::from_slice(response.body().bytes().unwrap_or_default())?;
        let units: f64 = match &body["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(capacity).sum(),
            one => capacity(one),
        };
        self.note(|consumed| {
            consumed.dynamodb_calls += 1;
            if matches!(operation.as_str(), "GetItem" | "BatchGetItem" | "Query") {
                consumed.read_units += units;
            } else {
                consumed.write_units += units;
            }
        });
        Ok(())
    }
}

fn capacity(table: &Value) -> f64 {
    table["CapacityUnits"].as_f64().unwrap_or_default()
}

const OPENING: &str = "alert that opens an incident";
const EARLY: &str = "repeated alert, raw copy kept (the first 50)";
const REPEATED: &str = "repeated alert (from the 51st on)";
const RESOLVING: &str = "alert that resolves an incident";
const FAN_OUT: &str = "event, fanned out to one webhook";
const DELIVERY: &str = "delivery, accepted at once";
const CLOCK: &str = "run of the clock with nothing to do";

/// The least of several: one request in a hundred is also written to the
/// request log.
fn least(of: impl IntoIterator<Item = Consumed>) -> Consumed {
    of.into_iter()
        .min_by(|one, other| {
            (one.dynamodb_calls, one.write_units)
                .partial_cmp(&(other.dynamodb_calls, other.write_units))
                .expect("numbers")
        })
        .expect("at least one")
}

async fn measure() -> BTreeMap<&'static str, Consumed> {
    let world = World::start().await;
    let stack = world.stack().expect("a stack of its own");
    let integration = world.integration("webhook").await;
    let receiver = Receiver::start().await;
    let meter = Meter::default();
    let router = custom::router(Intake::new(calls::watched_store(stack, meter.clone())));
    let mut measured = BTreeMap::new();
    Clock::new(calls::watched_store(stack, meter.clone()))
        .tick()
        .await
        .expect("a run");
    measured.insert(CLOCK, meter.take());
    let body = |id: u32, status: &str| {
        json!({ "id": id, "status": status, "severity": "error", "title": "Disk 94% full on 10.20.4.17",
                "description": "The disk of db-1 fills by 1% an hour.", "source": "db-1" })
    };

    let mut opened = Vec::new();
    for id in 0..4 {
        calls::alert(&router, &integration, body(id, "firing")).await;
        opened.push(meter.take());
    }
    measured.insert(OPENING, least(opened));
    let mut repeated = Vec::new();
    for number in 2..=60 {
        calls::alert(&router, &integration, body(0, "firing")).await;
        repeated.push((number, meter.take()));
    }
    let (early, late): (Vec<_>, Vec<_>) = repeated.into_iter().partition(|(n, _)| *n <= 50);
    measured.insert(EARLY, least(early.into_iter().map(|(_, one)| one)));
    measured.insert(REPEATED, least(late.into_iter().map(|(_, one)| one)));
    let mut resolved = Vec::new();
    for id in 1..4 {
        calls::alert(&router, &integration, body(id, "resolved")).await;
        resolved.push(meter.take());
    }
    measured.insert(RESOLVING, least(resolved));

    // A queue of its own, which the stack's delivery does not read.
    let sqs = aws_sdk_sqs::Client::from_conf(calls::sqs_config(stack.sqs_endpoint()).build());
    let url = sqs
        .create_queue()
        .queue_name("metered.fifo")
        .attributes(QueueAttributeName::FifoQueue, "true")
        .send()
        .await
        .expect("a queue")
        .queue_url
        .expect("its URL");
    let metered = calls::sqs_config(stack.sqs_endpoint())
        .interceptor(meter.clone())
        .build();
    let queue = Queue::new(aws_sdk_sqs::Client::from_conf(metered), url.as_str());
    let fanout = Fanout::new(calls::watched_store(stack, meter.clone()), queue.clone());
    let deliverer = Deliverer::new(
        calls::watched_store(stack, meter.clone()),
        queue.clone(),
        queue,
        Outbound::new(Guard::new(true)).expect("a client"),
        RetrySchedule::default(),
        BreakerPolicy::default(),
    );
    world.webhook(receiver.url(), &integration.service).await;
    let (mut fanned, mut delivered) = (Vec::new(), Vec::new());
    for number in 1..4 {
        let batch = event(number, &integration.service);
        assert!(fanout.handle(batch).await.batch_item_failures.is_empty());
        fanned.push(meter.take());
        let deadline = Instant::now() + Duration::from_secs(30);
        let answer = deliverer.handle(received(&sqs, &url).await, deadline).await;
        assert!(answer.batch_item_failures.is_empty());
        delivered.push(meter.take());
        receiver.count(number).await;
    }
    measured.insert(FAN_OUT, least(fanned));
    // The first success of a webhook is noted in its item as well.
    measured.insert(DELIVERY, least(delivered));
    world.stop().await;
    measured
}

/// The event of tests/events/fanout.json under another number, of this service.
fn event(number: usize, service: &str) -> dynamodb::Event {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/fanout.json");
    let text = fs::read_to_string(file).expect("the event file");
    let mut batch: Value = serde_json::from_str(&text).expect("JSON");
    let image = &mut batch["Records"][0]["dynamodb"]["NewImage"];
    let id = format!("evt_01K{number:023}");
    image["id"]["S"] = json!(id);
    image["serviceId"]["S"] = json!(service);
    serde_json::from_value(batch).expect("an event")
}

/// What Lambda makes of the queue's next messages.
async fn received(sqs: &aws_sdk_sqs::Client, url: &str) -> SqsEvent {
    let output = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .wait_time_seconds(5)
        .send()
        .await
        .expect("messages");
    let records: Vec<Value> = output
        .messages()
        .iter()
        .map(|message| {
            json!({ "messageId": message.message_id(), "receiptHandle": message.receipt_handle(),
                    "body": message.body(), "attributes": { "MessageGroupId": "one" }, "messageAttributes": {} })
        })
        .collect();
    assert!(!records.is_empty(), "a message is queued");
    // As Lambda does after a batch without failures: the next one of this group may come.
    for message in output.messages() {
        sqs.delete_message()
            .queue_url(url)
            .set_receipt_handle(message.receipt_handle().map(str::to_owned))
            .send()
            .await
            .expect("it is deleted");
    }
    serde_json::from_value(json!({ "Records": records })).expect("an event")
}

/// A row of the page's table of what is measured.
fn row(name: &str, consumed: &Consumed) -> String {
    format!(
        "| {name} | {} | {} | {} | {} |",
        consumed.dynamodb_calls, consumed.read_units, consumed.write_units, consumed.sqs_requests
    )
}

/// List prices in US dollars per million, us-east-1, as docs/cost.md shows
/// them with their date.
mod price {
    pub const API_REQUEST: f64 = 1.00;
    pub const LAMBDA_REQUEST: f64 = 0.20;
    /// A million invocations of a millisecond at 256 MB on arm64.
    pub const LAMBDA_MS: f64 = 0.013_333_4 * 0.25;
    pub const READ_UNIT: f64 = 0.125;
    pub const WRITE_UNIT: f64 = 0.625;
    pub const SQS_REQUEST: f64 = 0.50;
    /// A million kilobytes.
    pub const LOG_KB: f64 = 0.50;
    pub const EGRESS_KB: f64 = 0.09;
}

/// What was not measured here, and what the page says that it is taken to be.
mod assumed {
    pub const INTAKE_MS: f64 = 8.0;
    pub const FAN_OUT_MS: f64 = 10.0;
    pub const DELIVERY_MS: f64 = 200.0;
    /// One line, which tests/lambda holds an alert to; Lambda's own are left
    /// away where all went well (`SystemLogLevel: WARN`).
    pub const LOG_KB: f64 = 0.65;
    pub const ACCESS_LOG_KB: f64 = 0.4;
    /// A delivery over a kept connection.
    pub const DELIVERY_KB: f64 = 2.0;
}

/// Dollars for a million of these.
struct Unit<'a>(&'a BTreeMap<&'static str, Consumed>);

impl Unit<'_> {
    fn storage(&self, what: &str) -> f64 {
        let consumed = &self.0[what];
        consumed.read_units * price::READ_UNIT
            + consumed.write_units * price::WRITE_UNIT
            + f64::from(consumed.sqs_requests) * price::SQS_REQUEST
    }

    fn invocation(ms: f64) -> f64 {
        price::LAMBDA_REQUEST + ms * price::LAMBDA_MS + assumed::LOG_KB * price::LOG_KB
    }

    fn alert(&self, what: &str) -> f64 {
        price::API_REQUEST
            + assumed::ACCESS_LOG_KB * price::LOG_KB
            + Self::invocation(assumed::INTAKE_MS)
            + self.storage(what)
    }

    /// Fan-out, and one delivery with a receive and a delete of its own.
    fn event(&self) -> f64 {
        Self::invocation(assumed::FAN_OUT_MS)
            + self.storage(FAN_OUT)
            + Self::invocation(assumed::DELIVERY_MS)
            + 2.0 * price::SQS_REQUEST
            + self.storage(DELIVERY)
            + assumed::DELIVERY_KB * price::EGRESS_KB
    }

    fn workloads(&self) -> [String; 3] {
        let incident = self.alert(OPENING) + self.alert(RESOLVING) + 2.0 * self.event();
        let mixed = 0.96 * self.alert(REPEATED) + 0.02 * incident;
        [
            (
                "An alert storm: repeated alerts of open incidents",
                self.alert(REPEATED),
            ),
            (
                "Incidents opened, resolved, and told to one webhook",
                incident,
            ),
            (
                "A mix: of 100 alerts 2 open, 2 resolve, 96 repeat; one webhook",
                mixed,
            ),
        ]
        .map(|(name, dollars)| format!("| {name} | ${dollars:.2} |"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cost_page_says_what_is_measured() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cost.md");
    let page = fs::read_to_string(page).expect("docs/cost.md");
    let measured = measure().await;
    let rows: Vec<String> = measured
        .iter()
        .map(|(name, consumed)| row(name, consumed))
        .chain(Unit(&measured).workloads())
        .collect();
    let missing = rows.iter().filter(|row| !page.contains(*row)).count();
    assert!(
        missing == 0,
        "docs/cost.md says something else than was measured:\n{}",
        rows.join("\n")
    );
}
