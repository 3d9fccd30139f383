//! The incidents of the management API: list, open, read, change.

mod handlers;
mod patch;
mod view;

use axum::{Router, extract::FromRef, routing::get};
use common::{
    http::{auth::AdminKey, finish},
    incidents::Incidents,
    store::Store,
};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct App {
    incidents: Incidents,
    admin: AdminKey,
}

impl App {
    /// The incidents of this store, for callers with this key.
    pub fn new(store: Store, admin: AdminKey) -> Self {
        Self {
            incidents: Incidents::new(store),
            admin,
        }
    }
}

impl FromRef<App> for AdminKey {
    fn from_ref(app: &App) -> Self {
        app.admin.clone()
    }
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.incidents.store().clone()
    }
}

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/api/incidents", get(handlers::list).post(handlers::create))
        .route(
            "/api/incidents/{id}",
            get(handlers::read).patch(handlers::change),
        )
        .route("/api/incidents/{id}/timeline", get(handlers::timeline))
        .route("/api/incidents/{id}/alerts", get(handlers::alerts))
        .with_state(app)
}

/// The function's application.
pub fn router(app: App) -> Router {
    finish(routes(app))
}
