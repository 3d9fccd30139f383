//! Deliveries and the attempts made for them.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Store, StoreError, keys, number, read, text};
use crate::{
    id::{DeliveryId, WebhookId},
    limits,
    time::Timestamp,
    webhook::{Attempt, Delivery, DeliveryStatus, Webhook},
};

/// Whether a delivery was written or was there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewDelivery {
    /// Written now.
    Created,
    /// A replayed event made it before: the delivery as it is now.
    Existed(Box<Delivery>),
}

/// What an attempt made of a delivery.
#[derive(Debug, Clone)]
pub struct AttemptRecord<'a> {
    /// The delivery as it was read.
    pub delivery: &'a Delivery,
    /// The round of the message that the attempt was made for.
    pub round: u32,
    /// The attempt.
    pub attempt: Attempt,
    /// Where the delivery stands now.
    pub status: DeliveryStatus,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
}

impl Store {
    /// Writes a delivery, unless it is there already.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_delivery(&self, delivery: &Delivery) -> Result<NewDelivery, StoreError> {
        let put = self
            .put(keys::delivery(delivery.webhook_id, delivery.id), delivery)?
            .with(
                "expiresAt",
                number(
                    delivery
                        .created_at
                        .after(limits::DELIVERY_RETENTION)
                        .unix_seconds(),
                ),
            )
            .only_if("attribute_not_exists(pk)");
        let sent = self
            .client
            .put_item()
            .table_name(put.table)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(NewDelivery::Created),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let existing = failed.item().cloned().ok_or(StoreError::Conflict)?;
                Ok(NewDelivery::Existed(Box::new(read(existing)?)))
            }
            _ => Err(StoreError::from_sdk(error)),
        }
    }

    /// A webhook and one of its deliveries, in one strongly consistent read.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn webhook_and_delivery(
        &self,
        webhook: WebhookId,
        delivery: DeliveryId,
    ) -> Result<(Option<Webhook>, Option<Delivery>), StoreError> {
        let items = self
            .get_all(vec![
                keys::webhook(webhook),
                keys::delivery(webhook, delivery),
            ])
            .await?;
        let (mut found_webhook, mut found_delivery) = (None, None);
        for item in items {
            if item
                .get("pk")
                .and_then(|pk| pk.as_s().ok())
                .is_some_and(|pk| pk == keys::WEBHOOKS)
            {
                found_webhook = Some(read(item)?);
            } else {
                found_delivery = Some(read(item)?);
            }
        }
        Ok((found_webhook, found_delivery))
    }

    /// Adds an attempt to its delivery.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another attempt was recorded meanwhile.
    pub async fn record_attempt(&self, record: &AttemptRecord<'_>) -> Result<(), StoreError> {
        let AttemptRecord {
            delivery,
            round,
            attempt,
            status,
            next_attempt_at,
        } = record;
        let new_round = *round > delivery.round || delivery.round_started_at.is_none();
        let started_at = delivery
            .round_started_at
            .filter(|_| !new_round)
            .unwrap_or(attempt.at);
        let made = if new_round {
            1
        } else {
            delivery.round_attempts + 1
        };
        let attempt = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(attempt)?;
        let next = next_attempt_at.map_or(AttributeValue::Null(true), |at| text(at.to_string()));
        let before = i32::try_from(delivery.attempts.len()).unwrap_or(i32::MAX);
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::delivery(delivery.webhook_id, delivery.id).into_item()))
            .update_expression(
                "SET attempts = list_append(attempts, :attempt), #status = :status, nextAttemptAt = :next, \
                 #round = :round, roundAttempts = :made, roundStartedAt = :started",
            )
            .condition_expression("size(attempts) = :before")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#round", "round")
            .expression_attribute_values(":attempt", AttributeValue::L(vec![attempt]))
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":next", next)
            .expression_attribute_values(":round", number(round))
            .expression_attribute_values(":made", number(made))
            .expression_attribute_values(":started", text(started_at.to_string()))
            .expression_attribute_values(":before", number(before))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// Marks an unfinished delivery as not sent.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn skip_delivery(
        &self,
        webhook: WebhookId,
        delivery: DeliveryId,
    ) -> Result<(), StoreError> {
        let skipped = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::delivery(webhook, delivery).into_item()))
            .update_expression("SET #status = :skipped, nextAttemptAt = :none")
            .condition_expression("#status IN (:pending, :retrying)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":skipped", text(DeliveryStatus::Skipped.as_str()))
            .expression_attribute_values(":none", AttributeValue::Null(true))
            .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
            .expression_attribute_values(":retrying", text(DeliveryStatus::Retrying.as_str()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match skipped {
            // Finished or expired in the meantime.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// A delivery.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delivery(
        &self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.get(keys::delivery(webhook, id)).await
    }

    /// When the oldest unfinished delivery of a webhook was made, among those
    /// young enough to be unfinished.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn oldest_unfinished_delivery(
        &self,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let unfinished = self.unfinished_deliveries(webhook, now, 1).await?;
        Ok(unfinished.first().map(|delivery| delivery.created_at))
    }

    /// Unfinished deliveries of a webhook, oldest first: at most `limit`, among
    /// those young enough to be unfinished.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn unfinished_deliveries(
        &self,
        webhook: WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let since = now
            .unix_millis()
            .saturating_sub(limits::UNFINISHED_AT_MOST.as_secs() * 1_000);
        let first = DeliveryId::from_ulid(ulid::Ulid::from_parts(since, 0));
        let (mut entries, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .filter_expression("#status IN (:pending, :retrying)")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":pk", text(keys::deliveries_of_webhook(webhook)))
                .expression_attribute_values(
                    ":first",
                    text(format!("{}{first}", keys::DELIVERY_PREFIX)),
                )
                .expression_attribute_values(":last", text(format!("{}~", keys::DELIVERY_PREFIX)))
                .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
                .expression_attribute_values(":retrying", text(DeliveryStatus::Retrying.as_str()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            for item in output.items.unwrap_or_default() {
                entries.push(read(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() || entries.len() >= limit {
                entries.truncate(limit);
                return Ok(entries);
            }
        }
    }
}
