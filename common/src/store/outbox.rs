//! The outbox: an entry for every event that fan-out has not handled yet,
//! written in the event's own transaction and deleted once its deliveries are
//! queued. It is what tells that an accepted event waits.

use aws_sdk_dynamodb::types::{DeleteRequest, TransactWriteItem, WriteRequest};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys, number, read, text};
use crate::{aws, id::EventId, limits, time::Timestamp};

/// Writes of one `BatchWriteItem`.
const BATCH: usize = 25;

/// An event that waits for fan-out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    event_id: EventId,
}

impl Store {
    /// The entry of an event that receivers are told of.
    pub(super) fn outbox_entry(&self, id: EventId) -> Result<TransactWriteItem, StoreError> {
        let expires = id.created_at().after(limits::OUTBOX_MEMORY);
        self.put(keys::outbox(id), &Entry { event_id: id })?
            .with("expiresAt", number(expires.unix_seconds()))
            .in_transaction()
    }

    /// Deletes the entries of events whose deliveries are queued.
    ///
    /// # Errors
    /// See [`StoreError`]; deleting again changes nothing.
    pub async fn settle_events(&self, events: &[EventId]) -> Result<(), StoreError> {
        try_join_all(events.chunks(BATCH).map(|batch| self.settle_batch(batch))).await?;
        Ok(())
    }

    async fn settle_batch(&self, events: &[EventId]) -> Result<(), StoreError> {
        let mut wanted = Vec::with_capacity(events.len());
        for id in events {
            let delete = DeleteRequest::builder()
                .set_key(Some(keys::outbox(*id).into_item()))
                .build()?;
            wanted.push(WriteRequest::builder().delete_request(delete).build());
        }
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            let output = self
                .client
                .batch_write_item()
                .request_items(&self.table, wanted)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            let rest = output.unprocessed_items.unwrap_or_default().into_values();
            wanted = rest.flatten().collect();
            if wanted.is_empty() {
                return Ok(());
            }
            aws::conflict_pause(attempt).await;
        }
        Err(StoreError::Unavailable(
            "a batch of deletions was not completed".to_owned(),
        ))
    }

    /// When the oldest event was accepted that fan-out has not handled, of
    /// those that the stream still holds: one small query per shard.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn oldest_unhandled_event(
        &self,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let shards = (0..limits::OUTBOX_SHARDS).map(|shard| self.oldest_of_shard(shard, now));
        Ok(try_join_all(shards).await?.into_iter().flatten().min())
    }

    async fn oldest_of_shard(
        &self,
        shard: u8,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        // TTL deletes late: the entry's own time decides.
        let first = ulid::Ulid::from_parts(now.before(limits::OUTBOX_MEMORY).unix_millis(), 0);
        let first = format!("{}{}", keys::EVENT_PREFIX, EventId::from_ulid(first));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk > :first")
            .expression_attribute_values(":pk", text(keys::outbox_shard(shard)))
            .expression_attribute_values(":first", text(first))
            .limit(1)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        let item = output.items.unwrap_or_default().into_iter().next();
        let entry: Option<Entry> = item.map(read).transpose()?;
        Ok(entry.map(|entry| entry.event_id.created_at()))
    }
}
