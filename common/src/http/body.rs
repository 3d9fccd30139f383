//! Bodies, read up to a limit.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::ApiError;
use crate::limits;

/// The whole body. One over the limit is still read to its end (up to
/// [`limits::DISCARDED_BODY_BYTES`]): a sender that is cut off while sending
/// sees a broken connection instead of the 413.
///
/// # Errors
/// 413 over the limit, 400 where the connection breaks.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| ApiError::bad_request("incomplete_body", "the body ended too early"))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length > limits::DISCARDED_BODY_BYTES {
            break;
        }
        if length <= limit {
            kept.extend_from_slice(data);
        }
    }
    if length > limit {
        Err(ApiError::too_large(limit))
    } else {
        Ok(kept.freeze())
    }
}

/// The body of a management request as JSON; an empty one is an empty object.
///
/// # Errors
/// 415 for another type, 413, or 400 where it is not JSON.
pub async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value, ApiError> {
    let bytes = read(body, limits::API_BODY_BYTES).await?;
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let is_json = headers.get(CONTENT_TYPE).is_none_or(|value| {
        let kind = value
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    if !is_json {
        return Err(ApiError::unsupported_media_type());
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::bad_request(
            "invalid_json",
            format!("the body is not valid JSON: {error}"),
        )
    })
}
