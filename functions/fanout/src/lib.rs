//! Who wants an event: takes the table's stream, writes one delivery for every
//! webhook that wants an event, and queues it.
//!
//! A batch may come again, whole or from a record on: deliveries are written
//! under ids derived from event and webhook, and queued under the same
//! deduplication id, so that a repeat changes nothing. What it finds written is
//! queued as it was written, whatever became of the webhook's settings, and
//! not at all once it is finished.

mod retention;

use aws_lambda_events::{
    event::{dynamodb, streams::DynamoDbEventResponse},
    streams::DynamoDbBatchItemFailure,
};
use common::{
    aws,
    config::ConfigError,
    event::{Event, EventName},
    format,
    id::{DeliveryId, EventId},
    queue::{Outgoing, Queue},
    store::{NewDelivery, Store, StoreError},
    telemetry::{self, Metric},
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, Ordering, Webhook},
    webhook_event::WebhookEvent,
};
use futures_util::{StreamExt as _, stream};

/// Deliveries written at the same time.
const WRITES_AT_ONCE: usize = 16;

/// The function.
#[derive(Debug, Clone)]
pub struct Fanout {
    store: Store,
    queue: Queue,
}

/// An event of the stream, and where it stands in it.
struct Record {
    sequence_number: String,
    event: Told,
    name: EventName,
    body: String,
}

/// What receivers are told of.
enum Told {
    Incident(Event),
    Webhook(WebhookEvent),
}

impl Told {
    fn id(&self) -> EventId {
        match self {
            Self::Incident(event) => event.id,
            Self::Webhook(event) => event.id,
        }
    }

    fn correlation_id(&self) -> Option<&str> {
        match self {
            Self::Incident(event) => event.correlation_id.as_deref(),
            Self::Webhook(event) => event.correlation_id.as_deref(),
        }
    }

    /// Within it, order holds.
    fn subject(&self) -> String {
        match self {
            Self::Incident(event) => event.incident_id.to_string(),
            Self::Webhook(event) => event.webhook_id.to_string(),
        }
    }

    fn is_for(&self, name: EventName, webhook: &Webhook) -> bool {
        match self {
            Self::Incident(event) => webhook.wants(name, event.service_id, event.urgency),
            Self::Webhook(event) => webhook.wants_of_webhooks(name, event.webhook_id),
        }
    }
}

impl Fanout {
    /// Fan-out from this store into this queue.
    pub fn new(store: Store, queue: Queue) -> Self {
        Self { store, queue }
    }

    /// Fan-out as the environment says.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let sdk = aws::sdk_config().await;
        Ok(Self::new(
            Store::from_env(&sdk).await?,
            Queue::from_env(&sdk, "DELIVERIES_QUEUE_URL").await?,
        ))
    }

    /// Handles one batch. The answer names the first record that could not be
    /// handled; the stream comes again from there.
    pub async fn handle(&self, batch: dynamodb::Event) -> DynamoDbEventResponse {
        telemetry::work("fan-out", self.handle_batch(batch)).await
    }

    async fn handle_batch(&self, batch: dynamodb::Event) -> DynamoDbEventResponse {
        let (mut records, mut passed_over) = (Vec::new(), Vec::new());
        for record in batch.records {
            match read(record) {
                Found::Told(record) => records.push(*record),
                Found::Unreadable(id) => {
                    telemetry::count(Metric::EventsUnreadable, 1);
                    passed_over.extend(id);
                }
                Found::Nothing => {}
            }
        }
        let mut response = DynamoDbEventResponse::default();
        let failed = self.fan_out(&records).await;
        // Nobody will come back to them: they are not what readiness waits for.
        if let Err(error) = self.store.settle_events(&passed_over).await {
            tracing::error!(%error, "unreadable events could not be marked as handled");
        }
        if let Some(sequence_number) = failed {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence_number);
            telemetry::count(Metric::FanoutFailures, 1);
            response.batch_item_failures.push(failure);
        }
        response
    }

    /// Answers the sequence number of the first record that failed.
    async fn fan_out(&self, records: &[Record]) -> Option<String> {
        let first = records.first()?;
        let webhooks = match self.store.webhooks().await {
            Ok(webhooks) => webhooks,
            Err(error) => {
                tracing::error!(%error, "the webhooks could not be read");
                return Some(first.sequence_number.clone());
            }
        };
        let mut writes = Vec::new();
        for record in records {
            for webhook in &webhooks {
                if record.event.is_for(record.name, webhook) {
                    writes
                        .push(async move { (record, self.write_delivery(record, webhook).await) });
                }
            }
        }
        let mut written = stream::iter(writes).buffered(WRITES_AT_ONCE);
        let (mut outgoing, mut sources, mut failed) = (Vec::new(), Vec::new(), None);
        while let Some((record, write)) = written.next().await {
            match write {
                Ok(Some(message)) => {
                    outgoing.push(message);
                    sources.push(record);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(event.id = %record.event.id(), %error, "a delivery could not be written");
                    failed = Some(record.sequence_number.clone());
                    break;
                }
            }
        }
        drop(written);
        let sent = self.queue.send_in_order(&outgoing).await;
        retention::follow_all(&self.store, records).await;
        let (queued, failed) = match sent {
            Ok(()) => (sources.len(), failed),
            Err((sent, error)) => {
                tracing::error!(%error, "deliveries could not be queued");
                let unsent = sources.get(sent);
                let unsent = unsent.map(|record| record.sequence_number.clone());
                (sent, unsent.or(failed))
            }
        };
        match self.settle(records, failed.as_deref()).await {
            Ok(()) => {
                // Only now: what comes again is told of then.
                let done = records
                    .iter()
                    .take_while(|record| failed.as_ref() != Some(&record.sequence_number));
                tell(done, sources.get(..queued).unwrap_or_default());
                failed
            }
            Err(error) => {
                tracing::error!(%error, "handled events could not be marked so");
                Some(first.sequence_number.clone())
            }
        }
    }

    /// Takes the events before the first that failed out of the outbox: their
    /// deliveries are queued.
    async fn settle(&self, records: &[Record], failed: Option<&str>) -> Result<(), StoreError> {
        let handled = records
            .iter()
            .take_while(|record| Some(record.sequence_number.as_str()) != failed);
        let handled: Vec<EventId> = handled.map(|record| record.event.id()).collect();
        self.store.settle_events(&handled).await
    }

    /// Answers what is to be queued: nothing where a replayed event's delivery
    /// is finished already.
    async fn write_delivery(
        &self,
        record: &Record,
        webhook: &Webhook,
    ) -> Result<Option<Outgoing>, StoreError> {
        let event = &record.event;
        let id = DeliveryId::derive(event.id(), webhook.id);
        let group = match webhook.ordering {
            Ordering::Incident => format!("{}.{}", webhook.id, event.subject()),
            Ordering::None => id.to_string(),
        };
        let (incident_id, version, link) = match event {
            Told::Incident(event) => (
                Some(event.incident_id),
                event.version,
                event.link.as_deref(),
            ),
            Told::Webhook(_) => (None, 0, None),
        };
        let rendered = format::render(webhook, &record.body, link);
        if let Some(error) = &rendered.error {
            tracing::warn!(delivery.id = %id, webhook.id = %webhook.id, error, "the plain body is sent instead");
        }
        let delivery = Delivery {
            id,
            webhook_id: webhook.id,
            event_id: event.id(),
            event: record.name,
            incident_id,
            version,
            status: DeliveryStatus::Pending,
            round: 0,
            round_attempts: 0,
            round_started_at: None,
            attempts: Vec::new(),
            next_attempt_at: None,
            body: rendered.body,
            render_error: rendered.error,
            group,
            created_at: Timestamp::now(),
            correlation_id: event.correlation_id().map(str::to_owned),
        };
        let delivery = match self.store.create_delivery(&delivery).await? {
            NewDelivery::Created => delivery,
            NewDelivery::Existed(written) if written.status.is_unfinished() => *written,
            NewDelivery::Existed(_) => return Ok(None),
        };
        Ok(Some(Outgoing {
            group: delivery.group.clone(),
            message: delivery.message(),
        }))
    }
}

