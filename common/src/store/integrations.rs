//! Integrations and the digests of their keys.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys, keys::Key, number, read, text};
use crate::{
    audit, aws, crypto,
    id::{IntegrationId, ServiceId},
    integration::{Integration, Service},
    limits,
};

/// What the digest of an integration key leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationKey {
    /// The integration.
    pub integration_id: IntegrationId,
}

/// Whose key a digest is. Digests of other kinds of keys lie beside those of
/// integrations and name no integration.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyOwner {
    #[serde(default)]
    integration_id: Option<IntegrationId>,
}

/// The entry of an integration in its service's list.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    integration_id: IntegrationId,
}

impl Store {
    /// Writes a new integration of this service, its key's digest and its entry
    /// in the service's list.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the service is not as it was read, or gone,
    /// or the id is taken.
    pub async fn create_integration(
        &self,
        integration: &Integration,
        service: &Service,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let id = integration.id;
        let items = vec![
            self.service_revision_up(service)?,
            self.put(keys::integration(id), integration)?
                .only_if("attribute_not_exists(pk)")
                .in_transaction()?,
            self.put(
                keys::secret_key(&integration.key_hash),
                &IntegrationKey { integration_id: id },
            )?
            .in_transaction()?,
            self.put(
                keys::integration_of_service(integration.service.id, id),
                &Entry { integration_id: id },
            )?
            .in_transaction()?,
        ];
        self.change(items, audit).await
    }

    /// An integration.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn integration(&self, id: IntegrationId) -> Result<Option<Integration>, StoreError> {
        self.get(keys::integration(id)).await
    }

    /// The integration that this key belongs to; looked up by the key's digest,
    /// because nothing else of it is stored.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn integration_by_key(&self, key: &str) -> Result<Option<Integration>, StoreError> {
        let hash = crypto::sha256_hex(key.as_bytes());
        let Some(found) = self.get::<KeyOwner>(keys::secret_key(&hash)).await? else {
            return Ok(None);
        };
        let Some(id) = found.integration_id else {
            return Ok(None);
        };
        // A digest that outlived a rotation opens nothing.
        let integration = self.integration(id).await?;
        Ok(integration.filter(|integration| integration.key_hash == hash))
    }

    /// The integrations of a service, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn integrations(&self, service: ServiceId) -> Result<Vec<Integration>, StoreError> {
        let entries: Vec<Entry> = self
            .query_all(
                &keys::integrations_of_service(service),
                keys::INTEGRATION_PREFIX,
            )
            .await?;
        let wanted = entries
            .iter()
            .map(|entry| keys::integration(entry.integration_id))
            .collect();
        let mut integrations: Vec<Integration> = self
            .get_all(wanted)
            .await?
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        integrations.sort_by_key(|integration| integration.id);
        Ok(integrations)
    }

    /// Replaces an integration that is still as `before` was read; a new key
    /// replaces the digest of the old one. What it repeats of its service is the
    /// service's to change, and its pinned topic intake's: both stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody else changed or deleted it in the
    /// meantime.
    pub async fn update_integration(
        &self,
        integration: &Integration,
        before: &Integration,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let mut integration = integration.clone();
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            match self.replace_integration(&integration, before, audit).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
            let now = self.integration(integration.id).await?;
            let now = now.filter(|now| now.updated_at == before.updated_at);
            let now = now.ok_or(StoreError::Conflict)?;
            integration.service = now.service;
            integration.service_options = now.service_options;
            integration.service_revision = now.service_revision;
            integration.pinned_topic_arn = now.pinned_topic_arn;
            aws::conflict_pause(attempt).await;
        }
        Err(StoreError::Conflict)
    }

    async fn replace_integration(
        &self,
        integration: &Integration,
        before: &Integration,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let unchanged = "updatedAt = :at AND \
             (attribute_not_exists(serviceRevision) OR serviceRevision = :read)";
        let put = self
            .put(keys::integration(integration.id), integration)?
            .value(":at", text(before.updated_at.to_string()))
            .value(":read", number(integration.service_revision));
        let put = match &integration.pinned_topic_arn {
            None => put.only_if(&format!(
                "{unchanged} AND attribute_not_exists(pinnedTopicArn)"
            )),
            Some(topic) => put
                .only_if(&format!("{unchanged} AND pinnedTopicArn = :topic"))
                .value(":topic", text(topic)),
        };
        let mut items = vec![put.in_transaction()?];
        if integration.key_hash != before.key_hash {
            let digest = IntegrationKey {
                integration_id: integration.id,
            };
            items.push(
                self.put(keys::secret_key(&integration.key_hash), &digest)?
                    .in_transaction()?,
            );
            items.push(self.deletion(keys::secret_key(&before.key_hash))?);
        }
        self.change(items, audit).await
    }

    /// Pins the SNS topic of an integration that has none yet. Pinning the same
    /// one again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another one is pinned, or the integration
    /// is gone.
    pub async fn pin_topic(&self, id: IntegrationId, topic: &str) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::integration(id).into_item()))
            .update_expression("SET pinnedTopicArn = :topic")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(pinnedTopicArn) OR pinnedTopicArn = :topic)",
            )
            .expression_attribute_values(":topic", text(topic))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// Deletes an integration, its key's digest and its entry. `false` where
    /// there was none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_integration(
        &self,
        integration: &Integration,
        audit: &audit::Entry,
    ) -> Result<bool, StoreError> {
        let id = integration.id;
        let mut key_hash = integration.key_hash.clone();
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(keys::integration(id).into_item()))
                .condition_expression("keyHash = :hash")
                .expression_attribute_values(":hash", text(&key_hash))
                .build()?;
            let items = vec![
                TransactWriteItem::builder().delete(delete).build(),
                self.deletion(keys::secret_key(&key_hash))?,
                self.deletion(keys::integration_of_service(integration.service.id, id))?,
            ];
            match self.change(items, audit).await {
                Err(StoreError::Conflict) => {}
                other => return other.map(|()| true),
            }
            // Deleted by somebody else, or it has another key by now.
            let Some(now) = self.integration(id).await? else {
                return Ok(false);
            };
            key_hash = now.key_hash;
            aws::conflict_pause(attempt).await;
        }
        Err(StoreError::Conflict)
    }

    fn deletion(&self, key: Key) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
