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
pub use lists::{AutoResolving, IncidentFilter};

use super::{Page, Store, StoreError, keys};
use crate::{
    event::Event,
    id::{AlertId, EventId, IncidentId},
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

    /// The timeline of an incident, oldest first, from after the entry `after`.
    /// A page may be short and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn timeline(
        &self,
        id: IncidentId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Page<Event>, StoreError> {
        let partition = keys::incident_partition(id);
        let after = after.map(|after| keys::event(id, after));
        let entries = self.query_page(&partition, keys::EVENT_PREFIX, after, limit);
        let (entries, more): (Vec<Event>, bool) = entries.await?;
        let last = entries.last().map(|event| event.id.to_string());
        Ok(Page {
            entries,
            next: last.filter(|_| more),
        })
    }

    /// The raw alerts kept of an incident, oldest first, from after the alert
    /// `after`. A page may be short and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn raw_alerts(
        &self,
        id: IncidentId,
        after: Option<AlertId>,
        limit: usize,
    ) -> Result<Page<RawAlert>, StoreError> {
        let partition = keys::incident_partition(id);
        let after = after.map(|after| keys::raw_alert(id, after));
        let entries = self.query_page(&partition, keys::ALERT_PREFIX, after, limit);
        let (entries, more): (Vec<RawAlert>, bool) = entries.await?;
        let last = entries.last().map(|alert| alert.id.to_string());
        Ok(Page {
            entries,
            next: last.filter(|_| more),
        })
    }
}

fn closed_expiry(incident: &Incident) -> u64 {
    incident
        .resolved_at
        .unwrap_or(incident.updated_at)
        .after(limits::CLOSED_INCIDENT_RETENTION)
        .unix_seconds()
}
