//! Prometheus Alertmanager: a webhook body is a notification group of N alerts,
//! each with its own state (`vendors/prometheus.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{first_text, is_word, text, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Map, Value, json};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "prometheus",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    // 5xx is retried with back-off; a 4xx, 429 included, is not.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

/// Alerts that fire for ever by design.
const IGNORED_ALERTNAMES: &[&str] = &["Watchdog", "InfoInhibitor"];
/// What a notification group says besides its alerts.
const GROUP_FIELDS: &[&str] = &[
    "receiver",
    "groupKey",
    "externalURL",
    "version",
    "truncatedAlerts",
    "notification_reason",
];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let group = received.json()?;
    let Some(alerts) = group.get("alerts").and_then(Value::as_array) else {
        return Ok(vec![Parsed::unrecognised("body: it has no list of alerts")]);
    };
    if alerts.is_empty() {
        return Ok(vec![Parsed::ignored("no alerts")]);
    }
    Ok(alerts
        .iter()
        .map(|alert| parse_alert(alert, &group, context))
        .collect())
}

fn parse_alert(alert: &Value, group: &Value, context: &Context<'_>) -> Parsed {
    let settings = context.settings();
    let alertname = text_at(alert, "labels.alertname");
    let ignored = settings
        .list("ignoreAlertnames")
        .unwrap_or_else(|| IGNORED_ALERTNAMES.to_vec());
    if let Some(name) = alertname.as_deref().filter(|name| ignored.contains(name)) {
        return Parsed::ignored(format!("{name} is an alert about alerting itself"));
    }
    let Some(action) = action(alert, context.now) else {
        return Parsed::unrecognised("alert status");
    };
    let Some(identity) = text_at(alert, "fingerprint").or_else(|| fingerprint(alert)) else {
        return Parsed::unrecognised("alert: it has neither a fingerprint nor labels");
    };
    let title = first_text(
        alert,
        &[
            "annotations.summary",
            "annotations.description",
            "annotations.message",
        ],
    )
    .or(alertname)
    .unwrap_or_else(|| "Prometheus alert".to_owned());
    Alert {
        action,
        identity,
        description: text_at(alert, "annotations.description")
            .filter(|description| *description != title),
        title,
        source: text_at(group, "externalURL").unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(alert, settings.text("severityLabel")),
        occurred_at: match action {
            Action::Resolve => time_at(alert, "endsAt"),
            _ => time_at(alert, "startsAt"),
        },
        link: text_at(alert, "generatorURL"),
        details: details(alert, group),
    }
    .into()
}

/// The alert's own status. Without one, an end in the past is a resolve; Go's
/// zero time (year 1) is no moment for us, so it never is.
fn action(alert: &Value, now: Timestamp) -> Option<Action> {
    match text_at(alert, "status") {
        Some(status) if is_word(&status, &["firing"]) => Some(Action::Trigger),
        Some(status) if is_word(&status, &["resolved"]) => Some(Action::Resolve),
        Some(_) => None,
        None if !alert.is_object() => None,
        None if time_at(alert, "endsAt").is_some_and(|end| end < now) => Some(Action::Resolve),
        None => Some(Action::Trigger),
    }
}

fn severity(alert: &Value, label: Option<&str>) -> Severity {
    label
        .into_iter()
        .chain(["severity", "priority", "level"])
        .find_map(|label| alert.get("labels")?.get(label).and_then(text))
        .and_then(|word| Severity::from_prometheus_word(&word))
        .unwrap_or(Severity::Warning)
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

/// The alert and what its group says about itself; never the other alerts.
fn details(alert: &Value, group: &Value) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_alertmanagers_fingerprint() {
        let alert = json!({"labels": {"lbl1": "val1", "alertname": "alert1"}});
        assert_eq!(fingerprint(&alert).as_deref(), Some("fac0861a85de433a"));
        assert_eq!(fingerprint(&json!({"labels": {}})), None);
        assert_eq!(fingerprint(&json!({"labels": null})), None);
    }
}
