//! What tests need to call a vendor's normaliser: requests, an integration, and
//! bodies that are almost right.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{Context, Parsed, Received, Unreadable, Vendor};
use crate::{
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    integration::{Integration, Settings},
    time::Timestamp,
};

/// The folder of the vendors' bodies, from a crate of a group.
pub fn payloads(provider: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/vendors/payloads")
        .join(provider)
}

/// Every JSON body of a vendor, by file name.
pub fn bodies(provider: &str) -> Vec<(String, Value)> {
    let files = std::fs::read_dir(payloads(provider))
        .into_iter()
        .flatten()
        .flatten();
    let mut bodies: Vec<(String, Value)> = files
        .filter_map(|file| {
            let body = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
            Some((file.file_name().to_string_lossy().into_owned(), body))
        })
        .collect();
    bodies.sort_by(|(left, _), (right, _)| left.cmp(right));
    bodies
}

/// A request with these headers.
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
        body: Bytes::copy_from_slice(body),
    }
}

/// What the vendor reads from this request, on an integration with these
/// settings.
///
/// # Errors
/// Those of the normaliser.
pub fn normalise(
    vendor: &Vendor,
    settings: &Value,
    received: &Received,
) -> Result<Vec<Parsed>, Unreadable> {
    let now = Timestamp::now();
    let integration = Integration {
        id: IntegrationId::generate(),
        service: ServiceRef {
            id: ServiceId::generate(),
            name: "checkout".to_owned(),
        },
        provider: vendor.name.to_owned(),
        name: vendor.name.to_owned(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::new(settings.as_object().cloned().unwrap_or_default()),
        rate_limit_per_minute: 1_000,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    };
    let context = Context {
        integration: &integration,
        now,
    };
    (vendor.normalise)(received, &context)
}

/// The body after changes, each of one field that a number picks: dropped,
/// nulled, emptied, or turned into another type.
#[must_use]
pub fn mutated(body: &Value, changes: &[(u16, u8)]) -> Value {
    let mut body = body.clone();
    for (field, change) in changes {
        let mut pointers = Vec::new();
        collect_pointers(&body, "", &mut pointers);
        let Some(pointer) = pointers.get(usize::from(*field) % pointers.len().max(1)) else {
            break;
        };
        change_at(&mut body, pointer, *change);
    }
    body
}

fn collect_pointers(value: &Value, at: &str, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), child))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, child)| (index.to_string(), child))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        collect_pointers(child, &pointer, pointers);
        pointers.push(pointer);
    }
}

fn change_at(body: &mut Value, pointer: &str, change: u8) {
    let change = change % 8;
    if change == 0 {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        let key = key.replace("~1", "/").replace("~0", "~");
        if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
            parent.remove(&key);
        }
        return;
    }
    let Some(value) = body.pointer_mut(pointer) else {
        return;
    };
    let text = match &*value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    *value = match change {
        1 => Value::Null,
        2 => json!(""),
        3 => json!(-1.5e300),
        4 => json!([text]),
        5 => Value::Object(Map::from_iter([("name".to_owned(), json!(text))])),
        6 => json!(true),
        _ => text
            .parse::<i64>()
            .map_or_else(|_| json!(text), |number| json!(number)),
    };
}
