//! Who calls the management API. The admin key of the deployment has every
//! scope.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::{header::AUTHORIZATION, request::Parts};

use super::ApiError;
use crate::{
    config::{self, ConfigError},
    crypto,
    event::{Actor, ActorKind},
};

/// The admin key, known by its digest only.
#[derive(Debug, Clone)]
pub struct AdminKey(Arc<str>);

/// Why the admin key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum AdminKeyError {
    /// No variable says where it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Secrets Manager did not give it.
    #[error("the admin key could not be read from Secrets Manager: {0}")]
    Secret(String),
}

impl AdminKey {
    /// The admin key of this text.
    pub fn new(key: &str) -> Self {
        Self(crypto::sha256_hex(key.as_bytes()).into())
    }

    /// `OPSKNIGHT_ADMIN_KEY`, else the secret that `ADMIN_KEY_SECRET_ARN` names.
    ///
    /// # Errors
    /// See [`AdminKeyError`].
    pub async fn from_env(sdk: &aws_config::SdkConfig) -> Result<Self, AdminKeyError> {
        if let Some(key) = config::optional("OPSKNIGHT_ADMIN_KEY") {
            return Ok(Self::new(key.trim()));
        }
        let arn = config::required("ADMIN_KEY_SECRET_ARN")?;
        let secret = aws_sdk_secretsmanager::Client::new(sdk)
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(|error| {
                AdminKeyError::Secret(
                    aws_sdk_secretsmanager::error::DisplayErrorContext(&error).to_string(),
                )
            })?;
        match secret.secret_string() {
            Some(key) if !key.trim().is_empty() => Ok(Self::new(key.trim())),
            _ => Err(AdminKeyError::Secret("the secret is empty".to_owned())),
        }
    }

    /// A key for another purpose: only who has the admin key can make it, and
    /// it changes with it.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        crypto::hmac_sha256(self.0.as_bytes(), purpose.as_bytes())
    }

    fn is(&self, token: &str) -> bool {
        crypto::same_secret(
            crypto::sha256_hex(token.as_bytes()).as_bytes(),
            self.0.as_bytes(),
        )
    }
}

/// An authenticated caller of the management API.
#[derive(Debug, Clone)]
pub struct Caller {
    actor: Actor,
}

impl Caller {
    /// The caller as timelines name it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

impl<S> FromRequestParts<S> for Caller
where
    AdminKey: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            None => Err(ApiError::unauthorized(
                "missing_credential",
                "send Authorization: Bearer with an API key",
            )),
            Some(token) if AdminKey::from_ref(state).is(token) => Ok(Self {
                actor: Actor {
                    kind: ActorKind::Api,
                    id: None,
                    name: "admin".to_owned(),
                },
            }),
            Some(_) => Err(ApiError::unauthorized(
                "invalid_credential",
                "the API key is not valid",
            )),
        }
    }
}
