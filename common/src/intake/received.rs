//! A received request, whole, with the raw bytes that signatures are over.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

/// A body that cannot be read at all: answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// Unreadable for this reason, as a sentence for a person.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its decoded query, in order.
    pub query: Vec<(String, String)>,
    /// The whole address as its sender knows it, where the deployment knows
    /// its own; never made from `Host`, which the sender chooses.
    pub url: Option<String>,
    /// The network address that it came from.
    pub address: Option<IpAddr>,
    /// Its body, byte for byte.
    pub body: Bytes,
}

impl Received {
    /// A header's text; absent where it is no text. Of repeated headers, the first.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The first query parameter of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the body is JSON by its first character; its type is not to be
    /// trusted (`vendors/README.md`, rule 4).
    pub fn looks_like_json(&self) -> bool {
        let first = self
            .text_bytes()
            .iter()
            .find(|byte| !byte.is_ascii_whitespace());
        matches!(first, Some(b'{' | b'['))
    }

    /// The decoded fields of a form body, in order.
    pub fn form_fields(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.text_bytes())
            .into_owned()
            .collect()
    }

    /// Whether its type says that the body is a form.
    pub fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    }

    /// The body as JSON: an object or a list.
    ///
    /// # Errors
    /// [`Unreadable`] where it is neither, broken, nested too deep or not UTF-8.
    pub fn json(&self) -> Result<Value, Unreadable> {
        if !self.looks_like_json() {
            return Err(Unreadable::new(
                "the body is neither a JSON object nor a list",
            ));
        }
        serde_json::from_slice(self.text_bytes())
            .map_err(|error| Unreadable::new(format!("the body is not valid JSON: {error}")))
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Unreadable`] where it is anything else.
    pub fn json_object(&self) -> Result<Map<String, Value>, Unreadable> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Unreadable::new("the body is not a JSON object")),
        }
    }

    /// The body without a byte order mark.
    pub(super) fn text_bytes(&self) -> &[u8] {
        self.body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body)
    }
}
