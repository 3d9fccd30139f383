//! Whether a request may come in: what its vendor's way of authentication asks
//! for. Some ways have to wait, for a certificate or keys that somebody else
//! publishes, or for the table.

use super::{Authentication, Context, Received, Vendor, credentials};
use crate::{
    http::ApiError,
    integration::Integration,
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

impl Admission {
    /// Whether this is a copy of a message that was taken.
    pub(super) async fn is_copy(
        &self,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<bool, StoreError> {
        match &self.message {
            Some(message) => {
                store
                    .has_message(context.integration.id, message, context.now)
                    .await
            }
            None => Ok(false),
        }
    }

    /// Remembers the message, now that what it says is stored. To refuse it
    /// because that fails would only bring a copy.
    pub(super) async fn remember(&self, store: &Store, context: &Context<'_>) {
        let Some(message) = &self.message else {
            return;
        };
        let integration = context.integration.id;
        let remembered = store.remember_message(integration, message, context.now);
        if let Err(error) = remembered.await {
            tracing::warn!(service.id = %context.integration.service.id, %error, "a message was not remembered");
        }
    }
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

/// How a request named its integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// By its id: the key has to be presented besides where it is required.
    ById,
    /// By its key.
    ByKey,
}

/// Lets a request in, or says why not.
///
/// # Errors
/// 401 where it proves nothing, the vendor's overload status where that cannot
/// be told now.
pub(super) async fn authenticate(
    vendor: &Vendor,
    attempt: Attempt<'_>,
    found: Found,
) -> Result<Admission, ApiError> {
    let (received, context) = (attempt.received, attempt.context);
    check_key(received, context.integration, found)?;
    let proven = match (vendor.authentication, attempt.secret()) {
        (Authentication::Interactive(check), _) => {
            return check(attempt)
                .await
                .map_err(|rejection| rejected(vendor, rejection));
        }
        (_, None) => true,
        (Authentication::Native(verify), Some(secret)) => verify(received, secret, context),
        (Authentication::SharedSecret, Some(secret)) => {
            credentials::has_shared_secret(received, secret)
        }
    };
    if proven {
        Ok(Admission::default())
    } else {
        Err(ApiError::unauthorized(
            "invalid_signature",
            "the signature or token is missing or wrong",
        ))
    }
}

fn check_key(received: &Received, integration: &Integration, found: Found) -> Result<(), ApiError> {
    let asked = integration.require_key && found == Found::ById;
    if asked && !credentials::has_integration_key(received, &integration.key_hash) {
        return Err(ApiError::unauthorized(
            "invalid_key",
            "the integration key is missing or wrong",
        ));
    }
    Ok(())
}

fn rejected(vendor: &Vendor, rejection: Rejection) -> ApiError {
    match rejection {
        Rejection::Unproven(reason) => ApiError::unauthorized("invalid_signature", reason),
        Rejection::Unavailable(reason) => {
            tracing::error!(
                provider = vendor.name,
                reason,
                "a request could not be checked"
            );
            ApiError::overloaded(vendor.overload)
        }
    }
}
