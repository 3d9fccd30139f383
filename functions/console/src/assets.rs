//! Style, script and icon. Their addresses carry a digest, so that browsers
//! keep them for ever and ask for a new version at once.

use std::sync::LazyLock;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use common::crypto;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::App;

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console.css",
        "text/css; charset=utf-8",
        include_str!("../assets/console.css"),
    )
});
/// The script; every page works without it.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console.js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/console.js"),
    )
});
/// The icon.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon.svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    )
});

/// A file of the console.
#[derive(Debug)]
pub(crate) struct Asset {
    content_type: &'static str,
    content: &'static str,
    address: String,
}

impl Asset {
    fn new(name: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = crypto::sha256_hex(content.as_bytes());
        let version = digest.get(..12).unwrap_or_default();
        Self {
            content_type,
            content,
            address: format!("/assets/{name}?v={version}"),
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn answer(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.content_type),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, self.content).into_response()
    }
}

/// Their routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/console.css", get(async || STYLE.answer()))
        .route("/console.js", get(async || SCRIPT.answer()))
        .route("/icon.svg", get(async || ICON.answer()))
}
