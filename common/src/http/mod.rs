//! What every HTTP function shares: error answers, bodies, credentials of the
//! management API, the caller's address, validation, cursors.

pub mod address;
pub mod auth;
pub mod body;
pub mod cursor;
mod error;
pub mod fields;
mod layers;
pub mod page;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

pub(crate) use error::Written as ErrorBody;
pub use error::{ApiError, Detail, OVERLOAD_PAUSE};
pub use layers::finish;

/// An answer with a JSON body.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => {
            ApiError::internal(&format!("an answer does not serialise: {error}")).into_response()
        }
    }
}
