//! Grafana: the webhook contact point sends notification groups of N alerts,
//! the legacy notification channel one rule a body (`vendors/grafana.md`).

mod legacy;
mod signature;
mod unified;

use common::{
    alert::Severity,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, value::first_text,
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "grafana",
    methods: Methods::PostAndPut,
    authentication: Authentication::Native(signature::is_valid),
    // What fails is sent again at the next `group_interval`.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

/// Unified bodies carry `state` as well, so their list of alerts is asked first.
fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    if let Some(alerts) = body.get("alerts").and_then(Value::as_array) {
        return Ok(unified::parse(alerts, &body, context));
    }
    if first_text(&body, &["ruleId", "ruleName", "state"]).is_some() {
        return Ok(vec![legacy::parse(body, context)]);
    }
    Ok(vec![Parsed::unrecognised(
        "body: it has neither alerts nor a rule",
    )])
}

/// The severity of an alert that says nothing about it.
fn default_severity(context: &Context<'_>) -> Severity {
    context
        .settings()
        .severity("defaultSeverity")
        .unwrap_or(Severity::Critical)
}
