//! How an incident changes, and the one event that tells of it.

use serde::{Deserialize, Serialize};

use super::{Assignee, Incident, Status};
use crate::{alert::Urgency, event::EventName, id::EventId, time::Timestamp};

/// Changes wanted of an incident; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// New status.
    pub status: Option<StatusChange>,
    /// New title.
    pub title: Option<String>,
    /// New description, or none.
    pub description: Option<Option<String>>,
    /// New urgency.
    pub urgency: Option<Urgency>,
    /// New priority, or none.
    pub priority: Option<Option<String>>,
    /// New assignee, or none.
    pub assignee: Option<Option<Assignee>>,
}

/// A status and what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// Open again: acknowledgement, snooze or resolution are taken back.
    Open,
    /// Acknowledged.
    Acknowledged,
    /// Quiet until then.
    SnoozedUntil(Timestamp),
    /// Quiet until it is over.
    Suppressed,
    /// Over.
    Resolved,
}

impl StatusChange {
    fn status(self) -> Status {
        match self {
            Self::Open => Status::Open,
            Self::Acknowledged => Status::Acknowledged,
            Self::SnoozedUntil(_) => Status::Snoozed,
            Self::Suppressed => Status::Suppressed,
            Self::Resolved => Status::Resolved,
        }
    }
}

/// One field of an incident that changed, for the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldChange {
    /// The field's name in the API.
    pub field: String,
    /// Its value before, as text; absent where there was none.
    #[schema(required)]
    pub from: Option<String>,
    /// Its value after.
    #[schema(required)]
    pub to: Option<String>,
}

/// An incident after a change, and what to tell about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The incident, its version counted up.
    pub incident: Incident,
    /// The one event that tells of the change.
    pub event: EventName,
    /// What changed.
    pub fields: Vec<FieldChange>,
}

/// A change that an incident does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// It is over: only reopening changes its status.
    #[error("the incident is resolved; reopen it (status OPEN) first")]
    Resolved,
}

impl Incident {
    /// Applies `change` at `now`. `None` where nothing would be different.
    ///
    /// # Errors
    /// [`ChangeRefused::Resolved`] for any status but OPEN on a resolved incident.
    pub fn apply(&self, change: &Change, now: Timestamp) -> Result<Option<Changed>, ChangeRefused> {
        let mut next = self.clone();
        if let Some(status) = change.status {
            next.set_status(status, now)?;
        }
        if let Some(title) = &change.title {
            next.title.clone_from(title);
        }
        if let Some(description) = &change.description {
            next.description.clone_from(description);
        }
        if let Some(urgency) = change.urgency {
            next.urgency = urgency;
        }
        if let Some(priority) = &change.priority {
            next.priority.clone_from(priority);
        }
        if let Some(assignee) = &change.assignee {
            next.assignee.clone_from(assignee);
        }
        let fields = self.differences(&next);
        if fields.is_empty() {
            return Ok(None);
        }
        let event = EventName::of_change(self, &next);
        next.version += 1;
        next.updated_at = now;
        next.last_event = EventId::after(Some(self.last_event), now);
        Ok(Some(Changed {
            incident: next,
            event,
            fields,
        }))
    }

    fn set_status(&mut self, change: StatusChange, now: Timestamp) -> Result<(), ChangeRefused> {
        let status = change.status();
        if self.status == Status::Resolved
            && !matches!(change, StatusChange::Open | StatusChange::Resolved)
        {
            return Err(ChangeRefused::Resolved);
        }
        self.snoozed_until = match change {
            StatusChange::SnoozedUntil(until) => Some(until),
            _ => None,
        };
        if self.status == status {
            return Ok(());
        }
        match status {
            Status::Open => {
                self.acknowledged_at = None;
                self.resolved_at = None;
            }
            Status::Acknowledged => self.acknowledged_at = Some(now),
            Status::Resolved => self.resolved_at = Some(now),
            Status::Snoozed | Status::Suppressed => {}
        }
        self.status = status;
        Ok(())
    }

