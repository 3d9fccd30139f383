//! Errors as callers see them (API.md, "Errors"). What went wrong inside is
//! logged where it is turned into one of these, and never shown.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use crate::{limits, store::StoreError};

/// How long an overloaded sender or caller is asked to wait.
pub const OVERLOAD_PAUSE: Duration = Duration::from_secs(5);

/// An error answer.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<Detail>,
    headers: Vec<(HeaderName, HeaderValue)>,
    challenge: &'static str,
}

/// What is wrong with one field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ErrorDetail)]
pub struct Detail {
    /// Where (`events[0]`).
    pub path: String,
    /// What.
    pub message: String,
}

/// The body of every error.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Error)]
pub(crate) struct Written<'a> {
    /// A sentence for a person.
    error: &'a str,
    /// A word for a program.
    code: &'a str,
    /// What is wrong, field by field; with `validation_failed` only.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [Detail],
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
            challenge: "Bearer",
        }
    }

    /// 400: malformed or invalid.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 with what is wrong, field by field, as far as a person reads it.
    pub fn invalid(mut details: Vec<Detail>) -> Self {
        let told = limits::PROBLEMS_TOLD;
        let message = match details.as_slice() {
            [one] => format!("{}: {}", one.path, one.message),
            many if many.len() > told => {
                format!(
                    "{} fields are not valid; the first {told} of them are told",
                    many.len()
                )
            }
            many => format!("{} fields are not valid", many.len()),
        };
        details.truncate(told);
        Self {
            details,
            ..Self::bad_request("validation_failed", message)
        }
    }

    /// 401: missing or wrong credential or signature.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// Asks for Basic as well: SNS sends the password of its endpoint URL only
    /// after such a challenge. Not for the console's API, where a browser would
    /// ask its user for one.
    #[must_use]
    pub fn asking_for_basic(self) -> Self {
        Self {
            challenge: "Basic realm=\"OpsKnight\", Bearer",
            ..self
        }
    }

    /// 403: valid credential without the right, or a disabled integration.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: unknown id or route.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "the method is not allowed here",
        )
    }

    /// 409.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 412: `If-Match` names another version.
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", message)
    }

    /// 413.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {} MiB", limit / (1024 * 1024));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// 415.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the Content-Type must be application/json",
        )
    }

    /// The status that makes this sender come back, with `Retry-After`.
    pub fn overloaded(status: StatusCode) -> Self {
        let mut error = Self::new(
            status,
            "overloaded",
            "the request could not be stored; try again",
        );
        let seconds = HeaderValue::from(OVERLOAD_PAUSE.as_secs());
        error.headers.push((RETRY_AFTER, seconds));
        error
    }

    /// The status that makes this sender come back, because its integration
    /// or key has used up its requests of this minute; `headers` say until when.
    pub fn rate_limited(status: StatusCode, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let message = "the integration or key has used up its requests of this minute";
        Self {
            headers,
            ..Self::new(status, "rate_limited", message)
        }
    }

    /// 500: the reason goes to the log, not to the caller.
    pub fn internal(reason: &str) -> Self {
        tracing::error!(reason, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "something went wrong on our side",
        )
    }

    /// The answer's status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The word for a program.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong, field by field.
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// The answer; rejections leave a trace at debug level.
    pub fn into_response_logged(self) -> Response {
        tracing::debug!(status = self.status.as_u16(), code = self.code, "rejected");
        self.into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Conflict => Self::conflict(
                "changed_meanwhile",
                "somebody else changed it; read it again",
            ),
            StoreError::Unavailable(_) => Self::overloaded(StatusCode::SERVICE_UNAVAILABLE),
            StoreError::Refused(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "something went wrong on our side",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let written = Written {
            error: &self.message,
            code: self.code,
            details: &self.details,
        };
        // Texts only: nothing in it can fail to serialise.
        let bytes = serde_json::to_vec(&written).unwrap_or_default();
        let mut response =
            (self.status, [("content-type", "application/json")], bytes).into_response();
        response.headers_mut().extend(self.headers);
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        response
    }
}
