//! Icinga 2's notification commands, and Icinga Notifications' webhook channel
//! (`vendors/icinga.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{at, first_text, identity, text_at, time_at},
    },
};
use http::StatusCode;
use serde_json::Value;

use crate::plugin::{Checked, Words};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "icinga",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const WORDS: Words = Words {
    notices: &[
        "DOWNTIMESTART",
        "DOWNTIMEEND",
        "DOWNTIMECANCELLED",
        "DOWNTIMEREMOVED",
        "FLAPPINGSTART",
        "FLAPPINGEND",
        "CUSTOM",
    ],
    problems: &["WARNING", "CRITICAL", "UNKNOWN", "DOWN"],
};

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json_repaired()?;
    let is_object = |name: &str| at(&body, name).is_some_and(Value::is_object);
    let parsed = if is_object("incident") && is_object("object") {
        incident(body, context)
    } else {
        notification(body)
    };
    Ok(vec![parsed.unwrap_or_else(|other| other)])
}

/// What a notification command posts.
fn notification(body: Value) -> Result<Parsed, Parsed> {
    let field = |name: &str| text_at(&body, name);
    let host =
        field("host_name").ok_or_else(|| Parsed::unrecognised("notification: it names no host"))?;
    let service = field("service_name");
    let [state, output] = match service {
        Some(_) => ["service_state", "service_output"],
        None => ["host_state", "host_output"],
    };
    let checked = Checked {
        state: field(state),
        host,
        service,
    };
    let action = WORDS.action(
        field("notification_type").as_deref(),
        checked.state.as_deref(),
    )?;
    // Names for people may change: they are shown, and are no keys.
    let host_shown = field("host_display_name").unwrap_or_else(|| checked.host.clone());
    let service_shown = checked
        .service
        .clone()
        .map(|service| field("service_display_name").unwrap_or(service));
    Ok(Alert {
        action,
        identity: checked.identity(),
        title: checked.title(&host_shown, service_shown.as_deref()),
        description: field(output),
        severity: checked.severity(),
        occurred_at: time_at(&body, "timestamp"),
        link: None,
        source: checked.host,
        details: body,
    }
    .into())
}

/// What Icinga Notifications posts.
fn incident(body: Value, context: &Context<'_>) -> Result<Parsed, Parsed> {
    let id = text_at(&body, "incident.id")
        .ok_or_else(|| Parsed::unrecognised("incident: it has no id"))?;
    let (action, severity) = text_at(&body, "incident.severity")
        .and_then(|severity| action_and_severity(&severity))
        .ok_or_else(|| Parsed::unrecognised("incident severity"))?;
    let title = text_at(&body, "object.name").unwrap_or_else(|| format!("Icinga incident {id}"));
    Ok(Alert {
        action,
        identity: identity(&["incident", &id]),
        description: text_at(&body, "event.message"),
        source: first_text(&body, &["object.tags.host", "object.name"])
            .unwrap_or_else(|| context.integration.name.clone()),
        title,
        severity,
        occurred_at: time_at(&body, "event.time"),
        link: text_at(&body, "incident.url"),
        details: body,
    }
    .into())
}

/// The incident's severity is its state as well.
fn action_and_severity(word: &str) -> Option<(Action, Severity)> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ok" => (Action::Resolve, Severity::Info),
        "emerg" | "alert" | "crit" => (Action::Trigger, Severity::Critical),
        "err" => (Action::Trigger, Severity::Error),
        "warning" => (Action::Trigger, Severity::Warning),
        "notice" | "info" | "debug" => (Action::Trigger, Severity::Info),
        _ => return None,
    })
}
