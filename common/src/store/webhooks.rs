//! Webhooks: one partition holds them all, so that fan-out reads them with one
//! consistent query.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};

use super::{Item, Store, StoreError, keys, text};
use crate::{audit, id::WebhookId, time::Timestamp, webhook::Webhook, webhook_event::WebhookEvent};

/// What a change of a webhook makes of what is known of its failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptHealth {
    /// It still holds.
    Kept,
    /// It no longer says anything: another address, or a new beginning.
    Forgotten,
}

impl Store {
    /// Writes a new webhook.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_webhook(
        &self,
        webhook: &Webhook,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let put = self.put(keys::webhook(webhook.id), webhook)?;
        let put = put.only_if("attribute_not_exists(pk)").in_transaction()?;
        self.change(vec![put], audit).await
    }

    /// All webhooks, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        self.query_all(keys::WEBHOOKS, keys::WEBHOOK_PREFIX).await
    }

    /// A webhook.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.get(keys::webhook(id)).await
    }

    /// Writes the fields of a webhook that nobody changed since `read_at`, and
    /// an entry of its timeline. What delivery keeps in the same item stays,
    /// unless `health` says otherwise.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody did, or deleted it.
    pub async fn update_webhook(
        &self,
        webhook: &Webhook,
        read_at: Timestamp,
        health: KeptHealth,
        entry: Option<&WebhookEvent>,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let fields: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(webhook)?;
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(webhook.id).into_item()))
            .condition_expression("updatedAt = :read")
            .expression_attribute_values(":read", text(read_at.to_string()));
        let mut sets = Vec::with_capacity(fields.len());
        for (index, (name, value)) in fields.into_iter().enumerate() {
            sets.push(format!("#{index} = :{index}"));
            update = update
                .expression_attribute_names(format!("#{index}"), name)
                .expression_attribute_values(format!(":{index}"), value);
        }
        let removed = match health {
            KeptHealth::Kept => "",
            KeptHealth::Forgotten => " REMOVE health",
        };
        let expression = format!("SET {}{removed}", sets.join(", "));
        let update = update.update_expression(expression).build()?;
        self.update_with_entries(update, entry, Some(audit)).await
    }

    /// Deletes a webhook; its deliveries expire by themselves. `false` where
    /// there was none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_webhook(
        &self,
        id: WebhookId,
        audit: &audit::Entry,
    ) -> Result<bool, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(id).into_item()))
            .condition_expression("attribute_exists(pk)")
            .build()?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        match self.change(vec![delete], audit).await {
            Ok(()) => Ok(true),
            // Deleted already.
            Err(StoreError::Conflict) if self.webhook(id).await?.is_none() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
