//! The messages that an integration has received, for senders that repeat
//! them: a late copy must neither open nor close anything.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys, number};
use crate::{id::IntegrationId, limits, time::Timestamp};

/// One received message.
#[derive(Serialize, Deserialize)]
struct Message {
    at: Timestamp,
}

impl Store {
    /// Whether the message was taken within [`limits::MESSAGE_MEMORY`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn has_message(
        &self,
        integration: IntegrationId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found: Option<Message> = self.get(keys::message(integration, id)).await?;
        // TTL deletes late: the item's own time decides.
        Ok(found.is_some_and(|message| now.since(message.at) < limits::MESSAGE_MEMORY))
    }

    /// Remembers a message that was taken.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remember_message(
        &self,
        integration: IntegrationId,
        id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires = now.after(limits::MESSAGE_MEMORY).unix_seconds() + 1;
        self.put(keys::message(integration, id), &Message { at: now })?
            .with("expiresAt", number(expires))
            .send(&self.client)
            .await
    }
}
