//! Security alerts: one incident per alert number, whatever the branch.

use common::{
    alert::{Action, Severity},
    intake::{
        Parsed,
        value::{first_text, text_at, time_at},
    },
};
use serde_json::Value;

use super::{Event, Finding, Reading};
use crate::outcome;

/// What one kind of alert is called and what its actions mean.
struct Kind {
    key: &'static str,
    opened: &'static [&'static str],
    closed: &'static [&'static str],
    title: &'static [&'static str],
}

const DEPENDABOT: Kind = Kind {
    key: "dependabot",
    opened: &["created", "reopened", "reintroduced", "auto_reopened"],
    closed: &["fixed", "dismissed", "auto_dismissed"],
    title: &[
        "security_advisory.summary",
        "dependency.package.name",
        "security_advisory.ghsa_id",
    ],
};
const CODE_SCANNING: Kind = Kind {
    key: "codescan",
    opened: &[
        "created",
        "reopened",
        "reopened_by_user",
        "appeared_in_branch",
    ],
    closed: &["fixed", "closed_by_user"],
    title: &["rule.description", "rule.name", "rule.id"],
};
const SECRET_SCANNING: Kind = Kind {
    key: "secret",
    opened: &["created", "reopened"],
    closed: &["resolved", "revoked"],
    title: &["secret_type_display_name", "secret_type"],
};

pub(super) fn dependabot(event: &Event<'_>) -> Reading {
    read(event, &DEPENDABOT, |alert| {
        text_at(alert, "security_advisory.severity")
            .and_then(|word| advisory_severity(&word))
            .unwrap_or(Severity::Warning)
    })
}

pub(super) fn code_scanning(event: &Event<'_>) -> Reading {
    read(event, &CODE_SCANNING, |alert| {
        text_at(alert, "rule.security_severity_level")
            .and_then(|word| advisory_severity(&word))
            .or_else(|| rule_severity(&text_at(alert, "rule.severity")?))
            .unwrap_or(Severity::Warning)
    })
}

pub(super) fn secret_scanning(event: &Event<'_>) -> Reading {
    read(event, &SECRET_SCANNING, |_| Severity::Critical)
}

fn read(event: &Event<'_>, kind: &Kind, severity: fn(&Value) -> Severity) -> Reading {
    let alert = event.object("alert")?;
    let step = text_at(event.body, "action")
        .ok_or_else(|| Parsed::unrecognised("alert: the body has no action"))?;
    let action = outcome::action(&step, kind.opened, kind.closed)
        .ok_or_else(|| Parsed::ignored(format!("the alert is {step}")))?;
    // Without its number an alert could close another one.
    let number =
        text_at(alert, "number").ok_or_else(|| Parsed::unrecognised("alert: it has no number"))?;
    let title = first_text(alert, kind.title).unwrap_or_else(|| "Security alert".to_owned());
    let title = match action {
        Action::Resolve => format!("{title} ({step})"),
        _ => title,
    };
    Ok(Finding {
        action,
        parts: vec![kind.key.to_owned(), number],
        title: event.in_repository(title),
        description: first_text(
            alert,
            &[
                "security_advisory.description",
                "most_recent_instance.message.text",
            ],
        ),
        severity: severity(alert),
        // Not `created_at`: of a reopened alert that lies before the fix.
        occurred_at: time_at(alert, "updated_at"),
        link: text_at(alert, "html_url"),
    })
}

fn advisory_severity(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::Error,
        "medium" => Severity::Warning,
        "low" => Severity::Info,
        _ => return None,
    })
}

fn rule_severity(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "note" | "none" => Severity::Info,
        _ => return None,
    })
}
