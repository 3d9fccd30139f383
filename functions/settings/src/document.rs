//! The OpenAPI document. It is generated from every function's handlers and
//! committed, so that serving it costs nothing: a test of `infra/local` fails
//! where it is not what the handlers say.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use common::crypto;
use http::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};

const DOCUMENT: &str = include_str!("../openapi.json");

static TAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", &crypto::sha256_hex(DOCUMENT.as_bytes())[..32]));

/// This document
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "readDocument",
    tag = "Service",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer.")),
    security(()),
    responses(
        (status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object,
            headers(("ETag" = String, description = "Changes when the document does."), ("Cache-Control" = String))),
        (status = 304, description = "It has not changed.", headers(("ETag" = String), ("Cache-Control" = String))),
    )
)]
pub(crate) async fn read(headers: HeaderMap) -> Response {
    let kept = [(ETAG, TAG.as_str()), (CACHE_CONTROL, "public, max-age=300")];
    let asked = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    if asked.is_some_and(|tags| tags.split(',').any(|tag| is_current(tag.trim()))) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [(CONTENT_TYPE, "application/json")];
    (kept, kind, DOCUMENT).into_response()
}

fn is_current(tag: &str) -> bool {
    tag == "*" || tag.trim_start_matches("W/") == *TAG
}
