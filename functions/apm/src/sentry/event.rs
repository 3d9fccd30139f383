//! The resource `event_alert` (an alert rule fired), the legacy plugin and the
//! guide's `event{}`. They only ever open: the issue they name is closed by the
//! resource `issue`.

use common::{
    alert::{Action, Alert},
    intake::{
        Parsed,
        value::{first_text, is_word, text_at},
    },
};
use serde_json::Value;

use super::{Hook, level_severity};

/// Where a shape has its parts.
struct Shape {
    /// Ids of the issue.
    issue: &'static [&'static str],
    event: &'static str,
    title: &'static [&'static str],
    level: &'static [&'static str],
    link: &'static [&'static str],
    project: &'static [&'static str],
}

const EVENT_ALERT: Shape = Shape {
    issue: &["data.event.issue_id"],
    event: "data.event.event_id",
    title: &["data.event.title", "data.event.message"],
    level: &["data.event.level"],
    link: &["data.event.web_url"],
    project: &[],
};
const UNWRAPPED: Shape = Shape {
    issue: &["id", "event.issue_id"],
    event: "event.event_id",
    title: &["event.title", "event.message", "message", "culprit"],
    level: &["level", "event.level"],
    link: &["url", "event.web_url"],
    project: &["project_slug", "project.slug", "project"],
};

pub(super) fn parse(hook: Hook<'_>, body: Value) -> Parsed {
    let triggered = text_at(&body, "action").is_some_and(|word| is_word(&word, &["triggered"]));
    if !triggered {
        return Parsed::unrecognised("event alert action");
    }
    hook.triggered(&EVENT_ALERT, body)
}

pub(super) fn parse_unwrapped(hook: Hook<'_>, body: Value) -> Parsed {
    hook.triggered(&UNWRAPPED, body)
}

impl Hook<'_> {
    fn triggered(self, shape: &Shape, body: Value) -> Parsed {
        // `event.fingerprint` is the same text for every issue by default.
        let identity = match first_text(&body, shape.issue) {
            Some(issue) => format!("issue:{issue}"),
            None => match text_at(&body, shape.event) {
                Some(event) => format!("event:{event}"),
                None => return Parsed::unrecognised("event: it has neither an issue nor an id"),
            },
        };
        let title = first_text(&body, shape.title).unwrap_or_else(|| "Sentry event".to_owned());
        Alert {
            action: Action::Trigger,
            identity,
            description: first_text(&body, &["culprit", "data.event.culprit"])
                .filter(|culprit| *culprit != title),
            title,
            source: self.source(first_text(&body, shape.project)),
            severity: level_severity(first_text(&body, shape.level).as_deref()),
            occurred_at: self.sent_at,
            link: first_text(&body, shape.link),
            details: body,
        }
        .into()
    }
}
