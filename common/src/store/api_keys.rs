//! API keys. A key lies under its token's digest, beside the digests of
//! integration keys; an entry in one list leads to it by its identifier.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::{Page, Store, StoreError, keys, read, text};
use crate::{api_key::ApiKey, audit, id::ApiKeyId, time::Timestamp};

/// What lies under a digest. Those of integration keys have no `apiKey`, and
/// those of API keys name no integration: neither is taken for the other.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(default)]
    api_key: Option<ApiKey>,
}

/// The entry of a key in the list.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    api_key_id: ApiKeyId,
    token_hash: String,
}

impl Store {
    /// Writes a new API key whose token has this digest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_api_key(
        &self,
        key: &ApiKey,
        token_hash: &str,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let kept = Kept {
            api_key: Some(key.clone()),
        };
        let entry = Entry {
            api_key_id: key.id,
            token_hash: token_hash.to_owned(),
        };
        let items = vec![
            self.put(keys::secret_key(token_hash), &kept)?
                .only_if("attribute_not_exists(pk)")
                .in_transaction()?,
            self.put(keys::api_key(key.id), &entry)?.in_transaction()?,
        ];
        self.change(items, audit).await
    }

    /// The API key whose token has this digest: read anew every time, so that a
    /// key that was deleted opens nothing from then on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn api_key_by_hash(&self, token_hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let kept: Option<Kept> = self.get(keys::secret_key(token_hash)).await?;
        Ok(kept.and_then(|kept| kept.api_key))
    }

    /// An API key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let Some(entry) = self.get::<Entry>(keys::api_key(id)).await? else {
            return Ok(None);
        };
        self.api_key_by_hash(&entry.token_hash).await
    }

    /// API keys, oldest first, from after the key `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn api_keys(
        &self,
        after: Option<ApiKeyId>,
        limit: usize,
    ) -> Result<Page<ApiKey>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(keys::API_KEYS))
            .expression_attribute_values(":prefix", text(keys::API_KEY_PREFIX))
            .set_exclusive_start_key(after.map(|id| keys::api_key(id).into_item()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        let more = output.last_evaluated_key.is_some();
        let items = output.items.unwrap_or_default().into_iter();
        let entries: Vec<Entry> = items.map(read).collect::<Result<_, _>>()?;
        let last = entries.last().map(|entry| entry.api_key_id.to_string());
        let wanted = entries
            .iter()
            .map(|entry| keys::secret_key(&entry.token_hash));
        let mut found: Vec<ApiKey> = Vec::with_capacity(entries.len());
        for item in self.get_all(wanted.collect()).await? {
            found.extend(read::<Kept>(item)?.api_key);
        }
        found.sort_by_key(|key| key.id);
        Ok(Page {
            entries: found,
            next: last.filter(|_| more),
        })
    }

    /// Notes that a key was used, unless somebody else did since it was read.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody did, or deleted it.
    pub async fn note_api_key_use(
        &self,
        key: &ApiKey,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::secret_key(token_hash).into_item()))
            .update_expression("SET apiKey.lastUsedAt = :now")
            .expression_attribute_values(":now", text(now.to_string()));
        let update = match key.last_used_at {
            None => update.condition_expression(
                "attribute_exists(apiKey) AND attribute_not_exists(apiKey.lastUsedAt)",
            ),
            Some(before) => update
                .condition_expression("apiKey.lastUsedAt = :before")
                .expression_attribute_values(":before", AttributeValue::S(before.to_string())),
        };
        update
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// Deletes an API key: its token is void from then on. `false` where there
    /// was none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_api_key(
        &self,
        id: ApiKeyId,
        audit: &audit::Entry,
    ) -> Result<bool, StoreError> {
        let Some(entry) = self.get::<Entry>(keys::api_key(id)).await? else {
            return Ok(false);
        };
        let deletion = |key: keys::Key| {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key.into_item()))
                .condition_expression("attribute_exists(pk)")
                .build()?;
            Ok::<_, StoreError>(TransactWriteItem::builder().delete(delete).build())
        };
        let items = vec![
            deletion(keys::secret_key(&entry.token_hash))?,
            deletion(keys::api_key(id))?,
        ];
        match self.change(items, audit).await {
            Ok(()) => Ok(true),
            // Somebody else deleted it at the same moment.
            Err(StoreError::Conflict) if self.api_key(id).await?.is_none() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
