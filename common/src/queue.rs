//! The delivery queue and its dead-letter queue.

mod moves;

use aws_sdk_sqs::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata},
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use std::time::Duration;

pub use moves::{Move, MoveError};

use crate::{config, limits, webhook::DeliveryMessage};

/// What can go wrong with a queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue did not take or answer the request.
    #[error("the queue is not available: {0}")]
    Unavailable(String),
    /// A message does not serialise.
    #[error("the message cannot be written: {0}")]
    Message(#[from] serde_json::Error),
}

impl QueueError {
    fn from_sdk<E, R>(error: aws_sdk_sqs::error::SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let service = error
            .as_service_error()
            .and_then(|error| Some((error.code()?, error.message().unwrap_or_default())));
        Self::Unavailable(match service {
            Some((code, message)) => format!("{code}: {message}"),
            None => DisplayErrorContext(&error).to_string(),
        })
    }
}

/// A message and the group that it belongs to.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The queue's message group: within it, order holds.
    pub group: String,
    /// The message.
    pub message: DeliveryMessage,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages waiting.
    pub ready: u64,
    /// Messages being delivered, or waiting for their next attempt.
    pub in_flight: u64,
}

/// A FIFO queue of deliveries.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
        }
    }

    /// The queue whose URL the variable names; its connection is opened at once.
    ///
    /// # Errors
    /// Where the variable is not set.
    pub async fn from_env(
        sdk: &aws_config::SdkConfig,
        variable: &'static str,
    ) -> Result<Self, config::ConfigError> {
        let client = Client::new(&crate::aws::reached_at(sdk, "SQS_ENDPOINT_URL"));
        let queue = Self::new(client, config::required(variable)?);
        crate::aws::warm_up(async {
            let _ = queue.depth().await;
        })
        .await;
        Ok(queue)
    }

    /// Sends the messages in their order. Two messages of one group never
    /// travel in one call: were only the second accepted, their order would be
    /// lost. Returns how many were sent, from the first on.
    ///
    /// # Errors
    /// The first failure and how many messages were sent before it.
    pub async fn send_in_order(&self, messages: &[Outgoing]) -> Result<(), (usize, QueueError)> {
        let mut sent = 0;
        while sent < messages.len() {
            let wave = wave_length(&messages[sent..]);
            sent += self
                .send_wave(&messages[sent..sent + wave])
                .await
                .map_err(|(more, error)| (sent + more, error))?;
        }
        Ok(())
    }

    /// Sends up to ten messages of different groups. Where some are refused,
    /// those before the first of them count as sent.
    async fn send_wave(&self, wave: &[Outgoing]) -> Result<usize, (usize, QueueError)> {
        let mut entries = Vec::with_capacity(wave.len());
        for (index, outgoing) in wave.iter().enumerate() {
            let body = written(&outgoing.message).map_err(|error| (0, error.into()))?;
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .message_group_id(&outgoing.group)
                .message_deduplication_id(outgoing.message.deduplication_id())
                .build()
                .map_err(|error| (0, QueueError::Unavailable(error.to_string())))?;
            entries.push(entry);
        }
        let output = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| (0, QueueError::from_sdk(error)))?;
        let first_refused = output
            .failed()
            .iter()
            .filter_map(|failed| failed.id().parse::<usize>().ok())
            .min();
        match first_refused {
            None => Ok(wave.len()),
            Some(index) => Err((
                index,
                QueueError::Unavailable("a message was refused".to_owned()),
            )),
        }
    }

    /// Sends a message that was sent before and may have been lost. `time`
    /// counts how often: SQS would swallow a repeat under the same
    /// deduplication id for five minutes, even after the first was deleted.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn send_again(&self, outgoing: &Outgoing, time: u32) -> Result<(), QueueError> {
        let id = format!("{}.{time}", outgoing.message.deduplication_id());
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(written(&outgoing.message)?)
            .message_group_id(&outgoing.group)
            .message_deduplication_id(id)
            .send()
            .await
            .map(|_| ())
            .map_err(QueueError::from_sdk)
    }

    /// Sends a text that is no delivery message, for a person to look at.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn send_raw(&self, body: &str, id: &str) -> Result<(), QueueError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            // SQS takes no empty body.
            .message_body(if body.is_empty() { "(empty)" } else { body })
            .message_group_id("unreadable")
            .message_deduplication_id(id)
            .send()
            .await
            .map(|_| ())
            .map_err(QueueError::from_sdk)
    }

    /// Makes received messages, by their receipts, invisible for so long, from
    /// now on: for whole seconds, never for less than asked, and at most for
    /// [`limits::VISIBILITY_MAX`].
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn hide(&self, messages: &[(String, Duration)]) -> Result<(), QueueError> {
        for chunk in messages.chunks(limits::SQS_BATCH) {
            let mut entries = Vec::with_capacity(chunk.len());
            for (index, (receipt, pause)) in chunk.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(visibility_seconds(*pause))
                    .build()
                    .map_err(|error| QueueError::Unavailable(error.to_string()))?;
                entries.push(entry);
            }
            self.client
                .change_message_visibility_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(QueueError::from_sdk)?;
        }
        Ok(())
    }

    /// Deletes received messages.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn delete(&self, receipts: &[String]) -> Result<(), QueueError> {
        for chunk in receipts.chunks(limits::SQS_BATCH) {
            let mut entries = Vec::with_capacity(chunk.len());
            for (index, receipt) in chunk.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(receipt)
                    .build()
                    .map_err(|error| QueueError::Unavailable(error.to_string()))?;
                entries.push(entry);
            }
            self.client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(QueueError::from_sdk)?;
        }
        Ok(())
    }

    /// How full the queue is.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let ready = QueueAttributeName::ApproximateNumberOfMessages;
        let in_flight = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let output = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(ready.clone())
            .attribute_names(in_flight.clone())
            .send()
            .await
            .map_err(QueueError::from_sdk)?;
        let attributes = output.attributes.unwrap_or_default();
        let count = |name| {
            attributes
                .get(name)
                .and_then(|count: &String| count.parse().ok())
                .unwrap_or(0)
        };
        Ok(QueueDepth {
            ready: count(&ready),
            in_flight: count(&in_flight),
        })
    }
}

