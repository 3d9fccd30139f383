//! The resource `metric_alert`, which carries its state in the action.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Parsed,
        value::{first_text, is_word, text_at},
    },
};
use serde_json::Value;

use super::Hook;

/// An open metric alert's status while its critical threshold is passed.
const STATUS_CRITICAL: &str = "20";

pub(super) fn parse(hook: Hook<'_>, body: Value) -> Parsed {
    let word = text_at(&body, "action").unwrap_or_default();
    let action = if is_word(&word, &["critical", "warning", "open"]) {
        Action::Trigger
    } else if is_word(&word, &["resolved"]) {
        Action::Resolve
    } else {
        return Parsed::unrecognised("metric alert action");
    };
    // The incident's own id: `alert_rule.id` is that of every incident of a rule.
    let Some(id) = text_at(&body, "data.metric_alert.id") else {
        return Parsed::unrecognised("metric alert: it has no id");
    };
    let title = first_text(
        &body,
        &["data.description_title", "data.metric_alert.title"],
    )
    .unwrap_or_else(|| "Sentry metric alert".to_owned());
    Alert {
        action,
        identity: format!("metric:{id}"),
        description: text_at(&body, "data.description_text"),
        title,
        source: hook.source(text_at(&body, "data.metric_alert.projects.0")),
        severity: severity(&word, &body),
        occurred_at: hook.occurred_at(&body, "data.metric_alert.date_started"),
        link: text_at(&body, "data.web_url"),
        details: body,
    }
    .into()
}

fn severity(action: &str, body: &Value) -> Severity {
    let is_critical = is_word(action, &["critical"])
        || (is_word(action, &["open"])
            && text_at(body, "data.metric_alert.status").as_deref() == Some(STATUS_CRITICAL));
    if is_critical {
        Severity::Critical
    } else {
        Severity::Warning
    }
}
