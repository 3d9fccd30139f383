//! Authentication that has to wait: for a certificate or keys that somebody
//! else publishes, or for the table.

use super::{Context, Received};
use crate::{
    outbound::{Answer, Fetch, OutboundError},
    store::{Store, StoreError},
};

/// A request that wants in, and what its check may use.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The request.
    pub received: &'a Received,
    /// Its integration.
    pub context: &'a Context<'a>,
    pub(super) store: &'a Store,
    pub(super) outbound: Option<&'a dyn Fetch>,
}

/// A request that is let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// The sender's id of the message, where it repeats the id with every
    /// copy: a copy of what was taken changes nothing.
    pub message: Option<String>,
    /// The check has dealt with it already, for this reason: the normaliser
    /// does not see it.
    pub settled: Option<String>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// It proves nothing, for this reason: 401.
    Unproven(String),
    /// It cannot be checked now, for this reason: the vendor's overload status.
    Unavailable(String),
}

impl Rejection {
    /// Unproven for this reason, as a sentence for a person.
    pub fn unproven(reason: impl Into<String>) -> Self {
        Self::Unproven(reason.into())
    }
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl<'a> Attempt<'a> {
    /// The integration's signature secret.
    pub fn secret(&self) -> Option<&'a str> {
        self.context.integration.signature_secret.as_deref()
    }

    /// GETs a document through the guarded client.
    ///
    /// # Errors
    /// See [`OutboundError`]; an answer of any status is no error.
    pub async fn fetch(&self, url: &str) -> Result<Answer, OutboundError> {
        match self.outbound {
            Some(outbound) => outbound.fetch(url).await,
            None => Err(OutboundError::Failed(
                "this function has no way out".to_owned(),
            )),
        }
    }

    /// Makes this SNS topic the integration's only one. `false` where it has
    /// another one by now.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn pin_topic(&self, topic: &str) -> Result<bool, Rejection> {
        match self
            .store
            .pin_topic(self.context.integration.id, topic)
            .await
        {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
