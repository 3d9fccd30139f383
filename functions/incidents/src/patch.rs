//! Reading what is to change of an incident.

use std::time::Duration;

use common::{
    alert::Urgency,
    http::{
        ApiError,
        fields::{Field, Fields},
    },
    incident::{Assignee, Change, Status, StatusChange},
    limits,
    time::Timestamp,
};
use serde_json::Value;

/// Longest priority, characters (API.md).
pub(crate) const PRIORITY_CHARS: usize = 20;
/// Longest snooze, minutes.
pub(crate) const SNOOZE_MINUTES: u64 = limits::SNOOZE_MAX.as_secs() / 60;

/// A change and a note.
#[derive(Debug, PartialEq)]
pub(crate) struct Patch {
    pub change: Change,
    pub note: Option<String>,
}

/// Reads the body of a PATCH.
pub(crate) fn read(body: Value, now: Timestamp) -> Result<Patch, ApiError> {
    let mut fields = Fields::of(body)?;
    let status = fields.word("status", "an incident status", Status::from_word);
    let status = fields.not_null("status", status);
    let snooze_until = snooze(&mut fields, status, now);
    let status = match status {
        None => None,
        Some(Status::Open) => Some(StatusChange::Open),
        Some(Status::Acknowledged) => Some(StatusChange::Acknowledged),
        Some(Status::Suppressed) => Some(StatusChange::Suppressed),
        Some(Status::Resolved) => Some(StatusChange::Resolved),
        Some(Status::Snoozed) => snooze_until.map(StatusChange::SnoozedUntil),
    };
    let title = fields.line("title", limits::TITLE_CHARS);
    let urgency = fields.word("urgency", "HIGH, MEDIUM or LOW", Urgency::from_word);
    let change = Change {
        status,
        title: fields.not_null("title", title),
        description: fields
            .block("description", limits::DESCRIPTION_CHARS)
            .change(),
        urgency: fields.not_null("urgency", urgency),
        priority: fields.line("priority", PRIORITY_CHARS).change(),
        assignee: assignee(&mut fields).change(),
    };
    let note = fields.block("note", limits::NOTE_CHARS).value();
    fields.finish()?;
    Ok(Patch { change, note })
}

/// Until when to snooze; one of two fields, and only with SNOOZED.
fn snooze(fields: &mut Fields, status: Option<Status>, now: Timestamp) -> Option<Timestamp> {
    let until = fields
        .word(
            "snoozedUntil",
            "an RFC 3339 timestamp in the future, at most 30 days ahead",
            |text| {
                let latest = now.after(limits::SNOOZE_MAX);
                Timestamp::parse_rfc3339(text).filter(|until| now < *until && *until <= latest)
            },
        )
        .value();
    let minutes = fields.number("snoozeMinutes", 1..=SNOOZE_MINUTES).value();
    match (status, until, minutes) {
        (Some(Status::Snoozed), Some(until), None) => Some(until),
        (Some(Status::Snoozed), None, Some(minutes)) => {
            Some(now.after(Duration::from_secs(minutes * 60)))
        }
        (Some(Status::Snoozed), Some(_), Some(_)) => {
            fields.problem("snoozeMinutes", "cannot be combined with snoozedUntil");
            None
        }
        (Some(Status::Snoozed), None, None) => {
            if !fields.has_problem("snooze") {
                fields.problem(
                    "snoozedUntil",
                    "is required with the status SNOOZED (or snoozeMinutes)",
                );
            }
            None
        }
        (_, None, None) => None,
        (_, until, _) => {
            let given = if until.is_some() {
                "snoozedUntil"
            } else {
                "snoozeMinutes"
            };
            fields.problem(given, "goes with the status SNOOZED only");
            None
        }
    }
}

/// `{name, email?}`, or `null` for nobody.
pub(crate) fn assignee(fields: &mut Fields) -> Field<Assignee> {
    let mut inner = match fields.object("assignee") {
        Field::Absent => return Field::Absent,
        Field::Null => return Field::Null,
        Field::Value(inner) => inner,
    };
    let name = inner.line("name", limits::NAME_CHARS);
    let name = inner.required("name", name);
    let email = inner.line("email", 254).value();
    fields.absorb("assignee", inner);
    name.map_or(Field::Absent, |name| Field::Value(Assignee { name, email }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snooze_needs_exactly_one_end() {
        let now = Timestamp::now();
        let status = |body| read(body, now).map(|patch| patch.change.status);
        let minutes = status(json!({"status": "SNOOZED", "snoozeMinutes": 5})).unwrap();
        assert_eq!(
            minutes,
            Some(StatusChange::SnoozedUntil(
                now.after(Duration::from_secs(300))
            ))
        );
        for body in [
            json!({"status": "SNOOZED"}),
            json!({"status": "SNOOZED", "snoozeMinutes": 0}),
            json!({"status": "SNOOZED", "snoozeMinutes": 5, "snoozedUntil": "2999-01-01T00:00:00Z"}),
            json!({"status": "SNOOZED", "snoozedUntil": "2020-01-01T00:00:00Z"}),
            json!({"status": "OPEN", "snoozeMinutes": 5}),
            json!({"snoozeMinutes": 5}),
            json!({"status": "SNOOZED", "snoozeMinutes": SNOOZE_MINUTES + 1}),
            json!({"status": "SNOOZED", "snoozedUntil": now.after(limits::SNOOZE_MAX).after(Duration::from_secs(1))}),
            json!({"status": "ACKNOWLEDGED", "snoozedUntil": now.after(limits::SNOOZE_MAX)}),
            json!({"status": null}),
            json!({"title": null}),
            json!({"urgency": null}),
        ] {
            assert!(status(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        let patch = read(json!({}), Timestamp::now()).unwrap();
        assert_eq!(
            patch,
            Patch {
                change: Change::default(),
                note: None
            }
        );
    }
}
