//! Elastic: Kibana's webhook connector with our template, an older guide's, or
//! as a summary; and Watcher (`vendors/elastic.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{at, first_text, identity, is_placeholder, is_word, text, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Map, Value};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "elastic",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const RESOLVED: &[&str] = &["recovered", "resolved", "closed", "close", "ok"];
const WATCH_RESOLVED: &[&str] = &["recovered", "resolved", "ok"];
/// Why the alert is there, the best words first.
const REASONS: &[&str] = &[
    "context.reason",
    "context.title",
    "context.message",
    "alert.reason",
];
/// The lists of a summary, in the order of its results. `all` repeats them.
const SUMMARY: &[(&str, Action)] = &[
    ("new", Action::Trigger),
    ("ongoing", Action::Trigger),
    ("recovered", Action::Resolve),
];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let is_object = |name: &str| at(&body, name).is_some_and(Value::is_object);
    if is_object("alerts") && !(is_object("alert") && summary_is_empty(&body)) {
        return Ok(summary(&body, context));
    }
    Ok(vec![if is_object("alert") && is_object("rule") {
        single(body, context).unwrap_or_else(|other| other)
    } else if let Some(watch) = text_at(&body, "watch_id") {
        watcher(&watch, body, context)
    } else {
        Parsed::unrecognised("body: neither a rule's alert nor a watch")
    }])
}

/// One alert of a rule: our template, or the older guide's.
fn single(body: Value, context: &Context<'_>) -> Result<Parsed, Parsed> {
    let alert_id = text_at(&body, "alert.id");
    let has_id = body
        .get("alert")
        .and_then(|alert| alert.get("id"))
        .is_some();
    if (has_id && alert_id.is_none()) || is_unfilled(&body, "rule.id") {
        return Err(connector_test());
    }
    let rule = rule(&body).ok_or_else(|| Parsed::unrecognised("rule: neither id nor name"))?;
    let reason = first_text(&body, REASONS);
    Ok(Alert {
        action: action(&body),
        // Without the rule, `web-01` of one rule would close that of another.
        identity: match &alert_id {
            Some(alert) => identity(&[&rule, alert]),
            None => identity(&[&rule]),
        },
        title: title(&body, reason.as_deref()),
        description: first_text(&body, &["context.message", "context.reason"]).or(reason),
        source: source(&body, context),
        severity: severity(&body),
        occurred_at: time_at(&body, "date"),
        link: first_text(
            &body,
            &[
                "context.alert_details_url",
                "context.alertDetailsUrl",
                "rule.url",
            ],
        ),
        details: body,
    }
    .into())
}

/// The action group first: templates hard-code `"status": "active"` beside it.
fn action(body: &Value) -> Action {
    let group = first_text(body, &["alert.action_group", "alert.actionGroup"]);
    let is_over = match group {
        Some(group) => is_word(&group, &["recovered"]),
        None => first_text(body, &["alert.status", "event.action"])
            .is_some_and(|status| is_word(&status, RESOLVED)),
    };
    if is_over {
        Action::Resolve
    } else {
        Action::Trigger
    }
}

/// All alerts of a rule's run, one entry each.
fn summary(body: &Value, context: &Context<'_>) -> Vec<Parsed> {
    if is_unfilled(body, "rule.id") {
        return vec![connector_test()];
    }
    let lists = SUMMARY
        .iter()
        .filter_map(|(name, action)| Some((at(body, &format!("alerts.{name}"))?, *action)));
    let mut known = false;
    let mut entries = Vec::new();
    for (list, action) in lists {
        known = true;
        match list.get("data") {
            Some(Value::Array(items)) => entries.extend(
                items
                    .iter()
                    .map(|item| summary_item(item, action, body, context)),
            ),
            None | Some(Value::Null) => {}
            Some(_) => entries.push(Parsed::unrecognised("summary: its data is not a list")),
        }
    }
    if entries.is_empty() {
        entries.push(if known {
            Parsed::ignored("no alerts")
        } else {
            Parsed::unrecognised("summary: neither new, ongoing nor recovered alerts")
        });
    }
    entries
}

fn summary_is_empty(body: &Value) -> bool {
    SUMMARY
        .iter()
        .filter_map(|(name, _)| at(body, &format!("alerts.{name}.data"))?.as_array())
        .all(Vec::is_empty)
}

