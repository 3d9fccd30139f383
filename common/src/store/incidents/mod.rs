//! Incidents, their counters, events and raw alerts.
//!
//! The counter item (`OPEN#service#key`) stays after its incident is resolved:
//! it holds the exact alert count until the next incident of the key opens,
//! and the memory of domain rule 4.

mod changes;
mod counters;
mod lists;

use serde::{Deserialize, Serialize};

pub use changes::Opening;
pub use counters::{Counted, Counter, CounterChange};
pub use lists::IncidentFilter;

use super::{Store, StoreError, keys};
use crate::{
    event::Event,
    id::{AlertId, IncidentId},
    incident::Incident,
    limits,
    time::Timestamp,
};
use counters::take_count;

/// A raw alert kept with its incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawAlert {
    /// Identifier.
    pub id: AlertId,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Timestamp>,
    /// What it asked for.
    pub action: crate::alert::Action,
    /// How bad it was.
    pub severity: crate::alert::Severity,
    /// Its title.
    pub title: String,
    /// What reported it.
    pub source: String,
    /// Where to look.
    pub link: Option<String>,
    /// Everything sent about it, as JSON text.
    pub details: String,
    /// Whether the details were cut.
    pub truncated: bool,
}

impl Store {
    /// An incident as it was last changed; its alert count may be behind, see
    /// [`Self::incident_with_count`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.get(keys::incident(id)).await
    }

    /// An incident with its exact alert count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incident_with_count(
        &self,
        id: IncidentId,
    ) -> Result<Option<Incident>, StoreError> {
        let Some(mut incident) = self.incident(id).await? else {
            return Ok(None);
        };
        if let Some(key) = &incident.dedup_key {
            let counter = self.counter(incident.service.id, key).await?;
            take_count(&mut incident, counter.as_ref());
        }
        Ok(Some(incident))
    }

    /// The timeline of an incident, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn timeline(&self, id: IncidentId) -> Result<Vec<Event>, StoreError> {
        self.query_all(&keys::incident_partition(id), keys::EVENT_PREFIX)
            .await
    }

    /// The raw alerts kept of an incident, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn raw_alerts(&self, id: IncidentId) -> Result<Vec<RawAlert>, StoreError> {
        self.query_all(&keys::incident_partition(id), keys::ALERT_PREFIX)
            .await
    }
}

fn closed_expiry(incident: &Incident) -> u64 {
    incident
        .resolved_at
        .unwrap_or(incident.updated_at)
        .after(limits::CLOSED_INCIDENT_RETENTION)
        .unix_seconds()
}
