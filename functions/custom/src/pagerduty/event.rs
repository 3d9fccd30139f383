//! What an event says. `PagerDuty` refuses, and thereby loses, what it finds
//! incomplete; here only what cannot be understood is refused, unless the
//! integration's setting `strict` asks for the original.

use common::{
    alert::{Action, Alert, Severity},
    intake::value::{at, is_link},
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::Api;

/// `PagerDuty`'s limit, which only strict integrations have, characters.
const SUMMARY_CHARS: usize = 1_024;
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// An event that can be taken.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// It asks for something; its identity is the key that the answer names.
    Alert(Box<Alert>),
    /// It tells of a change and touches no incident.
    Change,
}

/// The names that one interface gives to its fields.
struct Names {
    action: &'static str,
    key: &'static str,
    summary: &'static str,
}

const V2: Names = Names {
    action: "event_action",
    key: "dedup_key",
    summary: "payload.summary",
};
const V1: Names = Names {
    action: "event_type",
    key: "incident_key",
    summary: "description",
};

/// Reads an event of this interface.
///
/// # Errors
/// Everything that is wrong with it, in `PagerDuty`'s words.
pub(super) fn read(
    api: Api,
    body: &Map<String, Value>,
    is_strict: bool,
) -> Result<Event, Vec<String>> {
    let root = Value::Object(body.clone());
    let names = match api {
        Api::EventsV1 => V1,
        Api::Events | Api::Changes => V2,
    };
    let summary = at(&root, names.summary).and_then(text);
    if api == Api::Changes {
        return match summary {
            Some(_) => Ok(Event::Change),
            None => Err(vec![missing(names.summary)]),
        };
    }
    let action = read_action(&root, &names);
    let key = at(&root, names.key).and_then(key_text);
    let mut errors: Vec<String> = action.as_ref().err().cloned().into_iter().collect();
    match &action {
        Ok(Action::Trigger) => {
            if summary.is_none() {
                errors.push(missing(names.summary));
            }
            if is_strict {
                errors.extend(refusals(api, &root, summary.as_deref()));
            }
        }
        Ok(_) if key.is_none() => errors.push(missing(names.key)),
        _ => {}
    }
    match action {
        Ok(action) if errors.is_empty() => Ok(Event::Alert(Box::new(alert(
            api, action, key, summary, root,
        )))),
        _ => Err(errors),
    }
}

fn read_action(root: &Value, names: &Names) -> Result<Action, String> {
    let word = at(root, names.action)
        .and_then(text)
        .ok_or_else(|| missing(names.action))?;
    match word.to_ascii_lowercase().as_str() {
        "trigger" => Ok(Action::Trigger),
        "acknowledge" => Ok(Action::Acknowledge),
        "resolve" => Ok(Action::Resolve),
        _ => Err(format!(
            "'{}' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
            names.action
        )),
    }
}

fn missing(field: &str) -> String {
    format!("'{field}' is missing or blank")
}

/// What `PagerDuty` refuses of a trigger that we would take.
fn refusals(api: Api, root: &Value, summary: Option<&str>) -> Vec<String> {
    let mut errors = Vec::new();
    if summary.is_some_and(|summary| summary.chars().count() > SUMMARY_CHARS) {
        // Spelled as `PagerDuty` spells it.
        let field = if api == Api::EventsV1 {
            "description"
        } else {
            "summary"
        };
        errors.push(format!(
            "'{field}' is too long (maiximum is {SUMMARY_CHARS} characters)"
        ));
    }
    if api == Api::EventsV1 {
        return errors;
    }
    if at(root, "payload.source").and_then(text).is_none() {
        errors.push(missing("payload.source"));
    }
    match at(root, "payload.severity").and_then(text) {
        None => errors.push(missing("payload.severity")),
        Some(word) if SEVERITIES.contains(&word.to_ascii_lowercase().as_str()) => {}
        Some(_) => errors.push(
            "'payload.severity' is invalid \
             (must be one of the following: 'critical', 'warning', 'error' or 'info')"
                .to_owned(),
        ),
    }
    errors
}

fn alert(
    api: Api,
    action: Action,
    key: Option<String>,
    summary: Option<String>,
    root: Value,
) -> Alert {
    // Other actions may bring a payload too, which says nothing about them.
    let payload = |field: &str| {
        let value = at(&root, "payload")?.get(field)?;
        (action == Action::Trigger).then(|| text(value)).flatten()
    };
    let (source, severity) = match api {
        Api::EventsV1 => (at(&root, "client").and_then(text), Severity::Critical),
        Api::Events | Api::Changes => {
            let severity = payload("severity").and_then(|word| Severity::from_common_word(&word));
            (payload("source"), severity.unwrap_or(Severity::Error))
        }
    };
    Alert {
        action,
        // Equal summaries are not equal alerts.
        identity: key.unwrap_or_else(|| uuid().to_string()),
        title: summary.unwrap_or_default(),
        description: description(&root),
        source: source.unwrap_or_else(|| "unknown".to_owned()),
        severity,
        occurred_at: payload("timestamp").and_then(|time| Timestamp::parse_lenient(&time)),
        link: link(&root),
        details: details(root),
    }
}

