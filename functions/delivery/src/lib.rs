//! Signs and posts events to their receivers.
//!
//! A batch is handled by message group: groups in parallel, the messages of a
//! group in order, stopping at the first that did not get through.

mod gate;
mod limiter;
mod message;

use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use common::{
    aws,
    breaker::BreakerPolicy,
    config::ConfigError,
    limits,
    outbound::{Guard, Outbound, OutboundError},
    queue::Queue,
    retry::RetrySchedule,
    store::Store,
    telemetry,
};
use futures_util::{StreamExt as _, future, stream::FuturesUnordered};
use tokio::time::MissedTickBehavior;

use limiter::Limiter;

/// The function.
#[derive(Debug, Clone)]
pub struct Deliverer {
    store: Store,
    queue: Queue,
    dead_letters: Queue,
    outbound: Outbound,
    schedule: RetrySchedule,
    policy: BreakerPolicy,
    limiter: Limiter,
}

/// Why the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is missing or unreadable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Client(#[from] OutboundError),
}

/// What became of a group's messages.
#[derive(Default)]
struct Handled {
    /// The receipts of those that are done with.
    delivered: Vec<String>,
    /// The ids of those that are to come again …
    failures: Vec<String>,
    /// … and their receipts, with the time after which they are.
    waiting: Vec<(String, Duration)>,
}

/// What is to happen with a message.
enum Next {
    /// It is done with: the queue may forget it.
    Done,
    /// It comes again after this pause.
    Again(Duration),
}

impl Deliverer {
    /// Delivery from these parts.
    pub fn new(
        store: Store,
        queue: Queue,
        dead_letters: Queue,
        outbound: Outbound,
        schedule: RetrySchedule,
        policy: BreakerPolicy,
    ) -> Self {
        Self {
            store,
            queue,
            dead_letters,
            outbound,
            schedule,
            limiter: Limiter::default(),
            policy,
        }
    }

    /// Delivery as the environment says.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn from_env() -> Result<Self, StartError> {
        let sdk = aws::sdk_config().await;
        Ok(Self::new(
            Store::from_env(&sdk).await?,
            Queue::from_env(&sdk, "DELIVERIES_QUEUE_URL").await?,
            Queue::from_env(&sdk, "DEAD_LETTER_QUEUE_URL").await?,
            Outbound::new(Guard::from_env()?)?,
            RetrySchedule::from_env()?,
            BreakerPolicy::from_env()?,
        ))
    }

    /// Handles one batch until shortly before `deadline`. The answer names the
    /// messages that are to come again.
    pub async fn handle(&self, batch: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        telemetry::work("delivery", self.handle_batch(batch, deadline)).await
    }

    async fn handle_batch(&self, batch: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        let mut groups: FuturesUnordered<_> = by_group(batch.records)
            .into_iter()
            .map(|group| self.handle_group(group, deadline))
            .collect();
        let (mut all, mut telling) = (Handled::default(), FuturesUnordered::new());
        // Where the rest of the batch takes its time, the queue would hold back
        // the next event of every incident in it until the batch ends. Attempts
        // go on while the queue is told.
        let mut patience = tokio::time::interval(limits::BATCH_PATIENCE);
        patience.set_missed_tick_behavior(MissedTickBehavior::Delay);
        patience.tick().await;
        while !groups.is_empty() {
            tokio::select! {
                Some(handled) = groups.next() => all.add(handled),
                Some(()) = telling.next() => {}
                _ = patience.tick() => {
                    let delivered = std::mem::take(&mut all.delivered);
                    telling.push(self.tell(delivered, std::mem::take(&mut all.waiting)));
                }
            }
        }
        // What is delivered, the event source deletes.
        telling.push(self.tell(Vec::new(), all.waiting));
        telling.collect::<()>().await;
        let mut response = SqsBatchResponse::default();
        response.set_failures(all.failures);
        response
    }

    async fn handle_group(&self, messages: Vec<SqsMessage>, deadline: Instant) -> Handled {
        let mut handled = Handled::default();
        for (index, message) in messages.iter().enumerate() {
            let start_by = deadline.checked_sub(limits::DELIVERY_DEADLINE_RESERVE);
            let next = match start_by.filter(|start_by| Instant::now() <= *start_by) {
                Some(start_by) => self.handle_message(message, start_by).await,
                None => Next::Again(Duration::ZERO),
            };
            match next {
                Next::Done => handled.delivered.extend(message.receipt_handle.clone()),
                Next::Again(pause) => {
                    handled.put_back(&messages[index..], pause);
                    break;
                }
            }
        }
        handled
    }

    /// Deletes messages before the event source does, and hides those that
    /// wait.
    async fn tell(&self, delivered: Vec<String>, waiting: Vec<(String, Duration)>) {
        let (deleted, hidden) =
            future::join(self.queue.delete(&delivered), self.queue.hide(&waiting)).await;
        if let Err(error) = deleted {
            // The event source deletes them in the end.
            tracing::warn!(%error, "delivered messages were not deleted early");
        }
        if let Err(error) = hidden {
            // They come again after the queue's own visibility timeout.
            tracing::warn!(%error, "the pause before the next attempt could not be set");
        }
    }
}

impl Handled {
    fn add(&mut self, other: Self) {
        self.delivered.extend(other.delivered);
        self.failures.extend(other.failures);
        self.waiting.extend(other.waiting);
    }

    /// A group's message and those behind it wait for the same time: were those
    /// behind it hidden for longer, they would block their group.
    fn put_back(&mut self, messages: &[SqsMessage], pause: Duration) {
        for message in messages {
            self.failures.extend(message.message_id.clone());
            let receipt = message.receipt_handle.clone();
            self.waiting.extend(receipt.map(|receipt| (receipt, pause)));
        }
    }
}

/// The messages by their group, each group in the queue's order.
fn by_group(messages: Vec<SqsMessage>) -> Vec<Vec<SqsMessage>> {
    let mut groups: Vec<(Option<String>, Vec<SqsMessage>)> = Vec::new();
    for message in messages {
        let group = message.attributes.get("MessageGroupId").cloned();
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) if group.is_some() => members.push(message),
            _ => groups.push((group, vec![message])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}
