//! The document: what of each item is in it, under the names of the API.
//!
//! Objects are written with their keys in alphabetical order and lists in the
//! order of creation, so that the same deployment always gives the same text.

use std::collections::BTreeSet;

use common::{
    integration::{Integration, Service},
    time::Timestamp,
    webhook::Webhook,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::service_fields;

/// The version of the format, which every document names.
pub(crate) const VERSION: u64 = 1;

/// What no document can hold, told in each of them.
pub(crate) const NOT_INCLUDED: [&str; 3] = [
    "integration keys and API keys: only their digests are stored",
    "secrets that were rotated away and still sign for a while",
    "incidents, deliveries and logs",
];

/// A document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    pub version: u64,
    pub secrets: bool,
    pub not_included: [&'static str; 3],
    pub services: Vec<Value>,
    pub integrations: Vec<Value>,
    pub webhooks: Vec<Value>,
}

/// Whether secrets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// As they are.
    Shown,
    /// Left out; only that there is one can be seen.
    Hidden,
}

/// A service: all that is shown of it but the times of its writes, so that a
/// new field needs nothing here.
pub(crate) fn service(service: &Service, now: Timestamp) -> Value {
    let mut written = json!(service_fields::view(service, now));
    if let Value::Object(fields) = &mut written {
        fields.remove("createdAt");
        fields.remove("updatedAt");
    }
    written
}

/// An integration. Taken apart field by field: the next secret field must not
/// get here unseen.
pub(crate) fn integration(integration: &Integration, secrets: Secrets) -> Value {
    let Integration {
        id,
        service,
        provider,
        name,
        enabled,
        signature_secret,
        require_key,
        settings,
        rate_limit_per_minute,
        key_hash: _,
        service_options: _,
        service_revision: _,
        pinned_topic_arn: _,
        created_at: _,
        updated_at: _,
    } = integration;
    let mut written = json!({
        "id": id,
        "service": service,
        "type": provider,
        "name": name,
        "enabled": enabled,
        "hasSignatureSecret": signature_secret.is_some(),
        "requireKey": require_key,
        "settings": settings.as_map(),
        "rateLimitPerMinute": rate_limit_per_minute,
    });
    if secrets == Secrets::Shown {
        written["signatureSecret"] = json!(signature_secret);
    }
    written
}

/// A webhook, taken apart for the same reason. A header without its value is
/// `null`.
pub(crate) fn webhook(webhook: &Webhook, secrets: Secrets) -> Value {
    let Webhook {
        id,
        name,
        url,
        events,
        enabled,
        disabled_reason: _,
        secret,
        previous_secrets: _,
        format,
        template,
        filter,
        headers,
        ordering,
        created_at: _,
        updated_at: _,
        health: _,
        slow_attempts: _,
    } = webhook;
    let shown = |value: &String| match secrets {
        Secrets::Shown => Value::from(value.as_str()),
        Secrets::Hidden => Value::Null,
    };
    let headers: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.clone(), shown(value)))
        .collect();
    let mut written = json!({
        "id": id,
        "name": name,
        "url": url,
        "events": events,
        "enabled": enabled,
        "format": format,
        "template": template,
        "filter": filter,
        "headers": headers,
        "ordering": ordering,
    });
    if secrets == Secrets::Shown {
        written["secret"] = Value::from(secret.as_str());
    }
    written
}

/// The names of the fields in which two forms of an item differ.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    names.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_field_that_came_went_or_differs() {
        let before = json!({"same": 1, "other": 1, "gone": 1});
        let after = json!({"same": 1, "other": 2, "came": null});
        assert_eq!(changes(&before, &after), ["came", "gone", "other"]);
    }
}
