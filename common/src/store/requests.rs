//! The request log of an integration: what came in and what became of it.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys, number, read, text};
use crate::{
    id::{IntegrationId, RequestId},
    limits,
    time::Timestamp,
};

/// One received request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReceivedRequest)]
pub struct RequestRecord {
    /// Identifier.
    pub id: RequestId,
    /// When it came.
    pub at: Timestamp,
    /// The status code that was answered.
    pub status_code: u16,
    /// The actions of its results (`triggered`, `ignored`, …).
    pub results: Vec<String>,
    /// Why it was rejected or ignored.
    #[schema(required)]
    pub reason: Option<String>,
    /// The body's `Content-Type`.
    #[schema(required)]
    pub content_type: Option<String>,
    /// The body's length, bytes.
    pub size: u64,
    /// The start of the body.
    pub excerpt: String,
}

impl Store {
    /// Keeps a request.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn log_request(
        &self,
        integration: IntegrationId,
        record: &RequestRecord,
    ) -> Result<(), StoreError> {
        let expires = record
            .at
            .after(limits::REQUEST_LOG_RETENTION)
            .unix_seconds();
        self.put(keys::request(integration, record.id), record)?
            .with("expiresAt", number(expires))
            .send(&self.client)
            .await
    }

    /// The latest requests, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn requests(
        &self,
        integration: IntegrationId,
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limits::REQUEST_LOG_PAGE)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(keys::requests_of_integration(integration)))
            .expression_attribute_values(":prefix", text(keys::REQUEST_PREFIX))
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect()
    }
}
