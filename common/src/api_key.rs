//! API keys and what they allow.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Actor, ActorKind},
    id::ApiKeyId,
    time::Timestamp,
};

/// A right. None implies another: a caller needs exactly the one that a route
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Scope {
    /// Reading incidents, their timelines and alerts.
    #[serde(rename = "incidents:read")]
    IncidentsRead,
    /// Opening and changing incidents.
    #[serde(rename = "incidents:write")]
    IncidentsWrite,
    /// Reading services, integrations, webhooks, deliveries, API keys and the
    /// audit log.
    #[serde(rename = "settings:read")]
    SettingsRead,
    /// Changing them, and seeing what receivers answered.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Sending events to `/api/events`, for every service.
    #[serde(rename = "events:write")]
    EventsWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::IncidentsRead,
        Self::IncidentsWrite,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::EventsWrite,
    ];

    /// The scope as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentsRead => "incidents:read",
            Self::IncidentsWrite => "incidents:write",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::EventsWrite => "events:write",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A key of the management API. Its token is not part of it: only the token's
/// digest is kept, as the place where the key lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Identifier.
    pub id: ApiKeyId,
    /// Name.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is not valid any more.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Actor,
    /// When it was used last, at most a minute behind. Absent, not null, where
    /// it never was: the write's condition asks so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The key as timelines and the audit log name it.
    pub fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::Api,
            id: Some(self.id.to_string()),
            name: self.name.clone(),
            address: None,
        }
    }
}
