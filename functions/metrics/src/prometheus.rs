//! Prometheus Alertmanager: a webhook body is a notification group of N alerts,
//! each with its own state (`vendors/prometheus.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, alertmanager,
        value::{is_word, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

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
    let Some(identity) = alertmanager::identity(alert) else {
        return Parsed::unrecognised("alert: it has neither a fingerprint nor labels");
    };
    let title = alertmanager::title(alert).unwrap_or_else(|| "Prometheus alert".to_owned());
    Alert {
        action,
        identity,
        description: text_at(alert, "annotations.description")
            .filter(|description| *description != title),
        title,
        source: text_at(group, "externalURL").unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(alert, settings.text("severityLabel")),
        occurred_at: alertmanager::occurred_at(alert, action),
        link: text_at(alert, "generatorURL"),
        details: alertmanager::details(alert, group),
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
        .and_then(|label| alertmanager::label(alert, label))
        .or_else(|| alertmanager::severity_label(alert))
        .map_or(Severity::Warning, |word| alertmanager::severity(&word))
}
