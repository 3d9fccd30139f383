//! The incidents of the management API: list, open, read, change.

mod bodies;
mod handlers;
mod patch;
mod view;

use axum::{Router, extract::FromRef};
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

common::documented_routes! {
    App;
    "/api/incidents" { get: handlers::list, post: handlers::create }
    "/api/incidents/{id}" { get: handlers::read, patch: handlers::change }
    "/api/incidents/{id}/timeline" { get: handlers::timeline }
    "/api/incidents/{id}/alerts" { get: handlers::alerts }
}

/// The function's application.
pub fn router(app: App) -> Router {
    finish(routes(app))
}
