//! What wraps every router: request ids, JSON for unknown routes and methods,
//! and panics that end one request only.

use std::sync::OnceLock;

use axum::{Router, extract::Request, middleware::Next, response::Response};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::request::RequestContext;
use percent_encoding::percent_decode_str;
use tower_http::catch_panic::CatchPanicLayer;

use super::ApiError;
use crate::{
    config,
    id::RequestId,
    limits,
    telemetry::{self, Metric},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The finished application of a function.
pub fn finish(router: Router) -> Router {
    router
        .fallback(|| async { ApiError::not_found("there is no such route") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(refuse_unreadable_path))
        .layer(axum::middleware::from_fn(with_request_id))
}

/// No identifier is in a path that is no text; the router would answer it with
/// plain text.
async fn refuse_unreadable_path(request: Request, next: Next) -> Response {
    let path = percent_decode_str(request.uri().path());
    if path.decode_utf8().is_err() {
        return ApiError::not_found("there is no such route").into_response_logged();
    }
    next.run(request).await
}

async fn with_request_id(request: Request, next: Next) -> Response {
    let id = request_id(request.headers(), gateway_id(request.extensions()));
    let answering = async {
        let mut response = next.run(request).await;
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        tell(response.status(), &id);
        response
    };
    telemetry::correlated(Some(&id), telemetry::work("request", answering)).await
}

fn tell(status: StatusCode, id: &str) {
    if status.is_server_error() {
        telemetry::count(Metric::RequestsFailed, 1);
        telemetry::count_by(Metric::RequestsFailed, "Function", function(), 1);
        let status = status.as_u16();
        tracing::warn!(correlation_id = id, status, "answered with a server error");
    } else if status.is_client_error() {
        telemetry::count_by(Metric::RequestsRejected, "Function", function(), 1);
        telemetry::count_by(Metric::RequestsRejected, "Status", status.as_str(), 1);
    }
}

/// The function that runs here; all of them in one process are `local`.
fn function() -> &'static str {
    static FUNCTION: OnceLock<String> = OnceLock::new();
    FUNCTION.get_or_init(|| {
        config::optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned())
    })
}

/// The id that API Gateway gave the request and wrote to its access log.
fn gateway_id(extensions: &Extensions) -> Option<&str> {
    match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

/// What a request and all that comes of it is traced back to: the id that its
/// sender gave it, else API Gateway's, else the root of its trace, else a new
/// one. Any sender may choose it: it identifies nothing but
/// lines of logs.
fn request_id(headers: &HeaderMap, gateway_id: Option<&str>) -> String {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    let given = text(&REQUEST_ID).filter(|id| is_plain(id));
    let root = || {
        let mut parts = text(&TRACE_ID)?.split(';');
        let root = parts.find_map(|part| part.trim().strip_prefix("Root="))?;
        Some(root).filter(|root| is_plain(root))
    };
    given
        .or(gateway_id.filter(|id| is_plain(id)))
        .or_else(root)
        .map_or_else(|| RequestId::generate().to_string(), str::to_owned)
}

/// Nothing that a log, a header or a page could misread.
fn is_plain(id: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=');
    (8..=limits::CORRELATION_ID_BYTES).contains(&id.len()) && id.bytes().all(is_plain)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_the_id_that_it_comes_with() {
        let id_of = |headers: &[(&HeaderName, &str)]| {
            let headers = headers.iter().map(|(name, value)| {
                let value = HeaderValue::from_str(value).unwrap();
                ((*name).clone(), value)
            });
            request_id(&headers.collect(), None)
        };
        let trace = "Self=1-1; Root=1-67891233-abcdef012345678912345678;Sampled=0";
        let root = "1-67891233-abcdef012345678912345678";
        assert_eq!(id_of(&[(&REQUEST_ID, "order.1234_5-6")]), "order.1234_5-6");
        assert_eq!(id_of(&[(&TRACE_ID, trace)]), root);
        let gateway = Some("JKJaXmPLvHcESHA=");
        assert_eq!(request_id(&HeaderMap::new(), gateway), "JKJaXmPLvHcESHA=");
        let too_long = "x".repeat(limits::CORRELATION_ID_BYTES + 1);
        for bad in [
            "",
            "short",
            "with space",
            "<script>alert",
            "a,b,c,d,e,f",
            &too_long,
        ] {
            assert_eq!(id_of(&[(&REQUEST_ID, bad), (&TRACE_ID, trace)]), root);
            let made = id_of(&[(&REQUEST_ID, bad), (&TRACE_ID, "Root=")]);
            assert!(made.starts_with("req_"), "{made}");
        }
    }
}
