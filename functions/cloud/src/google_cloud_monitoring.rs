//! Google Cloud Monitoring: one incident a body, sent by a webhook channel or
//! inside a Pub/Sub message (`vendors/google-cloud-monitoring.md`).

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use common::{
    alert::{Action, Alert, Severity},
    crypto,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, first_text, is_word, text_at, time_at},
    },
    integration::Settings,
};
use http::StatusCode;
use serde_json::Value;

use crate::tokens::{self, Rules};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "google-cloud-monitoring",
    methods: Methods::Post,
    authentication: Authentication::Interactive(|attempt| {
        Box::pin(tokens::authenticate(
            attempt,
            Rules {
                has_secret,
                issuer: Some("https://accounts.google.com"),
                are_claims_right,
            },
        ))
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// Google's token channel puts the secret into the query as `auth_token`.
fn has_secret(received: &Received, secret: &str) -> bool {
    credentials::has_shared_secret(received, secret)
        || received
            .query("auth_token")
            .is_some_and(|given| crypto::same_secret(given.as_bytes(), secret.as_bytes()))
}

/// Every Google account gets tokens of any audience: `serviceAccount` says
/// whose are taken.
fn are_claims_right(claims: &Value, settings: &Settings) -> bool {
    settings.text("serviceAccount").is_none_or(|account| {
        claims.get("email_verified") == Some(&Value::Bool(true))
            && text_at(claims, "email").is_some_and(|email| is_word(&email, &[account.trim()]))
    })
}

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let parsed = match at(&body, "message") {
        Some(message) if body.get("incident").is_none() => match pushed(message) {
            Some(body) => parse(&body, context),
            // An error would bring the message back for days.
            None => Parsed::unrecognised("Pub/Sub message: its data is no JSON"),
        },
        _ => parse(&body, context),
    };
    Ok(vec![parsed])
}

/// The body in the data of a Pub/Sub message, in either alphabet of base64.
fn pushed(message: &Value) -> Option<Value> {
    let data: String = message
        .get("data")?
        .as_str()?
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    serde_json::from_slice(&STANDARD_NO_PAD.decode(data).ok()?).ok()
}

fn parse(body: &Value, context: &Context<'_>) -> Parsed {
    if is_test(body) {
        return Parsed::ignored("a test of the notification channel");
    }
    let Some(incident) = at(body, "incident").filter(|incident| incident.is_object()) else {
        return Parsed::unrecognised("body: it has no incident");
    };
    let Some(identity) = text_at(incident, "incident_id") else {
        return Parsed::unrecognised("incident: it has no incident_id");
    };
    let action = match text_at(incident, "state") {
        Some(state) if is_word(&state, &["open"]) => Action::Trigger,
        Some(state) if is_word(&state, &["acknowledged"]) => Action::Acknowledge,
        Some(state) if is_word(&state, &["closed"]) => Action::Resolve,
        _ => return Parsed::unrecognised("incident state"),
    };
    Alert {
        action,
        identity,
        title: title(incident),
        description: first_text(incident, &["documentation.content", "documentation"]),
        source: first_text(
            incident,
            &[
                "resource_name",
                "resource_display_name",
                "scoping_project_id",
            ],
        )
        .unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(incident, context.settings()),
        occurred_at: match action {
            Action::Resolve => time_at(incident, "ended_at"),
            _ => time_at(incident, "started_at"),
        },
        link: text_at(incident, "url"),
        details: incident.clone(),
    }
    .into()
}

/// The button "Test connection"; the id alone may be a real one.
fn is_test(body: &Value) -> bool {
    let is =
        |path: &str, word: &str| text_at(body, path).is_some_and(|text| is_word(&text, &[word]));
    is("version", "test")
        || is("incident.incident_id", "12345") && is("incident.summary", "Test Incident")
}

fn title(incident: &Value) -> String {
    first_text(incident, &["summary", "documentation.subject"]).unwrap_or_else(|| {
        let names: Vec<String> = ["policy_name", "condition_name"]
            .iter()
            .filter_map(|name| text_at(incident, name))
            .collect();
        if names.is_empty() {
            "Google Cloud Monitoring incident".to_owned()
        } else {
            names.join(": ")
        }
    })
}

fn severity(incident: &Value, settings: &Settings) -> Severity {
    let own = text_at(incident, "severity").and_then(|word| {
        Some(match word.to_ascii_lowercase().as_str() {
            "critical" => Severity::Critical,
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            "info" | "low" => Severity::Info,
            _ => return None,
        })
    });
    own.or_else(|| {
        Severity::from_prometheus_word(&text_at(incident, "policy_user_labels.severity")?)
    })
    .or_else(|| settings.severity("defaultSeverity"))
    .unwrap_or(Severity::Error)
}
