//! What the API answered.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::failure::{Failure, Kind};

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    /// `null` where it is no JSON.
    pub body: Value,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, bytes: Bytes) -> Self {
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            bytes,
            body,
        }
    }

    /// Why it is none that was asked for; `None` where it is.
    pub(crate) fn failure(&self) -> Option<Failure> {
        if self.status.is_success() {
            let is_ours = self.bytes.is_empty() || !self.body.is_null();
            return (!is_ours).then(|| {
                Failure::failed("the answer is not one of this API; is --url a deployment of it?")
            });
        }
        let kind = match self.status.as_u16() {
            401 | 403 => Kind::Unauthorised,
            404 => Kind::NotFound,
            429 | 503 => Kind::Unavailable,
            _ => Kind::Failed,
        };
        if self.status.is_redirection() {
            return Some(Failure::new(kind, self.redirection()));
        }
        // API Gateway's own answers say `message`.
        let said = self.body["error"]
            .as_str()
            .or(self.body["message"].as_str());
        let message = match said {
            Some(said) => said.to_owned(),
            None => format!("the server answered {}", self.status),
        };
        let details = self.body["details"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = details
            .map(|detail| (text(&detail["path"]), text(&detail["message"])))
            .collect();
        Some(Failure::new(kind, message).with_details(details))
    }

    fn redirection(&self) -> String {
        let location = self.headers.get(http::header::LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        format!(
            "the server redirects to {}; give --url where it really is",
            location.unwrap_or("nowhere")
        )
    }
}
