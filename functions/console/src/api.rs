//! The management API, called within the process with the key of the person
//! who is logged in: its validation, scopes, audit and preconditions are the
//! only ones there are.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Request},
    response::Response,
};
use common::limits;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, IF_MATCH},
    request::Parts,
};
use lambda_http::request::RequestContext;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{App, session};

/// Webhooks in the API.
pub(crate) const WEBHOOKS: &str = "/api/status-page/webhooks";

/// Pages of a list that are read for one page of the console.
const PAGES_READ: usize = 5;
/// The largest page of the API's lists.
const PAGE: &str = "100";

/// What the API is told of the browser's request: where it was sent, which
/// intake addresses are made of.
const CARRIED: [HeaderName; 2] = [HOST, HeaderName::from_static("x-forwarded-proto")];

/// The API as one person may use it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    router: Router,
    headers: HeaderMap,
    /// Whom the request came from.
    caller: Extensions,
}

/// An answer of the API that is no success.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub code: String,
    /// The sentence for a person.
    pub message: String,
    /// What is wrong with which field.
    pub details: Vec<(String, String)>,
}

impl Api {
    /// The API for this key; `None` where it can be no key.
    pub(crate) fn new(app: &App, parts: &Parts, token: &str) -> Option<Self> {
        let mut headers: HeaderMap = CARRIED
            .iter()
            .filter_map(|name| Some((name.clone(), parts.headers.get(name)?.clone())))
            .collect();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Some(Self {
            router: app.api.clone(),
            headers,
            caller: caller(&parts.extensions),
        })
    }

    /// A GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Problem> {
        self.call(Method::GET, path, Value::Null, None).await
    }

    /// The entries of a list from its beginning, some pages of it, and whether
    /// there may be more. A page of the API may be short or empty although more
    /// follows, because its work is bounded.
    pub(crate) async fn entries(
        &self,
        path: &str,
        name: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(Vec<Value>, bool), Problem> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        for _ in 0..PAGES_READ {
            let mut parameters = parameters.to_vec();
            parameters.extend([("limit", PAGE), ("cursor", &cursor)]);
            let mut page = self.get(&with_query(path, &parameters)).await?;
            if let Value::Array(found) = page[name].take() {
                entries.extend(found);
            }
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok((entries, false)),
            }
        }
        Ok((entries, true))
    }

    /// A POST.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Value, Problem> {
        self.call(Method::POST, path, body, None).await
    }

    /// A PATCH.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<Value, Problem> {
        self.call(Method::PATCH, path, body, None).await
    }

    /// A PATCH of the version that the person saw.
    pub(crate) async fn patch_version(
        &self,
        path: &str,
        version: &str,
        body: Value,
    ) -> Result<Value, Problem> {
        self.call(Method::PATCH, path, body, Some(version)).await
    }

    /// A DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Problem> {
        self.call(Method::DELETE, path, Value::Null, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Value,
        version: Option<&str>,
    ) -> Result<Value, Problem> {
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let mut request = Request::builder().method(method).uri(path);
        if let Some(version) = version {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        let mut request = request
            .body(body)
            .map_err(|error| Problem::inside(&error.to_string()))?;
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().extend(self.caller.clone());
        match self.router.clone().oneshot(request).await {
            Ok(response) => read(response).await,
            Err(never) => match never {},
        }
    }
}

impl FromRequestParts<App> for Api {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        session::token(app, parts)
            .and_then(|token| Self::new(app, parts, &token))
            .ok_or_else(|| session::missing(parts))
    }
}

/// What tells the address of a caller, on Lambda and on one machine. Not all
/// extensions: what the console's own routes left there would confuse the API's.
fn caller(request: &Extensions) -> Extensions {
    let mut caller = Extensions::new();
    if let Some(context) = request.get::<RequestContext>() {
        caller.insert(context.clone());
    }
    if let Some(address) = request.get::<ConnectInfo<SocketAddr>>() {
        caller.insert(*address);
    }
    caller
}

async fn read(response: Response) -> Result<Value, Problem> {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), limits::DISCARDED_BODY_BYTES)
        .await
        .map_err(|error| Problem::inside(&error.to_string()))?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = body["details"].as_array().into_iter().flatten();
    Err(Problem {
        status,
        code: text(&body["code"]),
        message: text(&body["error"]),
        details: details
            .map(|detail| (text(&detail["path"]), text(&detail["message"])))
            .collect(),
    })
}

impl Problem {
    /// A problem that the console itself finds.
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            code: String::new(),
            message: message.to_owned(),
            details: Vec::new(),
        }
    }

    fn inside(reason: &str) -> Self {
        tracing::error!(reason, "a call within the console failed");
        let message = "something went wrong on our side";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Whether it is the caller's key that may not do this.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }
}

/// Text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, &SEGMENT).to_string()
}

/// Everything but what identifiers are made of.
const SEGMENT: percent_encoding::AsciiSet = NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// `path` with those parameters that say something.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_browser_stays_one_segment() {
        assert_eq!(segment("inc_01ABC"), "inc_01ABC");
        assert_eq!(segment("../a?b#c/d e"), "%2E%2E%2Fa%3Fb%23c%2Fd%20e");
    }

    #[test]
    fn empty_parameters_are_left_out() {
        let path = with_query(
            "/api/x",
            &[("status", "OPEN"), ("cursor", ""), ("q", "a&b")],
        );
        assert_eq!(path, "/api/x?status=OPEN&q=a%26b");
        assert_eq!(with_query("/api/x", &[("cursor", "")]), "/api/x");
    }
}
