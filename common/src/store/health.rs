//! What delivery keeps in a webhook's item beside its users' fields: failures,
//! slow attempts under way. Each write names its own attributes only and leaves
//! `updatedAt` alone, so that it never meets a change by a user.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use super::{Store, StoreError, keys, number, text};
use crate::{
    audit, aws,
    breaker::Health,
    id::WebhookId,
    limits,
    time::Timestamp,
    webhook::{SlowAttempt, Webhook},
    webhook_event::WebhookEvent,
};

impl Store {
    /// Replaces what is known of an enabled webhook's failures, and adds an
    /// entry to its timeline.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not `before` any more.
    pub async fn replace_health(
        &self,
        id: WebhookId,
        before: Option<&Health>,
        after: &Health,
        entry: Option<&WebhookEvent>,
    ) -> Result<(), StoreError> {
        let update = self
            .update_if(id, before)
            .update_expression("SET health = :health")
            .expression_attribute_values(":health", health(after)?)
            .build()?;
        self.update_with_entries(update, entry, None).await
    }

    /// Disables an enabled webhook, with what its failures came to.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its failures are not `before` any more.
    pub async fn disable_failing_webhook(
        &self,
        webhook: &Webhook,
        before: Option<&Health>,
        after: &Health,
        entry: &WebhookEvent,
    ) -> Result<(), StoreError> {
        let update = self
            .update_if(webhook.id, before)
            .update_expression(
                "SET enabled = :no, disabledReason = :reason, updatedAt = :now, health = :health",
            )
            .expression_attribute_values(":health", health(after)?);
        self.disable(update, webhook, entry).await
    }

    /// Disables a webhook whose receiver is gone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it was disabled or deleted before.
    pub async fn disable_gone_webhook(
        &self,
        webhook: &Webhook,
        entry: &WebhookEvent,
    ) -> Result<(), StoreError> {
        let update = self
            .update(webhook.id)
            .update_expression("SET enabled = :no, disabledReason = :reason, updatedAt = :now")
            .condition_expression("enabled = :yes");
        self.disable(update, webhook, entry).await
    }

    async fn disable(
        &self,
        update: aws_sdk_dynamodb::types::builders::UpdateBuilder,
        webhook: &Webhook,
        entry: &WebhookEvent,
    ) -> Result<(), StoreError> {
        let reason = entry.reason.clone().unwrap_or_default();
        let update = update
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", text(entry.at.to_string()))
            .build()?;
        let disabled = Webhook {
            enabled: false,
            disabled_reason: entry.reason.clone(),
            ..webhook.clone()
        };
        let audit = audit::Entry::updated(&entry.actor, webhook, &disabled);
        self.update_with_entries(update, Some(entry), Some(&audit))
            .await
    }

    /// Forgets a webhook's failures: it accepted a delivery.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn forget_failures(
        &self,
        id: WebhookId,
        entry: Option<&WebhookEvent>,
    ) -> Result<(), StoreError> {
        let update = self
            .update(id)
            .update_expression("REMOVE health")
            .condition_expression("attribute_exists(health)")
            .build()?;
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            match self.update_with_entries(update.clone(), entry, None).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
            // Either another delivery got through as well, or somebody else was
            // at the webhook at that moment: then its breaker is still open.
            let webhook = self.webhook(id).await?;
            if webhook.is_none_or(|webhook| webhook.health.is_none()) {
                return Ok(());
            }
            aws::conflict_pause(attempt).await;
        }
        Err(StoreError::Conflict)
    }

    /// Counts an attempt that takes long, where all functions see it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the webhook was deleted.
    pub async fn add_slow_attempt(
        &self,
        id: WebhookId,
        attempt: SlowAttempt,
    ) -> Result<(), StoreError> {
        self.change_slow_attempts(id, "ADD slowAttempts :entries", vec![attempt.entry()])
            .await
    }

    /// Ends it, and with it what functions that died left behind.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove_slow_attempt(
        &self,
        webhook: &Webhook,
        attempt: SlowAttempt,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut entries = webhook.forgotten_slow_attempts(now);
        entries.push(attempt.entry());
        self.change_slow_attempts(webhook.id, "DELETE slowAttempts :entries", entries)
            .await
    }

    async fn change_slow_attempts(
        &self,
        id: WebhookId,
        expression: &str,
        entries: Vec<String>,
    ) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(id).into_item()))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":entries", AttributeValue::Ss(entries))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// The timeline of a webhook, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn webhook_timeline(&self, id: WebhookId) -> Result<Vec<WebhookEvent>, StoreError> {
        self.query_all(&keys::deliveries_of_webhook(id), keys::EVENT_PREFIX)
            .await
    }

    fn update(&self, id: WebhookId) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(id).into_item()))
    }

    /// An update of an enabled webhook whose failures are still `before`.
    fn update_if(
        &self,
        id: WebhookId,
        before: Option<&Health>,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        let update = self
            .update(id)
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        match before {
            None => update.condition_expression("enabled = :yes AND attribute_not_exists(health)"),
            Some(before) => update
                .condition_expression("enabled = :yes AND health.revision = :revision")
                .expression_attribute_values(":revision", number(before.revision)),
        }
    }

    /// A change of a webhook's item, together with its entries of the timeline
    /// and of the audit log.
    pub(super) async fn update_with_entries(
        &self,
        update: Update,
        entry: Option<&WebhookEvent>,
        audit: Option<&audit::Entry>,
    ) -> Result<(), StoreError> {
        let mut items = Vec::new();
        if let Some(entry) = entry {
            let expires = entry.at.after(limits::WEBHOOK_TIMELINE_RETENTION);
            let mut put = self
                .put(keys::webhook_event(entry.webhook_id, entry.id), entry)?
                .with("expiresAt", number(expires.unix_seconds()));
            if entry.body.is_some() {
                // What fan-out is told of.
                put = put.with("kind", text("EVENT"));
                items.push(self.outbox_entry(entry.id)?);
            }
            items.push(put.in_transaction()?);
        }
        if items.is_empty() && audit.is_none() {
            return self
                .client
                .update_item()
                .table_name(update.table_name)
                .set_key(Some(update.key))
                .update_expression(update.update_expression)
                .set_condition_expression(update.condition_expression)
                .set_expression_attribute_names(update.expression_attribute_names)
                .set_expression_attribute_values(update.expression_attribute_values)
                .send()
                .await
                .map(|_| ())
                .map_err(StoreError::from_sdk);
        }
        items.push(TransactWriteItem::builder().update(update).build());
        match audit {
            Some(audit) => self.change(items, audit).await,
            None => self.transact(items).await,
        }
    }
}

fn health(health: &Health) -> Result<AttributeValue, StoreError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(
        health,
    )?)
}