/// A message as JSON. SQS refuses the two characters that XML does not know,
/// and one of them in a title would hold up its shard of the stream for a day:
/// JSON knows another way to write them, and the reader gets the same text.
fn written(message: &DeliveryMessage) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(message)?;
    if !json.contains(['\u{fffe}', '\u{ffff}']) {
        return Ok(json);
    }
    Ok(json
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff"))
}

/// Whole seconds that are not shorter than this: rounded down, a message would
/// come back before its receiver wants to hear of it.
fn visibility_seconds(pause: Duration) -> i32 {
    let pause = pause.min(limits::VISIBILITY_MAX);
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// How many of the first messages go into one call: at most ten, each group
/// once, and no more bytes than a call takes.
fn wave_length(messages: &[Outgoing]) -> usize {
    let limit = messages.len().min(limits::SQS_BATCH);
    let mut bytes = messages.first().map_or(0, bytes_at_most);
    (1..limit)
        .find(|&end| {
            bytes += bytes_at_most(&messages[end]);
            bytes > limits::SQS_BATCH_BYTES
                || messages[..end]
                    .iter()
                    .any(|earlier| earlier.group == messages[end].group)
        })
        .unwrap_or(limit)
}

/// The size of a message as JSON, rounded up: quotes, backslashes and line
/// breaks of its body (JSON too, without other control characters) take two
/// bytes, and the rest of it a few hundred.
fn bytes_at_most(outgoing: &Outgoing) -> usize {
    let body = outgoing.message.body.bytes();
    let escapes = body.filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t'));
    outgoing.message.body.len() + escapes.count() + 512
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::EventName,
        id::{DeliveryId, EventId, WebhookId},
    };

    fn of_groups(groups: &str) -> Vec<Outgoing> {
        groups
            .chars()
            .map(|group| Outgoing {
                group: group.to_string(),
                message: DeliveryMessage {
                    delivery_id: DeliveryId::generate(),
                    webhook_id: WebhookId::generate(),
                    event_id: EventId::generate(),
                    event: EventName::Created,
                    round: 0,
                    body: "{}".to_owned(),
                    correlation_id: None,
                },
            })
            .collect()
    }

    #[test]
    fn a_message_has_only_characters_that_the_queue_takes() {
        let mut message = of_groups("a").remove(0).message;
        message.body =
            "{\"title\":\"a\u{fffe}b\\\\\u{ffff}c\u{fffd}💥\u{7f}\n\t\u{1}\"}".to_owned();
        let text = written(&message).unwrap();
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
        let is_taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        assert!(text.chars().all(is_taken), "{text:?}");
        assert_eq!(
            serde_json::from_str::<DeliveryMessage>(&text).unwrap(),
            message
        );
    }

    #[test]
    fn no_call_carries_two_messages_of_one_group() {
        for (groups, expected) in [
            ("a", 1),
            ("ab", 2),
            ("aa", 1),
            ("abca", 3),
            ("abcdefghijkl", 10),
            ("abb", 2),
        ] {
            assert_eq!(wave_length(&of_groups(groups)), expected, "{groups}");
        }
    }

    #[test]
    fn a_message_is_never_hidden_for_less_than_asked() {
        for (pause, seconds) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(999), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_millis(1_001), 2),
            (Duration::from_millis(7_200_400), 7_201),
            (Duration::from_secs(86_400), 42_900),
            (Duration::MAX, 42_900),
        ] {
            assert_eq!(visibility_seconds(pause), seconds, "{pause:?}");
        }
    }

    #[test]
    fn no_call_carries_more_bytes_than_the_queue_takes() {
        let mut messages = of_groups("abcd");
        for one in &mut messages {
            one.message.body = "\"".repeat(60 * 1024);
        }
        assert_eq!(wave_length(&messages), 2);
        let bytes: usize = messages[..2]
            .iter()
            .map(|one| serde_json::to_string(&one.message).unwrap().len())
            .sum();
        assert!(bytes <= limits::SQS_BATCH_BYTES, "{bytes}");
        messages[0].message.body = "x".repeat(limits::SQS_BATCH_BYTES);
        assert_eq!(wave_length(&messages), 1, "alone rather than never");
    }
}