    fn differences(&self, next: &Self) -> Vec<FieldChange> {
        let assignee = |incident: &Self| incident.assignee.as_ref().map(|a| a.name.clone());
        let email = |incident: &Self| incident.assignee.as_ref().and_then(|a| a.email.clone());
        let pairs = [
            (
                "status",
                Some(self.status.as_str().to_owned()),
                Some(next.status.as_str().to_owned()),
            ),
            (
                "snoozedUntil",
                self.snoozed_until.map(|t| t.to_string()),
                next.snoozed_until.map(|t| t.to_string()),
            ),
            ("title", Some(self.title.clone()), Some(next.title.clone())),
            (
                "description",
                self.description.clone(),
                next.description.clone(),
            ),
            (
                "urgency",
                Some(self.urgency.as_str().to_owned()),
                Some(next.urgency.as_str().to_owned()),
            ),
            ("priority", self.priority.clone(), next.priority.clone()),
            ("assignee", assignee(self), assignee(next)),
            ("assignee.email", email(self), email(next)),
        ];
        pairs
            .into_iter()
            .filter(|(_, from, to)| from != to)
            .map(|(field, from, to)| FieldChange {
                field: field.to_owned(),
                from,
                to,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{IncidentId, ServiceId},
        incident::ServiceRef,
    };

    fn incident(status: Status) -> Incident {
        let now = Timestamp::from_unix_millis(1_786_000_000_000);
        Incident {
            id: IncidentId::at(now),
            title: "Disk full".to_owned(),
            description: None,
            status,
            urgency: Urgency::Medium,
            priority: None,
            service: ServiceRef {
                id: ServiceId::at(now),
                name: "db".to_owned(),
            },
            assignee: None,
            dedup_key: None,
            source: "test".to_owned(),
            link: None,
            auto_resolve_after: None,
            maintenance: None,
            alert_count: 1,
            created_at: now,
            updated_at: now,
            acknowledged_at: None,
            resolved_at: None,
            snoozed_until: None,
            version: 1,
            last_event: EventId::at(now),
        }
    }

    fn apply(from: Status, change: StatusChange) -> Result<Option<Changed>, ChangeRefused> {
        let change = Change {
            status: Some(change),
            ..Change::default()
        };
        incident(from).apply(&change, Timestamp::from_unix_millis(1_786_000_001_000))
    }

    #[test]
    fn every_status_change_tells_exactly_one_event() {
        let later = Timestamp::from_unix_millis(1_786_000_600_000);
        for (from, change, event) in [
            (
                Status::Open,
                StatusChange::Acknowledged,
                EventName::Acknowledged,
            ),
            (
                Status::Open,
                StatusChange::SnoozedUntil(later),
                EventName::Snoozed,
            ),
            (
                Status::Open,
                StatusChange::Suppressed,
                EventName::Suppressed,
            ),
            (Status::Open, StatusChange::Resolved, EventName::Resolved),
            (Status::Snoozed, StatusChange::Open, EventName::Updated),
            (Status::Acknowledged, StatusChange::Open, EventName::Updated),
            (Status::Resolved, StatusChange::Open, EventName::Updated),
            (
                Status::Suppressed,
                StatusChange::Acknowledged,
                EventName::Acknowledged,
            ),
        ] {
            let changed = apply(from, change).unwrap().unwrap();
            assert_eq!(changed.event, event, "{from:?} → {change:?}");
            assert_eq!(changed.incident.version, 2);
            assert!(changed.incident.last_event > incident(from).last_event);
        }
    }

    #[test]
    fn repeating_a_status_changes_nothing() {
        for (status, change) in [
            (Status::Open, StatusChange::Open),
            (Status::Acknowledged, StatusChange::Acknowledged),
            (Status::Suppressed, StatusChange::Suppressed),
            (Status::Resolved, StatusChange::Resolved),
        ] {
            assert_eq!(apply(status, change), Ok(None));
        }
    }

    #[test]
    fn a_resolved_incident_only_reopens() {
        let later = Timestamp::from_unix_millis(1_786_000_600_000);
        for change in [
            StatusChange::Acknowledged,
            StatusChange::Suppressed,
            StatusChange::SnoozedUntil(later),
        ] {
            assert_eq!(
                apply(Status::Resolved, change),
                Err(ChangeRefused::Resolved)
            );
        }
    }

    #[test]
    fn several_fields_are_one_update() {
        let change = Change {
            title: Some("Disk full on db-1".to_owned()),
            urgency: Some(Urgency::High),
            priority: Some(Some("P1".to_owned())),
            ..Change::default()
        };
        let changed = incident(Status::Open)
            .apply(&change, Timestamp::now())
            .unwrap()
            .unwrap();
        assert_eq!(changed.event, EventName::Updated);
        let fields: Vec<_> = changed.fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["title", "urgency", "priority"]);
    }
}