/// Details that are one text are meant to be read.
fn description(root: &Value) -> Option<String> {
    ["payload.custom_details", "details"]
        .into_iter()
        .find_map(|path| at(root, path)?.as_str().map(str::to_owned))
        .filter(|text| !text.trim().is_empty())
}

/// The client's page about the problem, else the first link.
fn link(root: &Value) -> Option<String> {
    let links = ["links", "contexts"]
        .into_iter()
        .filter_map(|field| at(root, field)?.as_array())
        .flatten()
        .filter_map(|link| link.get("href"));
    at(root, "client_url")
        .into_iter()
        .chain(links)
        .filter_map(text)
        .find(|text| is_link(text))
}

/// Everything sent but the credential.
fn details(mut root: Value) -> Value {
    if let Value::Object(body) = &mut root {
        body.remove("routing_key");
        body.remove("service_key");
    }
    root
}

/// A value as text, trimmed; only `null` and blank text are absent. Template
/// placeholders stay: a client of `PagerDuty` means what it sends.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = key_text(value)?;
    Some(text.trim().to_owned())
}

/// A key as text, exactly as it was sent: blanks are part of it.
fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    }
}

fn uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(common::crypto::random_u128().to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(api: Api, body: Value, is_strict: bool) -> Result<Event, Vec<String>> {
        let Value::Object(body) = body else {
            panic!("an event is an object")
        };
        read(api, &body, is_strict)
    }

    fn trigger(body: Value) -> Alert {
        match event(Api::Events, body, false) {
            Ok(Event::Alert(alert)) => *alert,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_errors_are_told_at_once_in_the_words_of_the_interface() {
        for (api, body, expected) in [
            (
                Api::Events,
                json!({}),
                vec!["'event_action' is missing or blank"],
            ),
            (
                Api::Events,
                json!({"event_action": "trigger", "payload": null}),
                vec!["'payload.summary' is missing or blank"],
            ),
            (
                Api::Events,
                json!({"event_action": "Acknowledge", "dedup_key": " "}),
                vec!["'dedup_key' is missing or blank"],
            ),
            (
                Api::Changes,
                json!({"payload": {"summary": ""}}),
                vec!["'payload.summary' is missing or blank"],
            ),
            (
                Api::EventsV1,
                json!({"event_type": "trigger"}),
                vec!["'description' is missing or blank"],
            ),
            (
                Api::EventsV1,
                json!({"event_type": "resolve", "incident_key": null}),
                vec!["'incident_key' is missing or blank"],
            ),
            (
                Api::EventsV1,
                json!({"event_type": "close"}),
                vec![
                    "'event_type' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
                ],
            ),
        ] {
            let errors = event(api, body.clone(), false).unwrap_err();
            assert_eq!(errors, expected, "{body}");
        }
    }

    #[test]
    fn only_strict_integrations_lose_incomplete_triggers() {
        let body = json!({"event_action": "trigger", "payload": {"summary": "x".repeat(1_025), "severity": "page"}});
        assert_eq!(event(Api::Events, body.clone(), true).unwrap_err().len(), 3);
        let alert = trigger(body);
        assert_eq!(
            (alert.severity, alert.source.as_str()),
            (Severity::Error, "unknown")
        );
    }

    #[test]
    fn keys_are_exact_and_fresh_where_there_is_none() {
        let with_key = |key: Value| {
            trigger(
                json!({"event_action": "TRIGGER", "dedup_key": key, "payload": {"summary": "{{x}}"}}),
            )
        };
        assert_eq!(with_key(json!(" a ")).identity, " a ");
        assert_eq!(with_key(json!(7)).identity, "7");
        assert_eq!(with_key(json!("{{x}}")).title, "{{x}}");
        let fresh = [with_key(Value::Null), with_key(json!("  "))].map(|alert| alert.identity);
        assert_ne!(fresh[0], fresh[1]);
        assert_eq!(fresh[0].len(), 36);
    }

    #[test]
    fn links_and_details_may_be_anything() {
        let alert = trigger(json!({
            "routing_key": "secret", "event_action": "trigger", "client_url": "",
            "links": [null, {}, {"href": null}, {"href": "nowhere"}, {"href": "https://ci.shop.example/1"}],
            "images": 7,
            "payload": {"summary": 5, "custom_details": "disk is full", "timestamp": "soon"},
        }));
        assert_eq!(alert.link.as_deref(), Some("https://ci.shop.example/1"));
        assert_eq!(alert.description.as_deref(), Some("disk is full"));
        assert_eq!((alert.title.as_str(), alert.occurred_at), ("5", None));
        assert!(alert.details.get("routing_key").is_none());
    }

    #[test]
    fn a_payload_says_nothing_about_a_resolve() {
        let body = json!({"event_action": "resolve", "dedup_key": "k", "payload": {"severity": "info", "timestamp": "2026-08-06T07:06:40Z"}});
        let alert = trigger(body);
        assert_eq!((alert.severity, alert.occurred_at), (Severity::Error, None));
    }
}
