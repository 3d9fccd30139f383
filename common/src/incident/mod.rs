//! An incident and the rules by which it changes (domain rules 2, 3 and 6).
//! Pure: what comes out is written by the store in one transaction.

mod change;

use serde::{Deserialize, Serialize};

use crate::{
    alert::{DedupKey, Urgency},
    id::{EventId, IncidentId, ServiceId},
    service_options::MaintenanceWindow,
    time::Timestamp,
};

pub use change::{Change, ChangeRefused, Changed, FieldChange, StatusChange};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = IncidentStatus)]
pub enum Status {
    /// Nobody has reacted yet.
    Open,
    /// Somebody is on it.
    Acknowledged,
    /// Quiet until a moment.
    Snoozed,
    /// Quiet until it is over.
    Suppressed,
    /// Over.
    Resolved,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Acknowledged,
        Self::Snoozed,
        Self::Suppressed,
        Self::Resolved,
    ];

    /// The status as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Snoozed => "SNOOZED",
            Self::Suppressed => "SUPPRESSED",
            Self::Resolved => "RESOLVED",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A service as incidents name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceRef {
    /// The service.
    pub id: ServiceId,
    /// Its name when the incident was opened.
    pub name: String,
}

/// Who works on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Assignee {
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    #[serde(default)]
    #[schema(required)]
    pub email: Option<String>,
}

/// An incident. Its alert count lives in the counter item while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Identifier.
    pub id: IncidentId,
    /// One line for a person.
    pub title: String,
    /// More text.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How fast somebody has to look.
    pub urgency: Urgency,
    /// Free text, at most 20 characters (`P1`).
    pub priority: Option<String>,
    /// What it is about.
    pub service: ServiceRef,
    /// Who works on it.
    pub assignee: Option<Assignee>,
    /// What joins its alerts; absent where a person opened it.
    pub dedup_key: Option<DedupKey>,
    /// What reported it first.
    pub source: String,
    /// Where to look, as the first alert says.
    pub link: Option<String>,
    /// Seconds without an alert after which it is over; for tools that never
    /// report a recovery.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auto_resolve_after: Option<u64>,
    /// The maintenance during which an alert opened it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub maintenance: Option<MaintenanceWindow>,
    /// Alerts so far.
    pub alert_count: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Until when it is quiet.
    pub snoozed_until: Option<Timestamp>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// The event of its latest change.
    pub last_event: EventId,
}

impl Incident {
    /// Whether it is not over.
    pub fn is_open(&self) -> bool {
        self.status != Status::Resolved
    }
}
