//! Splunk Observability Cloud: one detector alert per body, keyed by its
//! incident (`vendors/splunk-observability.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, first_text, is_word, text, text_at, time_at},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "splunk-observability",
    methods: Methods::PostAndPut,
    authentication: Authentication::Native(|received, secret, _| {
        received
            .header("x-sfx-signature")
            .is_some_and(|given| credentials::is_hmac_sha256_base64(given, secret, &received.body))
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// The last ones are of OpsKnight's guide, or what is left without a title.
const TITLE: &[&str] = &[
    "messageTitle",
    "title",
    "rule",
    "detector",
    "detectorName",
    "description",
];
const FIRING: &[&str] = &["anomalous", "active"];
/// A stopped detector was edited, muted or deleted: nothing clears it later.
const OVER: &[&str] = &["ok", "cleared", "manually resolved", "stopped"];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let entry = parse(body, context).unwrap_or_else(Parsed::unrecognised);
    Ok(vec![entry])
}

fn parse(body: Value, context: &Context<'_>) -> Result<Parsed, &'static str> {
    let status =
        first_text(&body, &["status", "statusExtended"]).ok_or("body: it has no status")?;
    let action = if is_word(&status, FIRING) {
        Action::Trigger
    } else if is_word(&status, OVER) {
        Action::Resolve
    } else {
        return Err("status");
    };
    let identity = identity(&body).ok_or("body: it has neither an incidentId nor a detectorId")?;
    let title = first_text(&body, TITLE).unwrap_or_else(|| "Splunk alert".to_owned());
    Ok(Alert {
        action,
        identity,
        description: first_text(&body, &["messageBody", "description"])
            .filter(|description| *description != title),
        title,
        source: first_text(&body, &["detector", "detectorName"])
            .unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(text_at(&body, "severity").as_deref()),
        occurred_at: time_at(&body, "timestamp"),
        link: first_text(&body, &["detectorUrl", "link"]),
        details: body,
    }
    .into())
}

/// A detector has many rules and a rule many series: without an incident, all
/// three tell alerts apart.
fn identity(body: &Value) -> Option<String> {
    if let Some(incident) = text_at(body, "incidentId") {
        return Some(incident);
    }
    let detector = text_at(body, "detectorId")?;
    let rule = text_at(body, "rule").unwrap_or_default();
    let dimensions = at(body, "dimensions").map(dimensions).unwrap_or_default();
    Some(format!("detector:{detector}:{rule}:{dimensions}"))
}

/// `name=value` of every dimension, sorted.
fn dimensions(dimensions: &Value) -> String {
    let Some(dimensions) = dimensions.as_object() else {
        return text(dimensions).unwrap_or_default();
    };
    let mut pairs: Vec<String> = dimensions
        .iter()
        .map(|(name, value)| format!("{name}={}", text(value).unwrap_or_default()))
        .collect();
    pairs.sort_unstable();
    pairs.join(",")
}

fn severity(word: Option<&str>) -> Severity {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "major" => Severity::Error,
        "info" => Severity::Info,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn without_an_incident_the_rule_and_its_dimensions_tell_alerts_apart() {
        for (body, expected) in [
            (json!({"incidentId": 7, "detectorId": "d"}), Some("7")),
            (
                json!({"incidentId": null, "detectorId": "d", "rule": "r", "dimensions": {"b": "2", "a": 1}}),
                Some("detector:d:r:a=1,b=2"),
            ),
            (
                json!({"incidentId": " ", "detectorId": "d", "rule": null, "dimensions": null}),
                Some("detector:d::"),
            ),
            (json!({"rule": "r", "dimensions": {"a": "1"}}), None),
        ] {
            assert_eq!(identity(&body).as_deref(), expected, "{body}");
        }
    }
}
