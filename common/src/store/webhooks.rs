//! Webhooks: one partition holds them all, so that fan-out reads them with one
//! consistent query.

use super::{Store, StoreError, keys, text};
use crate::{id::WebhookId, time::Timestamp, webhook::Webhook};

impl Store {
    /// Writes a new webhook.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        self.put(keys::webhook(webhook.id), webhook)?
            .only_if("attribute_not_exists(pk)")
            .send(&self.client)
            .await
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

    /// Replaces a webhook that nobody changed since `read_at`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody did, or deleted it.
    pub async fn update_webhook(
        &self,
        webhook: &Webhook,
        read_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.put(keys::webhook(webhook.id), webhook)?
            .only_if("updatedAt = :read")
            .value(":read", text(read_at.to_string()))
            .send(&self.client)
            .await
    }

    /// Stops a webhook because its receiver asked for it or is gone.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn disable_webhook(
        &self,
        id: WebhookId,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let disabled = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(id).into_item()))
            .update_expression("SET enabled = :no, disabledReason = :reason, updatedAt = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(
                ":no",
                aws_sdk_dynamodb::types::AttributeValue::Bool(false),
            )
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", text(now.to_string()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match disabled {
            // Deleted in the meantime: nothing to stop.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// Deletes a webhook; its deliveries expire by themselves. `false` where
    /// there was none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<bool, StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keys::webhook(id).into_item()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(output.attributes.is_some_and(|item| !item.is_empty()))
    }
}
