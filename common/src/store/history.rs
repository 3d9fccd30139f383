//! How long an incident's timeline and raw alerts are kept.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Store, StoreError, keys, number, text};
use crate::{id::IncidentId, time::Timestamp};

/// Items changed at the same time.
const WRITES_AT_ONCE: usize = 16;

impl Store {
    /// Lets everything under an incident expire at `at`.
    ///
    /// # Errors
    /// See [`StoreError`]; some items may have been changed. A repeat is harmless.
    pub async fn expire_history(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk < :meta")
                .expression_attribute_values(":pk", text(keys::incident_partition(incident)))
                // ALERT# and EVENT# sort before META, the incident itself.
                .expression_attribute_values(":meta", text(keys::META))
                .projection_expression("sk")
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            let mut updates = Vec::new();
            for item in output.items.unwrap_or_default() {
                if let Some(sk) = item.get("sk") {
                    updates.push(self.expire_item(incident, sk.clone(), at));
                }
            }
            let changed = stream::iter(updates).buffer_unordered(WRITES_AT_ONCE);
            changed.try_collect::<Vec<()>>().await?;
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    async fn expire_item(
        &self,
        incident: IncidentId,
        sk: AttributeValue,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(keys::incident_partition(incident)))
            .key("sk", sk)
            .update_expression("SET expiresAt = :at")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":at", number(at.unix_seconds()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match changed {
            // Expired in the meantime.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }
}
