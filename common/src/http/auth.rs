//! Who calls the management API, and what they may. The admin key of the
//! deployment has every scope; an API key has those that it was made with.
//!
//! A handler says what it needs in its signature: `_: Caller<SettingsRead>`.

use std::{marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequestParts};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

use super::{ApiError, address, cursor::CursorKey};
use crate::{
    api_key::{ApiKey, Scope},
    config::{self, ConfigError},
    crypto,
    event::{Actor, ActorKind},
    limits,
    store::{Store, StoreError},
    time::Timestamp,
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

    /// What this deployment makes its cursors with. Derived from the admin key,
    /// because every function that answers lists has that secret anyway, and
    /// nobody else: no second one to make, keep and rotate. With another admin
    /// key the cursors that callers hold are void.
    pub fn cursor_key(&self) -> CursorKey {
        CursorKey::derived_from(self.0.as_bytes())
    }

    fn is(&self, token: &str) -> bool {
        crypto::same_secret(
            crypto::sha256_hex(token.as_bytes()).as_bytes(),
            self.0.as_bytes(),
        )
    }
}

/// A scope as a type, so that a handler's signature says what it needs.
pub trait Needs {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident)*) => {$(
        #[doc = concat!("[`Scope::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scopes! { IncidentsRead IncidentsWrite SettingsRead SettingsWrite }

/// An authenticated caller of the management API that has the scope `S`: a
/// handler that takes one needs that scope.
#[derive(Debug, Clone)]
pub struct Caller<S> {
    identity: Identity,
    needs: PhantomData<S>,
}

impl<S> Caller<S> {
    /// The caller as timelines and the audit log name it.
    pub fn actor(&self) -> &Actor {
        &self.identity.actor
    }

    /// Whether the caller has another scope as well.
    pub fn has(&self, scope: Scope) -> bool {
        self.identity.has(scope)
    }

    /// When the caller's key ends.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.identity.expires_at
    }
}

impl<S, N> FromRequestParts<S> for Caller<N>
where
    AdminKey: FromRef<S>,
    Store: FromRef<S>,
    S: Send + Sync,
    N: Needs,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(|| {
            ApiError::unauthorized(
                "missing_credential",
                "send Authorization: Bearer with an API key",
            )
        })?;
        let admin = AdminKey::from_ref(state);
        let mut identity = if admin.is(token) {
            Identity::admin()
        } else {
            let key = api_key(&Store::from_ref(state), token, Timestamp::now()).await?;
            Identity::of_key(&key)
        };
        identity.actor.address = address::of(&parts.extensions);
        identity.must_have(N::SCOPE)?;
        Ok(Self {
            identity,
            needs: PhantomData,
        })
    }
}

/// Who calls, and what they may.
#[derive(Debug, Clone)]
struct Identity {
    actor: Actor,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
}

impl Identity {
    fn admin() -> Self {
        Self {
            actor: Actor {
                kind: ActorKind::Api,
                id: None,
                name: "admin".to_owned(),
                address: None,
            },
            scopes: Scope::ALL.to_vec(),
            expires_at: None,
        }
    }

    fn of_key(key: &ApiKey) -> Self {
        Self {
            actor: key.actor(),
            scopes: key.scopes.clone(),
            expires_at: key.expires_at,
        }
    }

    fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    fn must_have(&self, scope: Scope) -> Result<(), ApiError> {
        if self.has(scope) {
            Ok(())
        } else {
            Err(missing_scope(scope))
        }
    }
}

/// The refusal of a valid key without this scope.
pub fn missing_scope(scope: Scope) -> ApiError {
    let message = format!("this needs an API key with the scope {}", scope.as_str());
    ApiError::forbidden("missing_scope", message)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The API key that this token belongs to, and a note that it was used.
///
/// # Errors
/// 401 where there is none, or its time is over; 503 where the table does not
/// answer.
pub async fn api_key(store: &Store, token: &str, now: Timestamp) -> Result<ApiKey, ApiError> {
    let invalid = || ApiError::unauthorized("invalid_credential", "the API key is not valid");
    if !token.starts_with("ok_") || token.len() > limits::API_TOKEN_BYTES {
        return Err(invalid());
    }
    let hash = crypto::sha256_hex(token.as_bytes());
    let key = store.api_key_by_hash(&hash).await?.ok_or_else(invalid)?;
    if key.is_expired(now) {
        return Err(ApiError::unauthorized(
            "invalid_credential",
            "the API key has expired",
        ));
    }
    note_use(store, &key, &hash, now).await;
    Ok(key)
}

/// Notes that a key was used, at most once in [`limits::KEY_USE_STEP`]. The
/// request does not depend on it.
async fn note_use(store: &Store, key: &ApiKey, hash: &str, now: Timestamp) {
    let is_noted = |at: Timestamp| now.since(at) < limits::KEY_USE_STEP;
    if key.last_used_at.is_some_and(is_noted) {
        return;
    }
    let write = store.note_api_key_use(key, hash, now);
    match tokio::time::timeout(limits::KEY_USE_TIMEOUT, write).await {
        // Another request of the same moment has noted it.
        Ok(Ok(()) | Err(StoreError::Conflict)) => {}
        Ok(Err(error)) => {
            tracing::warn!(key.id = %key.id, %error, "the use of a key was not noted")
        }
        Err(_) => tracing::warn!(key.id = %key.id, "the use of a key was not noted in time"),
    }
}
