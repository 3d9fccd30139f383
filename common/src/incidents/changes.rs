//! Changes that people, programs and the clock make.

use super::Incidents;
use crate::{
    alert::Urgency,
    aws,
    event::{Actor, Event},
    id::{EventId, IncidentId},
    incident::{Assignee, Change, ChangeRefused, Incident, Status},
    limits,
    store::{CounterChange, Opening, StoreError},
    time::Timestamp,
};

/// An incident that a person opens.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// One line.
    pub title: String,
    /// More text.
    pub description: Option<String>,
    /// The service that it is about.
    pub service: crate::incident::ServiceRef,
    /// How fast somebody has to look.
    pub urgency: Urgency,
    /// Free text.
    pub priority: Option<String>,
    /// Who works on it.
    pub assignee: Option<Assignee>,
}

/// Which version of an incident a change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Whichever is the latest.
    Latest,
    /// This one.
    Version(u64),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// The incident is not at the version that the change was meant for.
    #[error("the incident is at version {0}")]
    VersionMismatch(u64),
    /// The incident does not allow it.
    #[error(transparent)]
    Refused(#[from] ChangeRefused),
    /// Another incident is open for the same dedup key.
    #[error("another incident is open for the same dedup key")]
    KeyTaken,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Incidents {
    /// Opens an incident on a person's behalf; it has no dedup key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create(
        &self,
        new: NewIncident,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Incident, StoreError> {
        let incident = Incident {
            id: IncidentId::at(now),
            title: new.title,
            description: new.description,
            status: Status::Open,
            urgency: new.urgency,
            priority: new.priority,
            service: new.service,
            assignee: new.assignee,
            dedup_key: None,
            source: actor.name.clone(),
            link: None,
            auto_resolve_after: None,
            maintenance: None,
            alert_count: 0,
            created_at: now,
            updated_at: now,
            acknowledged_at: None,
            resolved_at: None,
            snoozed_until: None,
            version: 1,
            last_event: EventId::at(now),
        };
        let event = Event::created(&incident, actor);
        let opening = Opening {
            incident: &incident,
            event: &event,
            alert: None,
            before: None,
        };
        self.store.open_incident(opening).await?;
        Ok(incident)
    }

    /// Changes an incident; what is there already changes nothing and tells
    /// nobody. Answers the incident as it is then.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn change(
        &self,
        id: IncidentId,
        change: &Change,
        note: Option<&str>,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Incident, ChangeError> {
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            let incident = self
                .store
                .incident_with_count(id)
                .await?
                .ok_or(ChangeError::NotFound)?;
            if let Precondition::Version(version) = precondition
                && version != incident.version
            {
                return Err(ChangeError::VersionMismatch(incident.version));
            }
            match self.change_once(&incident, change, note, actor).await {
                Err(ChangeError::Store(StoreError::Conflict)) => {}
                other => return other,
            }
            if incident.status == Status::Resolved && self.key_is_taken(&incident).await? {
                return Err(ChangeError::KeyTaken);
            }
            aws::conflict_pause(attempt).await;
        }
        Err(StoreError::Unavailable("too many writers on one incident".to_owned()).into())
    }

    async fn change_once(
        &self,
        incident: &Incident,
        change: &Change,
        note: Option<&str>,
        actor: &Actor,
    ) -> Result<Incident, ChangeError> {
        let now = Timestamp::now();
        let Some(changed) = incident.apply(change, now)? else {
            if let Some(note) = note {
                self.store
                    .add_note(&Event::note(incident, note.to_owned(), now, actor.clone()))
                    .await?;
            }
            return Ok(incident.clone());
        };
        let mut events = vec![Event::changed(&changed, actor.clone())];
        if let Some(note) = note {
            events.push(Event::note(
                &changed.incident,
                note.to_owned(),
                now,
                actor.clone(),
            ));
        }
        let counter = match (incident.is_open(), changed.incident.is_open()) {
            (true, false) => CounterChange::Resolve(None),
            (false, true) => CounterChange::Reopen(self.settled_counter(incident).await?),
            _ => CounterChange::Follow,
        };
        match (counter, incident.is_open()) {
            // A closed incident's counter may belong to a later one by now.
            (CounterChange::Follow, false) => {
                self.store
                    .change_closed_incident(&changed.incident, &events)
                    .await?
            }
            _ => {
                self.store
                    .change_incident(&changed.incident, &events, counter)
                    .await?
            }
        }
        Ok(changed.incident)
    }

    /// The closed incident that has the counter of this incident's key, its
    /// count settled.
    async fn settled_counter(&self, incident: &Incident) -> Result<Option<IncidentId>, StoreError> {
        let Some(key) = &incident.dedup_key else {
            return Ok(None);
        };
        let Some(counter) = self.store.counter(incident.service.id, key).await? else {
            return Ok(None);
        };
        self.store.settle_count(&counter).await?;
        Ok(counter.incident_id)
    }

    async fn key_is_taken(&self, incident: &Incident) -> Result<bool, StoreError> {
        let Some(key) = &incident.dedup_key else {
            return Ok(false);
        };
        let counter = self.store.counter(incident.service.id, key).await?;
        Ok(counter
            .and_then(|counter| counter.open_incident())
            .is_some_and(|open| open != incident.id))
    }
}
