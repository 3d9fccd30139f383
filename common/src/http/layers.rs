//! What wraps every router: request ids, JSON for unknown routes and methods,
//! and panics that end one request only.

use axum::{Router, extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;

use super::ApiError;
use crate::id::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The finished application of a function.
pub fn finish(router: Router) -> Router {
    router
        .fallback(|| async { ApiError::not_found("there is no such route") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(with_request_id))
}

async fn with_request_id(request: Request, next: Next) -> Response {
    let id = RequestId::generate().to_string();
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if response.status().is_server_error() {
        tracing::warn!(
            request.id = id,
            status = response.status().as_u16(),
            "answered with a server error"
        );
    }
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let reason = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    ApiError::internal(&format!("panic: {reason}")).into_response_logged()
}
