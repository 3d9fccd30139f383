//! The console: pages for people in front of the management API.
//!
//! It knows none of the API's rules. Every page is made of the API's answers
//! to calls within the process, and every form becomes the body of such a call
//! ([`api`]), made with the key of the person who is logged in ([`session`]).

mod api;
mod assets;
mod audit;
mod browser;
mod form;
mod incidents;
mod input;
mod integrations;
mod keys;
mod layout;
mod queue;
mod seal;
mod services;
mod session;
mod show;
mod webhooks;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use common::http::{auth::AdminKey, finish};

use crate::{layout::Page, seal::Seal};

/// Every path with pages, and whether there are more below it; the template's
/// routes are checked against it.
pub const PATHS: &[(&str, bool)] = &[
    ("/", false),
    ("/login", false),
    ("/logout", false),
    ("/incidents", true),
    ("/services", true),
    ("/webhooks", true),
    ("/queue", true),
    ("/keys", true),
    ("/audit", false),
    ("/assets", true),
];

/// What the pages work with.
#[derive(Debug, Clone)]
pub struct App {
    api: Router,
    seal: Seal,
}

impl App {
    /// The console in front of these. Sessions are sealed with what is derived
    /// from the admin key.
    pub fn new(incidents: ::incidents::App, settings: ::settings::App, admin: &AdminKey) -> Self {
        let api = ::incidents::routes(incidents).merge(::settings::routes(settings));
        Self {
            api: finish(api),
            seal: Seal::new(&admin.derived("console session")),
        }
    }
}

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/", get(incidents::home))
        .route("/login", get(session::form).post(session::log_in))
        .route("/logout", action(session::log_out))
        .nest("/incidents", incidents::routes().fallback(unknown))
        .nest("/services", services::routes().fallback(unknown))
        .nest("/webhooks", webhooks::routes().fallback(unknown))
        .nest("/queue", queue::routes().fallback(unknown))
        .nest("/keys", keys::routes().fallback(unknown))
        .route("/audit", get(audit::page))
        .nest("/assets", assets::routes().fallback(unknown))
        .with_state(app)
        .layer(axum::middleware::from_fn(browser::refuse_foreign_forms))
        .layer(axum::middleware::map_response(browser::protect))
}

/// The function's application.
pub fn router(app: App) -> Router {
    finish(routes(app))
}

/// A path that only takes forms. Who opens it as a page, by going back to what
/// a form answered, gets to the page that the form was on.
fn action<H, T>(handler: H) -> MethodRouter<App>
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    axum::routing::post(handler).get(to_parent)
}

async fn to_parent(uri: axum::extract::OriginalUri) -> Response {
    let parent = uri
        .path()
        .rsplit_once('/')
        .map_or("/", |(parent, _)| parent);
    Redirect::to(if parent.is_empty() { "/" } else { parent }).into_response()
}

async fn unknown(_: Request) -> Page {
    layout::missing("There is no such page.")
}
