//! Changes that time alone makes. A run of the clock does as many as it has time
//! for, those of the oldest incidents first; the next one does the rest.

use std::{collections::HashMap, time::Instant};

use futures_util::{StreamExt as _, stream};

use super::{ChangeError, Incidents, Precondition};
use crate::{
    event::{Actor, Event},
    id::IncidentId,
    incident::{Change, Incident, StatusChange},
    store::{AutoResolving, Counter, CounterChange, StoreError},
    time::Timestamp,
};

/// Incidents read at once: what one batch of reads takes.
const READ_AT_ONCE: usize = 100;
/// Incidents changed at the same time.
const CHANGED_AT_ONCE: usize = 16;

impl Incidents {
    /// Opens incidents again whose snooze is over, until `until`. Answers how
    /// many.
    ///
    /// # Errors
    /// See [`StoreError`]; incidents that could not be changed are left for the
    /// next run.
    pub async fn end_snoozes(&self, now: Timestamp, until: Instant) -> Result<usize, StoreError> {
        let mut ended = 0;
        for ids in self.store.snoozed_incidents().await?.chunks(READ_AT_ONCE) {
            if Instant::now() >= until {
                tracing::warn!(ended, "snoozes are left for the next run");
                break;
            }
            let incidents = self.store.incidents_by_id(ids).await?;
            let is_over = |until: Timestamp| until <= now;
            let due = incidents
                .iter()
                .filter(|incident| incident.snoozed_until.is_some_and(is_over))
                .map(|incident| self.end_snooze(incident));
            ended += count(due.collect()).await;
        }
        Ok(ended)
    }

    async fn end_snooze(&self, incident: &Incident) -> bool {
        let change = Change {
            status: Some(StatusChange::Open),
            ..Change::default()
        };
        let version = Precondition::Version(incident.version);
        match self
            .change(incident.id, &change, None, version, &Actor::schedule())
            .await
        {
            Ok(_) => true,
            // Somebody was faster: what they did counts.
            Err(ChangeError::VersionMismatch(_) | ChangeError::NotFound) => false,
            Err(error) => {
                tracing::warn!(incident.id = %incident.id, %error, "a snooze was not ended");
                false
            }
        }
    }

    /// Resolves incidents whose integration or service asked for it and that
    /// had no alert for so long, until `until`. Answers how many.
    ///
    /// # Errors
    /// See [`StoreError`]; incidents that could not be changed are left for the
    /// next run.
    pub async fn resolve_quiet(&self, now: Timestamp, until: Instant) -> Result<usize, StoreError> {
        let mut incidents = self.store.auto_resolving_incidents().await?;
        // The latest alert is no older than its incident: most need no look at
        // their counter.
        incidents.retain(|one| is_quiet(one, one.id.created_at(), now));
        let mut resolved = 0;
        for batch in incidents.chunks(READ_AT_ONCE) {
            if Instant::now() >= until {
                tracing::warn!(resolved, "quiet incidents are left for the next run");
                break;
            }
            let keys = batch
                .iter()
                .filter_map(|one| Some((one.service_id, one.dedup_key.as_ref()?)));
            let counters: HashMap<IncidentId, Counter> = (self.store.counters(keys).await?)
                .into_iter()
                .filter_map(|counter| Some((counter.open_incident()?, counter)))
                .collect();
            let due = batch.iter().filter_map(|one| {
                let counter = counters.get(&one.id)?;
                let last_alert = counter.last_alert_at.unwrap_or(one.id.created_at());
                is_quiet(one, last_alert, now)
                    .then(|| self.resolve_one(one.id, counter, last_alert, now))
            });
            resolved += count(due.collect()).await;
        }
        Ok(resolved)
    }

    async fn resolve_one(
        &self,
        id: IncidentId,
        counter: &Counter,
        last_alert: Timestamp,
        now: Timestamp,
    ) -> bool {
        match self.try_resolve(id, counter, last_alert, now).await {
            Ok(resolved) => resolved,
            // Somebody was faster.
            Err(StoreError::Conflict) => false,
            Err(error) => {
                tracing::warn!(incident.id = %id, %error, "an incident was not resolved");
                false
            }
        }
    }

    async fn try_resolve(
        &self,
        id: IncidentId,
        counter: &Counter,
        last_alert: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(incident) = self.store.incident(id).await? else {
            return Ok(false);
        };
        let incident = Incident {
            alert_count: counter.alert_count,
            ..incident
        };
        let change = Change {
            status: Some(StatusChange::Resolved),
            ..Change::default()
        };
        let Ok(Some(changed)) = incident.apply(&change, now) else {
            return Ok(false);
        };
        let event = Event::changed(&changed, Actor::schedule());
        self.store
            .change_incident(
                &changed.incident,
                &[event],
                CounterChange::ResolveQuiet(last_alert),
            )
            .await?;
        Ok(true)
    }
}

fn is_quiet(incident: &AutoResolving, since: Timestamp, now: Timestamp) -> bool {
    now.since(since).as_secs() >= incident.auto_resolve_after
}

/// How many of these changes were made.
async fn count(changes: Vec<impl Future<Output = bool>>) -> usize {
    let made = stream::iter(changes).buffer_unordered(CHANGED_AT_ONCE);
    made.filter(|made| std::future::ready(*made)).count().await
}
