//! Services, integrations, webhooks, deliveries, API keys, the audit log and health.

mod api_keys;
mod audit;
mod bodies;
mod deliveries;
mod delivery_queue;
mod document;
mod formats;
mod health;
mod integration_fields;
mod integrations;
mod portability;
mod readiness;
mod recovery;
mod secrets;
mod service_fields;
mod services;
mod trial;
mod webhook_fields;
mod webhook_health;
mod webhooks;

pub use readiness::Readiness;

use axum::{Router, extract::FromRef};
use common::{
    config::{self, ConfigError},
    http::{
        auth::{AdminKey, AdminKeyError},
        finish,
    },
    outbound::{Guard, Outbound, OutboundError},
    queue::Queue,
    store::Store,
};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    /// The table.
    pub store: Store,
    /// The delivery queue.
    pub queue: Queue,
    /// The dead-letter queue.
    pub dead_letters: Queue,
    /// Which receivers may be named.
    pub guard: Guard,
    /// What tests are sent with.
    pub outbound: Outbound,
    /// Who may call.
    pub admin: AdminKey,
    /// When it is not ready.
    pub readiness: Readiness,
    /// Where the deployment is reached (`https://alerts.example.com`); the
    /// request's host where it is not set.
    pub public_url: Option<String>,
}

/// Why the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is missing or unreadable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Client(#[from] OutboundError),
    /// The admin key could not be had.
    #[error(transparent)]
    AdminKey(#[from] AdminKeyError),
}

impl App {
    /// What the environment says.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn from_env(sdk: &aws_config::SdkConfig) -> Result<Self, StartError> {
        let guard = Guard::from_env()?;
        Ok(Self {
            store: Store::from_env(sdk).await?,
            queue: Queue::from_env(sdk, "DELIVERIES_QUEUE_URL").await?,
            dead_letters: Queue::from_env(sdk, "DEAD_LETTER_QUEUE_URL").await?,
            guard: guard.clone(),
            outbound: Outbound::new(guard)?,
            admin: AdminKey::from_env(sdk).await?,
            readiness: Readiness::default(),
            public_url: config::optional("PUBLIC_URL"),
        })
    }
}

impl FromRef<App> for AdminKey {
    fn from_ref(app: &App) -> Self {
        app.admin.clone()
    }
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.store.clone()
    }
}

common::documented_routes! {
    App;
    "/api/health" { get: health::read }
    "/api/services" { get: services::list, post: services::create }
    "/api/services/{id}" {
        get: services::read, patch: services::change, delete: services::delete,
    }
    "/api/services/{id}/integrations" { get: integrations::list, post: integrations::create }
    "/api/services/{id}/integrations/{integration}" {
        get: integrations::read, patch: integrations::change, delete: integrations::delete,
    }
    "/api/services/{id}/integrations/{integration}/rotate-key" { post: integrations::rotate_key }
    "/api/services/{id}/integrations/{integration}/requests" { get: integrations::requests }
    "/api/status-page/webhooks" { get: webhooks::list, post: webhooks::create }
    "/api/status-page/webhooks/preview" { post: formats::preview }
    "/api/status-page/webhooks/{id}" {
        get: webhooks::read, patch: webhooks::change, delete: webhooks::delete,
    }
    "/api/status-page/webhooks/{id}/timeline" { get: webhook_health::timeline }
    "/api/status-page/webhooks/{id}/rotate-secret" { post: secrets::rotate }
    "/api/status-page/webhooks/{id}/deliveries" { get: deliveries::list }
    "/api/status-page/webhooks/{id}/deliveries/{delivery}" { get: deliveries::read }
    "/api/status-page/webhooks/{id}/deliveries/{delivery}/redeliver" { post: recovery::redeliver }
    "/api/status-page/webhooks/{id}/recover" { post: recovery::recover }
    "/api/status-page/webhooks/{id}/test" { post: trial::run }
    "/api/delivery-queue" { get: delivery_queue::queue }
    "/api/delivery-queue/redrive" { post: delivery_queue::redrive }
    "/api/api-keys" { get: api_keys::list, post: api_keys::create }
    "/api/api-keys/{id}" { get: api_keys::read, delete: api_keys::delete }
    "/api/audit" { get: audit::list }
    "/api/export" { get: portability::export::export }
    "/api/import" { post: portability::import::import }
    "/api/openapi.json" { get: document::read }
}

/// The function's application.
pub fn router(app: App) -> Router {
    finish(routes(app))
}