fn summary_item(item: &Value, action: Action, body: &Value, context: &Context<'_>) -> Parsed {
    let rule = rule(body).or_else(|| document_text(item, "kibana.alert.rule.uuid"));
    let Some((rule, alert)) = rule.zip(document_text(item, "kibana.alert.instance.id")) else {
        return Parsed::unrecognised("summary alert: no rule or no instance id");
    };
    let reason = document_text(item, "kibana.alert.reason");
    let time = match action {
        Action::Resolve => "kibana.alert.end",
        _ => "kibana.alert.start",
    };
    Alert {
        action,
        identity: identity(&[&rule, &alert]),
        title: title(body, reason.as_deref()),
        description: reason,
        source: source(body, context),
        severity: severity(body),
        occurred_at: document_text(item, time).and_then(|time| Timestamp::parse_lenient(&time)),
        link: document_text(item, "kibana.alert.url").or_else(|| text_at(body, "rule.url")),
        details: item_details(item, body),
    }
    .into()
}

/// The item and its rule; never the other items.
fn item_details(item: &Value, body: &Value) -> Value {
    let mut details = Map::from_iter([("alert".to_owned(), item.clone())]);
    let about = body.as_object().into_iter().flatten();
    details.extend(
        about
            .filter(|(name, value)| {
                !matches!(name.as_str(), "alerts" | "alert") && !value.is_null()
            })
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    Value::Object(details)
}

/// A Watcher action. It reports no recovery unless a second watch does.
fn watcher(watch: &str, body: Value, context: &Context<'_>) -> Parsed {
    let is_over = text_at(&body, "status").is_some_and(|status| is_word(&status, WATCH_RESOLVED));
    Alert {
        action: if is_over {
            Action::Resolve
        } else {
            Action::Trigger
        },
        identity: identity(&["watch", watch]),
        title: watch.to_owned(),
        description: None,
        source: source(&body, context),
        severity: severity(&body),
        occurred_at: time_at(&body, "trigger.triggered_time"),
        link: None,
        details: body,
    }
    .into()
}

fn connector_test() -> Parsed {
    Parsed::ignored("a connector test: its variables are not filled in")
}

/// Whether a variable stands where its value should.
fn is_unfilled(body: &Value, path: &str) -> bool {
    at(body, path)
        .and_then(Value::as_str)
        .is_some_and(|text| is_placeholder(text.trim()))
}

fn rule(body: &Value) -> Option<String> {
    first_text(body, &["rule.id", "rule.name"])
}

fn title(body: &Value, reason: Option<&str>) -> String {
    match (text_at(body, "rule.name"), reason) {
        (Some(name), Some(reason)) => format!("{name}: {reason}"),
        (Some(name), None) => name,
        (None, Some(reason)) => reason.to_owned(),
        (None, None) => "Elastic alert".to_owned(),
    }
}

fn source(body: &Value, context: &Context<'_>) -> String {
    text_at(body, "source").unwrap_or_else(|| context.integration.name.clone())
}

fn severity(body: &Value) -> Severity {
    first_text(body, &["severity", "alert.severity", "context.severity"])
        .and_then(|word| Severity::from_common_word(&word))
        .unwrap_or(Severity::Error)
}

/// A field of an alert document: its keys are flat, dots and all; documents
/// that went through a pipeline are nested.
fn document_text(item: &Value, key: &str) -> Option<String> {
    item.get(key).and_then(text).or_else(|| text_at(item, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_action_group_goes_before_the_status() {
        for (alert, expected) in [
            (
                json!({"action_group": "recovered", "status": "active"}),
                Action::Resolve,
            ),
            (json!({"actionGroup": "Recovered"}), Action::Resolve),
            (json!({"action_group": "not recovered"}), Action::Trigger),
            (
                json!({"action_group": "threshold_met", "status": "recovered"}),
                Action::Trigger,
            ),
            (
                json!({"action_group": "", "status": "Closed"}),
                Action::Resolve,
            ),
            (json!({"status": "unresolved"}), Action::Trigger),
            (json!({}), Action::Trigger),
        ] {
            assert_eq!(action(&json!({"alert": alert})), expected, "{alert}");
        }
        assert_eq!(
            action(&json!({"alert": {}, "event": {"action": "close"}})),
            Action::Resolve
        );
    }

    #[test]
    fn an_empty_reason_never_becomes_the_title() {
        let body = json!({"rule": {"name": "cpu"}, "context": {"reason": "", "title": null}});
        assert_eq!(title(&body, None), "cpu");
        assert_eq!(title(&json!({}), None), "Elastic alert");
        assert_eq!(title(&json!({}), Some("97 %")), "97 %");
    }
}