/// Tells of the events that are done with, and of the deliveries queued for
/// them.
fn tell<'a>(done: impl Iterator<Item = &'a Record>, queued: &[&Record]) {
    let now = Timestamp::now();
    for record in done {
        let event = &record.event;
        let of_it = |other: &&&Record| other.event.id() == event.id();
        let deliveries = queued.iter().filter(of_it).count();
        telemetry::count(Metric::DeliveriesQueued, deliveries);
        telemetry::count(Metric::Events, 1);
        telemetry::measure_time(Metric::FanoutAge, now.since(event.id().created_at()));
        match record.name {
            EventName::Created => telemetry::count(Metric::IncidentsOpened, 1),
            EventName::Resolved => telemetry::count(Metric::IncidentsResolved, 1),
            _ => {}
        }
        tracing::info!(
            correlation_id = event.correlation_id(),
            event.id = %event.id(),
            event = record.name.as_str(),
            subject = event.subject(),
            deliveries,
            "event fanned out"
        );
    }
}

/// What a record of the stream is.
enum Found {
    /// An inserted event that receivers are told of.
    Told(Box<Record>),
    /// One that cannot be read: reported and passed over, because trying again
    /// would block the stream for a day.
    Unreadable(Option<EventId>),
    /// Anything else.
    Nothing,
}

fn read(record: dynamodb::EventRecord) -> Found {
    let is_event = |item: &serde_dynamo::Item| matches!(item.get("kind"), Some(serde_dynamo::AttributeValue::S(kind)) if kind == "EVENT");
    if record.event_name != "INSERT" || !is_event(&record.change.new_image) {
        return Found::Nothing;
    }
    let Some(sequence_number) = record.change.sequence_number else {
        return Found::Nothing;
    };
    let id = event_id(&record.change.new_image);
    match parse(record.change.new_image) {
        Ok((event, Some(name), Some(body))) => Found::Told(Box::new(Record {
            sequence_number,
            event,
            name,
            body,
        })),
        Ok(_) => {
            tracing::error!(sequence_number, "an event of the stream tells nothing");
            Found::Unreadable(id)
        }
        Err(error) => {
            tracing::error!(sequence_number, %error, "an event of the stream cannot be read");
            Found::Unreadable(id)
        }
    }
}

/// The identifier that an event's key says.
fn event_id(image: &serde_dynamo::Item) -> Option<EventId> {
    match image.get("sk") {
        Some(serde_dynamo::AttributeValue::S(sk)) => sk.strip_prefix("EVENT#")?.parse().ok(),
        _ => None,
    }
}

fn parse(
    image: serde_dynamo::Item,
) -> Result<(Told, Option<EventName>, Option<String>), serde_dynamo::Error> {
    if image.contains_key("webhookId") {
        let event: WebhookEvent = serde_dynamo::from_item(image)?;
        let (name, body) = (event.name, event.body.clone());
        Ok((Told::Webhook(event), name, body))
    } else {
        let event: Event = serde_dynamo::from_item(image)?;
        let (name, body) = (event.name, event.body.clone());
        Ok((Told::Incident(event), name, body))
    }
}
