//! Alertmanager's alert, which Prometheus, Grafana, Mimir and Cortex send
//! (`vendors/prometheus.md`).

use serde_json::{Map, Value, json};

use super::value::{first_text, text, text_at, time_at};
use crate::{
    alert::{Action, Severity},
    time::Timestamp,
};

/// What a notification group says besides its alerts.
const GROUP_FIELDS: &[&str] = &[
    "receiver",
    "groupKey",
    "externalURL",
    "version",
    "truncatedAlerts",
    "notification_reason",
];

/// The fingerprint as sent, or as Alertmanager computes it from the labels.
pub fn identity(alert: &Value) -> Option<String> {
    text_at(alert, "fingerprint").or_else(|| fingerprint(alert))
}

/// Annotations say it better than the rule's name.
pub fn title(alert: &Value) -> Option<String> {
    first_text(
        alert,
        &[
            "annotations.summary",
            "annotations.description",
            "annotations.message",
            "labels.alertname",
        ],
    )
}

/// When it began or, for a resolve, when it ended.
pub fn occurred_at(alert: &Value, action: Action) -> Option<Timestamp> {
    match action {
        Action::Resolve => time_at(alert, "endsAt"),
        _ => time_at(alert, "startsAt"),
    }
}

/// A label's text. Label names may hold dots, so this is no path.
pub fn label(alert: &Value, name: &str) -> Option<String> {
    alert.get("labels")?.get(name).and_then(text)
}

/// The label that by custom says how bad it is.
pub fn severity_label(alert: &Value) -> Option<String> {
    ["severity", "priority", "level"]
        .into_iter()
        .find_map(|name| label(alert, name))
}

/// The severity of that label's whole value, a warning for an unknown word.
pub fn severity(word: &str) -> Severity {
    Severity::from_prometheus_word(word).unwrap_or(Severity::Warning)
}

/// The alert and what its group says about itself; never the other alerts.
pub fn details(alert: &Value, group: &Value) -> Value {
    let about: Map<String, Value> = GROUP_FIELDS
        .iter()
        .filter_map(|field| {
            Some((
                (*field).to_owned(),
                group.get(*field).filter(|value| !value.is_null())?.clone(),
            ))
        })
        .collect();
    json!({ "alert": alert, "group": about })
}

/// What Alertmanager computes: FNV-1a, 64 bit, over the labels sorted by name
/// (prometheus/common, `model/signature.go`).
fn fingerprint(alert: &Value) -> Option<String> {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    const SEPARATOR: u8 = 0xff;
    let mut labels: Vec<(&str, String)> = alert
        .get("labels")?
        .as_object()?
        .iter()
        .map(|(name, value)| (name.as_str(), label_text(value)))
        .collect();
    if labels.is_empty() {
        return None;
    }
    labels.sort_unstable();
    let bytes = labels.iter().flat_map(|(name, value)| {
        name.bytes()
            .chain([SEPARATOR])
            .chain(value.bytes())
            .chain([SEPARATOR])
    });
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    Some(format!("{hash:016x}"))
}

/// A label's value as it is; relays send numbers.
fn label_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_alertmanagers_fingerprint() {
        let alert = json!({"labels": {"lbl1": "val1", "alertname": "alert1"}});
        assert_eq!(identity(&alert).as_deref(), Some("fac0861a85de433a"));
        assert_eq!(identity(&json!({"labels": {}})), None);
        assert_eq!(identity(&json!({"labels": null})), None);
        let sent = json!({"fingerprint": "abc", "labels": {"a": "b"}});
        assert_eq!(identity(&sent).as_deref(), Some("abc"));
    }
}
