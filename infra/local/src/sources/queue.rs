//! The delivery queue → `delivery`: batches of ten, what succeeded is deleted,
//! what failed comes again when its visibility timeout ends, as with Lambda and
//! `ReportBatchItemFailures`.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::{
    Client,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName},
};
use delivery::Deliverer;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// Messages of one batch, as the template says.
const BATCH: i32 = 10;
/// Long poll, seconds.
const WAIT_SECONDS: i32 = 20;
/// The function's timeout, as the template says.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Invocations at the same time (the template's `MaximumConcurrency`).
const CONCURRENCY: usize = 50;
/// Pause after a receive that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// The reader of the queue.
#[derive(Clone)]
pub(crate) struct QueueSource {
    pub client: Client,
    pub url: String,
    pub deliverer: Deliverer,
    /// Whether it stands still.
    pub paused: watch::Receiver<bool>,
}

impl QueueSource {
    /// Reads until told to stop, then waits for the invocations under way.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(CONCURRENCY));
        let mut invocations = JoinSet::new();
        let mut paused = self.paused.clone();
        while super::goes_on(&mut self.paused, &mut stop).await {
            while invocations.try_join_next().is_some() {}
            let Ok(slot) = slots.clone().acquire_owned().await else {
                break;
            };
            let received = tokio::select! {
                received = self.receive() => received,
                _ = stop.changed() => break,
                Ok(_) = paused.wait_for(|paused| *paused) => continue,
            };
            match received {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    let source = self.clone();
                    invocations.spawn(async move {
                        source.invoke(messages).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::error!(error, "the delivery queue is tried again");
                    let _ = tokio::time::timeout(PAUSE, stop.changed()).await;
                }
            }
        }
        while invocations.join_next().await.is_some() {}
    }

    async fn receive(&self) -> Result<Vec<Message>, String> {
        self.client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .customize()
            .config_override(
                aws_sdk_sqs::config::Builder::new().timeout_config(long_poll_timeouts()),
            )
            .send()
            .await
            .map(|output| output.messages.unwrap_or_default())
            .map_err(|error| aws_sdk_sqs::error::DisplayErrorContext(&error).to_string())
    }

    /// Hands a batch to the function as Lambda would.
    async fn invoke(&self, messages: Vec<Message>) {
        let event: SqsEvent = match serde_json::from_value(lambda_event(&messages)) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "a batch of the queue cannot be handed over");
                return;
            }
        };
        let (deliverer, deadline) = (self.deliverer.clone(), Instant::now() + TIMEOUT);
        // A panic or a time-out is a failed invocation: the whole batch comes again.
        let handled = tokio::time::timeout(
            TIMEOUT,
            tokio::spawn(async move { deliverer.handle(event, deadline).await }),
        );
        if let Ok(Ok(response)) = handled.await {
            self.delete_successes(&messages, response).await;
        }
    }

    async fn delete_successes(&self, messages: &[Message], response: SqsBatchResponse) {
        let failed: HashSet<String> = response
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        let done = messages
            .iter()
            .filter(|message| !message.message_id().is_some_and(|id| failed.contains(id)));
        let entries: Vec<_> = done
            .enumerate()
            .filter_map(|(index, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(message.receipt_handle()?).build().ok()
            })
            .collect();
        if entries.is_empty() {
            return;
        }
        let deleted = self
            .client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await;
        if let Err(error) = deleted {
            // They come again, are found to be delivered, and are deleted then.
            let error = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
            tracing::warn!(error, "delivered messages were not deleted");
        }
    }
}

/// A long poll lasts longer than any other call may.
fn long_poll_timeouts() -> aws_config::timeout::TimeoutConfig {
    let limit = Duration::from_secs(WAIT_SECONDS.unsigned_abs().into()) + Duration::from_secs(5);
    aws_config::timeout::TimeoutConfig::builder()
        .connect_timeout(common::limits::AWS_CONNECT_TIMEOUT)
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build()
}

/// The event that Lambda hands to a function.
fn lambda_event(messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let attributes: Map<String, Value> = message
                .attributes
                .iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
                .collect();
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "md5OfBody": message.md5_of_body,
                "attributes": attributes,
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    json!({ "Records": records })
}
