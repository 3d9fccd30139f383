//! Honeycomb: triggers and SLO burn alerts, one alert a body
//! (`vendors/honeycomb.md`).

use common::{
    alert::{Action, Alert, Severity},
    crypto,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{first_text, is_word, text_at},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "honeycomb",
    methods: Methods::Post,
    authentication: Authentication::Native(|received, secret, _| has_token(received, secret)),
    // Tried again only with `Retry-After`; every other failure loses the alert.
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// The trigger's id is the same in both states. Old bodies have none, and names
/// are not unique, so they come last.
const IDENTITY: &[&str] = &[
    "dedup_key",
    "id",
    "trigger_url",
    "slo_url",
    "name",
    "alert_name",
];
const TITLE: &[&str] = &["name", "alert_name", "summary"];
const DESCRIPTION: &[&str] = &["description", "summary", "trigger_description"];
const LINK: &[&str] = &["result_url", "trigger_url", "slo_url"];

/// The token, or the secret in a custom header of the user's.
fn has_token(received: &Received, secret: &str) -> bool {
    received
        .header("x-honeycomb-webhook-token")
        .is_some_and(|token| crypto::same_secret(token.as_bytes(), secret.as_bytes()))
        || credentials::has_shared_secret(received, secret)
}

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    Ok(vec![parse(received.json()?, context)])
}

fn parse(body: Value, context: &Context<'_>) -> Parsed {
    // A test may say either state: neither may touch a real incident.
    if text_at(&body, "is_test").is_some_and(|flag| is_word(&flag, &["true"])) {
        return Parsed::ignored("a test of the recipient");
    }
    let Some(action) = text_at(&body, "status").and_then(|status| action(&status)) else {
        return Parsed::unrecognised("status");
    };
    let Some(identity) = first_text(&body, IDENTITY) else {
        return Parsed::unrecognised("body: nothing in it identifies the trigger");
    };
    let title = first_text(&body, TITLE).unwrap_or_else(|| "Honeycomb alert".to_owned());
    Alert {
        action,
        identity,
        description: first_text(&body, DESCRIPTION).filter(|description| *description != title),
        title,
        source: context.integration.name.clone(),
        severity: severity(&body, context),
        link: first_text(&body, LINK),
        occurred_at: None,
        details: without_secret(body),
    }
    .into()
}

fn action(status: &str) -> Option<Action> {
    if is_word(status, &["triggered"]) {
        Some(Action::Trigger)
    } else if is_word(status, &["ok", "resolved"]) {
        Some(Action::Resolve)
    } else {
        None
    }
}

/// Burn alerts without a severity are critical by Honeycomb's own default.
fn severity(body: &Value, context: &Context<'_>) -> Severity {
    let written = ["severity", "alert_severity"]
        .into_iter()
        .find_map(|field| Severity::from_common_word(&text_at(body, field)?));
    if let Some(severity) = written {
        return severity;
    }
    if text_at(body, "slo_url").is_some() {
        return Severity::Critical;
    }
    context
        .settings()
        .severity("defaultSeverity")
        .unwrap_or(Severity::Error)
}

/// Very old bodies carry the secret itself: it is not kept.
fn without_secret(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.remove("shared_secret");
    }
    body
}

#[cfg(test)]
mod tests {
    use common::intake::testing::{json_request, normalise};
    use serde_json::json;

    use super::*;

    fn alerts(body: &Value) -> Vec<Parsed> {
        normalise(&VENDOR, &json!({}), &json_request(body)).unwrap()
    }

    #[test]
    fn the_secret_of_an_old_body_is_not_kept() {
        let body = json!({"shared_secret": "hush", "status": "TRIGGERED", "name": "n"});
        let parsed = alerts(&body);
        let [Parsed::Alert(alert)] = parsed.as_slice() else {
            panic!("{parsed:?}");
        };
        assert_eq!(alert.details, json!({"status": "TRIGGERED", "name": "n"}));
    }

    #[test]
    fn names_identify_only_where_nothing_else_does() {
        let mut body = json!({
            "status": "ok", "dedup_key": "k", "id": "i", "trigger_url": "t", "slo_url": "s",
            "name": "n", "alert_name": "a",
        });
        for expected in ["k", "i", "t", "s", "n", "a"] {
            let parsed = alerts(&body);
            let [Parsed::Alert(alert)] = parsed.as_slice() else {
                panic!("{parsed:?}");
            };
            assert_eq!(alert.identity, expected);
            let fields = body.as_object_mut().unwrap();
            for name in IDENTITY {
                if fields.remove(*name).is_some() {
                    break;
                }
            }
        }
        assert!(matches!(
            alerts(&body).as_slice(),
            [Parsed::Unrecognised(_)]
        ));
    }
}
