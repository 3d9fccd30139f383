//! A request and an integration, with nothing in them but what a test says.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::{
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::Received,
    integration::{Integration, Settings},
    time::Timestamp,
};

/// Content types that vendors send, or fail to; Uptime Kuma's own boundary is
/// the one in its fixtures.
pub const TYPES: [&str; 6] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=----------------------------518212345678901234567890",
    "text/plain",
    "",
];

/// A POST with these headers; what can be no header is left out.
pub fn request(headers: &[(&str, &str)], body: &[u8]) -> Received {
    let headers: HeaderMap = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .collect();
    Received {
        method: Method::POST,
        headers,
        query: Vec::new(),
        url: None,
        address: None,
        body: Bytes::copy_from_slice(body),
    }
}

/// A POST of JSON that says so.
pub fn json_request(body: &Value) -> Received {
    request(&[("content-type", TYPES[0])], body.to_string().as_bytes())
}

impl Received {
    /// The same with this query.
    #[must_use]
    pub fn with_query<N: AsRef<str>, V: AsRef<str>>(mut self, query: &[(N, V)]) -> Self {
        self.query = query
            .iter()
            .map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()))
            .collect();
        self
    }

    /// The same by this method.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
}

/// An integration of this provider with these settings, and without a secret.
pub fn integration(provider: &str, settings: &Value) -> Integration {
    let now = Timestamp::now();
    Integration {
        id: IntegrationId::generate(),
        service: ServiceRef {
            id: ServiceId::generate(),
            name: "checkout".to_owned(),
        },
        service_options: Default::default(),
        service_revision: 0,
        provider: provider.to_owned(),
        name: provider.to_owned(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::new(settings.as_object().cloned().unwrap_or_default()),
        rate_limit_per_minute: 1_000,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}
