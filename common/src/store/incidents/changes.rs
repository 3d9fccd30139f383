//! What a change writes, in one transaction: the incident, its event, notes,
//! the first alert and the counter.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::{
    super::{PutItem, Store, StoreError, keys, number, text},
    CounterChange, RawAlert, closed_expiry,
};
use crate::{event::Event, id::IncidentId, incident::Incident, limits, time::Timestamp};

/// A new incident of a dedup key, ready to be written.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its `incident.created`.
    pub event: &'a Event,
    /// The alert that opens it.
    pub alert: Option<&'a RawAlert>,
    /// The closed incident that the key's counter belongs to; its count is
    /// settled ([`Store::settle_count`]).
    pub before: Option<IncidentId>,
}

impl Store {
    /// Opens an incident in one transaction: the incident, its event, its
    /// first alert, and the counter, if the key has no open incident.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the key got an open incident in the meantime.
    pub async fn open_incident(&self, opening: Opening<'_>) -> Result<(), StoreError> {
        let Opening {
            incident,
            event,
            alert,
            before,
        } = opening;
        let mut items = vec![
            self.incident_put(incident)?
                .only_if("attribute_not_exists(pk)")
                .in_transaction()?,
            self.event_put(event)?.in_transaction()?,
            self.outbox_entry(event.id)?,
        ];
        if incident.dedup_key.is_some() {
            items.push(self.counter_takeover(incident, before)?);
        }
        if let Some(alert) = alert {
            items.push(self.raw_alert_put(incident.id, alert)?.in_transaction()?);
        }
        self.transact(items).await
    }

    /// Writes a change in one transaction: the incident if nobody changed it
    /// since, its event, notes, and the counter.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody changed the incident or took its counter.
    pub async fn change_incident(
        &self,
        incident: &Incident,
        events: &[Event],
        counter: CounterChange,
    ) -> Result<(), StoreError> {
        let mut items = self.incident_and_events(incident, events)?;
        if incident.dedup_key.is_some() {
            items.push(match counter {
                CounterChange::Reopen(before) => self.counter_takeover(incident, before)?,
                _ => self.counter_update(incident, counter)?,
            });
        }
        self.transact(items).await
    }

    /// Writes a change of an incident that stays closed: its counter may have
    /// gone to another incident and is left alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody changed the incident.
    pub async fn change_closed_incident(
        &self,
        incident: &Incident,
        events: &[Event],
    ) -> Result<(), StoreError> {
        self.transact(self.incident_and_events(incident, events)?)
            .await
    }

    fn incident_and_events(
        &self,
        incident: &Incident,
        events: &[Event],
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = vec![
            self.incident_put(incident)?
                .only_if("version = :before")
                .value(":before", number(incident.version - 1))
                .in_transaction()?,
        ];
        for event in events {
            items.push(self.event_put(event)?.in_transaction()?);
            if event.body.is_some() {
                items.push(self.outbox_entry(event.id)?);
            }
        }
        Ok(items)
    }

    fn incident_put(&self, incident: &Incident) -> Result<PutItem, StoreError> {
        let mut put = self
            .put(keys::incident(incident.id), incident)?
            .with("serviceId", text(incident.service.id.to_string()))
            .with(
                "gsi1pk",
                text(keys::index_partition(incident.id, incident.is_open())),
            )
            .with("gsi1sk", text(incident.id.to_string()));
        if !incident.is_open() {
            put = put.with("expiresAt", number(closed_expiry(incident)));
        }
        Ok(put)
    }

    fn event_put(&self, event: &Event) -> Result<PutItem, StoreError> {
        // The stream's filter takes only what has an outgoing event.
        let kind = if event.body.is_some() {
            "EVENT"
        } else {
            "NOTE"
        };
        Ok(self
            .put(keys::event(event.incident_id, event.id), event)?
            .with("kind", text(kind))
            .with("expiresAt", open_history_expiry(event.at)))
    }

    fn raw_alert_put(&self, incident: IncidentId, alert: &RawAlert) -> Result<PutItem, StoreError> {
        Ok(self
            .put(keys::raw_alert(incident, alert.id), alert)?
            .with("expiresAt", open_history_expiry(alert.received_at)))
    }

    /// Adds a note to an incident's timeline; the incident itself stays as it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn add_note(&self, note: &Event) -> Result<(), StoreError> {
        self.event_put(note)?.send(&self.client).await
    }

    /// Keeps a raw alert with its incident.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn keep_alert(
        &self,
        incident: IncidentId,
        alert: &RawAlert,
    ) -> Result<(), StoreError> {
        self.raw_alert_put(incident, alert)?
            .send(&self.client)
            .await
    }
}

/// `fanout` shortens it when the incident closes.
fn open_history_expiry(written_at: Timestamp) -> AttributeValue {
    number(
        written_at
            .after(limits::OPEN_HISTORY_RETENTION)
            .unix_seconds(),
    )
}
