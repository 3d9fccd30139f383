//! Deliveries queued anew, and those that are looked after until they are
//! finished.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use super::{Page, Store, StoreError, keys, number, read, text};
use crate::{
    audit,
    id::{DeliveryId, WebhookId},
    limits,
    time::Timestamp,
    watch::Watch,
    webhook::{Delivery, DeliveryStatus},
};

/// Deliveries of events of a time: from its start up to, not including, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Window {
    /// The identifiers of its deliveries, both ends included.
    pub(super) fn ids(self) -> (DeliveryId, DeliveryId) {
        let at = |at: Timestamp| ulid::Ulid::from_parts(at.unix_millis(), 0);
        let last = ulid::Ulid(at(self.to).0.saturating_sub(1));
        (
            DeliveryId::from_ulid(at(self.from)),
            DeliveryId::from_ulid(last),
        )
    }
}

impl Store {
    /// Puts a finished delivery into its next round and under watch, in one
    /// transaction: whatever happens to the message that is sent afterwards,
    /// the delivery is not forgotten. Answers it as it is now. `audit` is for a
    /// single one; a recovery of many is logged as one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not as it was read.
    pub async fn requeue(
        &self,
        old: &Delivery,
        now: Timestamp,
        audit: Option<&audit::Entry>,
    ) -> Result<Delivery, StoreError> {
        let delivery = Delivery {
            status: DeliveryStatus::Pending,
            round: old.next_round(),
            round_attempts: 0,
            round_started_at: None,
            next_attempt_at: None,
            ..old.clone()
        };
        let watch = Watch {
            check_at: now.after(limits::STRANDED_AFTER),
            ..Watch::from(&delivery)
        };
        let put = self.put(keys::watch(delivery.id), &watch)?;
        let watched = put.with("expiresAt", forgotten_at(now)).in_transaction()?;
        let requeued = self.requeue_update(old, &delivery, now)?;
        let items = vec![requeued, watched];
        match audit {
            Some(audit) => self.change(items, audit).await?,
            None => self.transact(items).await?,
        }
        Ok(delivery)
    }

    fn requeue_update(
        &self,
        old: &Delivery,
        new: &Delivery,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        // A delivery that is about to expire stays for its new schedule.
        let kept_until = (old.created_at.after(limits::DELIVERY_RETENTION))
            .max(now.after(limits::UNFINISHED_AT_MOST));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::delivery(old.webhook_id, old.id).into_item()))
            .update_expression(
                "SET #status = :pending, #round = :round, roundAttempts = :zero, \
                 roundStartedAt = :none, nextAttemptAt = :none, expiresAt = :expires",
            )
            .condition_expression("#status = :old AND #round = :before")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#round", "round")
            .expression_attribute_values(":pending", text(new.status.as_str()))
            .expression_attribute_values(":round", number(new.round))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":none", AttributeValue::Null(true))
            .expression_attribute_values(":expires", number(kept_until.unix_seconds()))
            .expression_attribute_values(":old", text(old.status.as_str()))
            .expression_attribute_values(":before", number(old.round))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Watches a delivery, unless it is watched already.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn watch(&self, watch: &Watch, now: Timestamp) -> Result<(), StoreError> {
        let put = self
            .put(keys::watch(watch.delivery_id), watch)?
            .with("expiresAt", forgotten_at(now))
            .only_if("attribute_not_exists(pk)");
        match put.send(&self.client).await {
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// The watch of a delivery.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn watch_of(&self, delivery: DeliveryId) -> Result<Option<Watch>, StoreError> {
        self.get(keys::watch(delivery)).await
    }

    /// Watched deliveries, the oldest first, from after `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn watches(&self, after: Option<&str>) -> Result<Page<Watch>, StoreError> {
        let start = after.and_then(|id| id.parse().ok());
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(keys::WATCHES))
            .set_exclusive_start_key(start.map(|id| keys::watch(id).into_item()))
            .limit(limits::WATCH_PAGE)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        let more = output.last_evaluated_key.is_some();
        let items = output.items.unwrap_or_default().into_iter();
        let entries: Vec<Watch> = items.map(read).collect::<Result<_, _>>()?;
        let last = entries.last().map(|watch| watch.delivery_id.to_string());
        Ok(Page {
            entries,
            next: last.filter(|_| more),
        })
    }

    /// The deliveries of these watches that are still there, in no order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn watched_deliveries(&self, watches: &[Watch]) -> Result<Vec<Delivery>, StoreError> {
        let wanted = watches
            .iter()
            .map(|watch| keys::delivery(watch.webhook_id, watch.delivery_id));
        let items = self.get_all(wanted.collect()).await?;
        items.into_iter().map(read).collect()
    }

    /// Sets when a watched delivery is looked at next, and how often it was
    /// queued again. One that is no longer watched stays so.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn look_again(&self, watch: &Watch) -> Result<(), StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::watch(watch.delivery_id).into_item()))
            .update_expression("SET checkAt = :at, resent = :resent")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":at", text(watch.check_at.to_string()))
            .expression_attribute_values(":resent", number(watch.resent))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match updated {
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// Ends the watch of a delivery that is finished, unless it was queued
    /// anew since it was read, with a later look.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn end_watch(&self, watch: &Watch) -> Result<(), StoreError> {
        let ended = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::watch(watch.delivery_id).into_item()))
            .condition_expression("attribute_not_exists(pk) OR checkAt = :read")
            .expression_attribute_values(":read", text(watch.check_at.to_string()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match ended {
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// How far the sweep of this name has come.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sweep_position(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let item = self.get_item(keys::sweep(name), true).await?;
        let position = item.and_then(|item| item.get("position")?.as_s().ok().cloned());
        Ok(position.as_deref().and_then(Timestamp::parse_rfc3339))
    }

    /// Notes how far the sweep of this name has come; never back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn move_sweep(&self, name: &str, to: Timestamp) -> Result<(), StoreError> {
        let moved = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::sweep(name).into_item()))
            .update_expression("SET #position = :to")
            .condition_expression("attribute_not_exists(#position) OR #position < :to")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":to", text(to.to_string()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match moved {
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// The unfinished deliveries of a webhook and a window, oldest first, as
    /// watches. Eventually consistent, at half the price: nobody needs what was
    /// written in the last second.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn unfinished_of_window(
        &self,
        webhook: WebhookId,
        window: Window,
    ) -> Result<Vec<Watch>, StoreError> {
        let (first, last) = window.ids();
        let key = |id: DeliveryId| text(format!("{}{id}", keys::DELIVERY_PREFIX));
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .filter_expression("#status IN (:pending, :retrying)")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":pk", text(keys::deliveries_of_webhook(webhook)))
                .expression_attribute_values(":first", key(first))
                .expression_attribute_values(":last", key(last))
                .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
                .expression_attribute_values(":retrying", text(DeliveryStatus::Retrying.as_str()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            for item in output.items.unwrap_or_default() {
                match read::<Delivery>(item) {
                    Ok(delivery) => found.push(Watch::from(&delivery)),
                    // Another version's: it must not keep the others from being
                    // looked after, now and in all windows to come.
                    Err(error) => {
                        tracing::error!(webhook.id = %webhook, %error, "a delivery cannot be read");
                    }
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}

/// When the table forgets a watch by itself.
fn forgotten_at(now: Timestamp) -> AttributeValue {
    number(now.after(limits::DELIVERY_RETENTION).unix_seconds())
}
