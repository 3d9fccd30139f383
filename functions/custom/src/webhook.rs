//! The generic webhook: a flat JSON object with flexible field names
//! (`vendors/webhook.md`, after the product's Webhooks page).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{first_text, identity, is_word, text_at},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "webhook",
    methods: Methods::Post,
    authentication: Authentication::Native(|received, secret, _| {
        credentials::has_generic_signature(received, secret)
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const TITLE: &[&str] = &["summary", "title", "message", "name"];
const SEVERITY: &[&str] = &["severity", "level", "priority"];
const STATUS: &[&str] = &["status", "action", "state"];
const DEDUP_KEY: &[&str] = &["dedup_key", "id", "alert_id"];
const SOURCE: &[&str] = &["source", "origin", "system"];

const RESOLVE_WORDS: &[&str] = &[
    "resolved",
    "ok",
    "normal",
    "closed",
    "fixed",
    "resolve",
    "recovered",
    "recovery",
    "up",
    "cleared",
    "success",
];
const ACKNOWLEDGE_WORDS: &[&str] = &["acknowledge", "ack", "acknowledged", "acked"];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = Value::Object(received.json_object()?);
    let field = |name: &str, fallbacks: &[&str]| {
        overridden(context, name, &body).or_else(|| first_text(&body, fallbacks))
    };

    let source = field("source", SOURCE).unwrap_or_else(|| context.integration.name.clone());
    let title = field("title", TITLE).unwrap_or_else(|| format!("Alert from {source}"));
    let identity = match field("dedup_key", DEDUP_KEY) {
        Some(key) => identity(&["key", &key]),
        None => identity(&["auto", &source, &title]),
    };
    let severity = field("severity", SEVERITY).and_then(|word| Severity::from_common_word(&word));
    Ok(vec![
        Alert {
            action: field("status", STATUS).map_or(Action::Trigger, |status| action(&status)),
            identity,
            description: text_at(&body, "description").filter(|description| *description != title),
            title,
            source,
            severity: severity.unwrap_or(Severity::Warning),
            link: None,
            occurred_at: None,
            details: body,
        }
        .into(),
    ])
}

/// The integration's setting `fields` names other places for a field.
fn overridden(context: &Context<'_>, name: &str, body: &Value) -> Option<String> {
    let fields = context.settings().get("fields")?;
    // API.md writes settings in camel case, the payload in snake case.
    let path = fields
        .get(name)
        .or_else(|| fields.get("dedupKey").filter(|_| name == "dedup_key"))?;
    text_at(body, path.as_str()?)
}

/// The whole status word decides; what is no such word triggers.
fn action(status: &str) -> Action {
    if is_word(status, RESOLVE_WORDS) {
        Action::Resolve
    } else if is_word(status, ACKNOWLEDGE_WORDS) {
        Action::Acknowledge
    } else {
        Action::Trigger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_inside_a_status_decides_nothing() {
        for status in [
            "broken",
            "unresolved",
            "abnormal",
            "not ok",
            "smoke",
            "invoked",
            "not resolved",
            "backup",
            "startup",
            "setup",
            "disclosed",
            "unsuccessful",
            "looks ok",
            "unacknowledged",
            "packet",
            "rollback",
        ] {
            assert_eq!(action(status), Action::Trigger, "{status}");
        }
        for status in ["Resolved", " OK ", "up", "CLEARED"] {
            assert_eq!(action(status), Action::Resolve, "{status}");
        }
        assert_eq!(action("Ack"), Action::Acknowledge);
    }
}
