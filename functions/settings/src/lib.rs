//! Services, integrations, webhooks, deliveries and health.

mod deliveries;
mod delivery_queue;
mod formats;
mod health;
mod integrations;
mod portability;
mod recovery;
mod secrets;
mod services;
mod trial;
mod webhook_fields;
mod webhook_health;
mod webhooks;

use axum::{
    Router,
    extract::FromRef,
    routing::{get, post},
};
use common::{
    http::{auth::AdminKey, finish},
    outbound::{Guard, Outbound},
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
    /// Where the deployment is reached (`https://alerts.example.com`); the
    /// request's host where it is not set.
    pub public_url: Option<String>,
}

impl FromRef<App> for AdminKey {
    fn from_ref(app: &App) -> Self {
        app.admin.clone()
    }
}

const WEBHOOKS: &str = "/api/status-page/webhooks";

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/api/health", get(health::read))
        .route("/api/services", get(services::list).post(services::create))
        .route(
            "/api/services/{id}",
            get(services::read)
                .patch(services::change)
                .delete(services::delete),
        )
        .route(
            "/api/services/{id}/integrations",
            get(integrations::list).post(integrations::create),
        )
        .route(
            "/api/services/{id}/integrations/{integration}",
            get(integrations::read)
                .patch(integrations::change)
                .delete(integrations::delete),
        )
        .route(
            "/api/services/{id}/integrations/{integration}/rotate-key",
            post(integrations::rotate_key),
        )
        .route(
            "/api/services/{id}/integrations/{integration}/requests",
            get(integrations::requests),
        )
        .route(WEBHOOKS, get(webhooks::list).post(webhooks::create))
        .route(&format!("{WEBHOOKS}/preview"), post(formats::preview))
        .route(
            &format!("{WEBHOOKS}/{{id}}"),
            get(webhooks::read)
                .patch(webhooks::change)
                .delete(webhooks::delete),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/timeline"),
            get(webhook_health::timeline),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/rotate-secret"),
            post(secrets::rotate),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/deliveries"),
            get(deliveries::list),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/deliveries/{{delivery}}"),
            get(deliveries::read),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/deliveries/{{delivery}}/redeliver"),
            post(recovery::redeliver),
        )
        .route(
            &format!("{WEBHOOKS}/{{id}}/recover"),
            post(recovery::recover),
        )
        .route(&format!("{WEBHOOKS}/{{id}}/test"), post(trial::run))
        .route("/api/export", get(portability::export))
        .route("/api/import", post(portability::import))
        .route("/api/delivery-queue", get(delivery_queue::queue))
        .route("/api/delivery-queue/redrive", post(delivery_queue::redrive))
        .with_state(app)
}

/// The function's application.
pub fn router(app: App) -> Router {
    finish(routes(app))
}
