//! Alerts: trigger, acknowledge, resolve (domain rules 2 to 4).

use serde::Serialize;

use super::Incidents;
use crate::{
    alert::{Action, Alert, DedupKey, Urgency},
    aws,
    event::{Actor, ActorKind, Event},
    id::{AlertId, EventId, IncidentId},
    incident::{Change, Incident, ServiceRef, Status, StatusChange},
    integration::{Integration, Service},
    limits,
    service_options::{MaintenanceWindow, maintenance_at},
    store::{Counted, Counter, CounterChange, Opening, RawAlert, StoreError},
    text,
    time::Timestamp,
};

/// Who reports alerts, and on what.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The service that the alerts are about.
    pub service: ServiceRef,
    /// Who is named in the timeline.
    pub actor: Actor,
    /// Seconds without an alert after which incidents are over.
    pub auto_resolve_after: Option<u64>,
    /// The times at which new incidents are suppressed from the start.
    pub maintenance_windows: Vec<MaintenanceWindow>,
    /// The urgency of new incidents, whatever the severity of their alerts.
    pub default_urgency: Option<Urgency>,
}

impl Reporter {
    /// Somebody who reports to this service without an integration.
    pub fn of_service(service: &Service, actor: Actor) -> Self {
        let options = &service.options;
        Self {
            service: service.reference(),
            actor,
            auto_resolve_after: options.auto_resolve_after(),
            maintenance_windows: options.maintenance_windows.clone(),
            default_urgency: options.default_urgency,
        }
    }

    /// The urgency that this alert asks for.
    fn urgency_of(&self, alert: &Alert) -> Urgency {
        self.default_urgency
            .unwrap_or_else(|| alert.severity.urgency())
    }

    /// The urgency below which this alert raises an open incident: with an
    /// urgency of the service's own, severity says nothing.
    fn raises_below(&self, alert: &Alert) -> Urgency {
        match self.default_urgency {
            Some(_) => Urgency::Low,
            None => alert.severity.urgency(),
        }
    }
}

impl From<&Integration> for Reporter {
    fn from(integration: &Integration) -> Self {
        Self {
            service: integration.service.clone(),
            // The integration's own setting wins, also the 0 that says never.
            auto_resolve_after: integration
                .settings
                .number("autoResolveAfter")
                .or_else(|| integration.service_options.auto_resolve_after())
                .filter(|seconds| *seconds > 0),
            maintenance_windows: integration.service_options.maintenance_windows.clone(),
            default_urgency: integration.service_options.default_urgency,
            actor: Actor {
                kind: ActorKind::Integration,
                id: Some(integration.id.to_string()),
                name: integration.name.clone(),
                address: None,
            },
        }
    }
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertOutcome {
    /// It opened this incident.
    Triggered(IncidentSummary),
    /// It was counted on this open incident.
    Deduplicated(IncidentSummary),
    /// This incident is acknowledged (or stays snoozed or suppressed).
    Acknowledged(IncidentSummary),
    /// It resolved this incident.
    Resolved(IncidentSummary),
    /// It changed nothing, for this reason.
    Ignored(String),
}

/// An incident as the answer to an alert names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct IncidentSummary {
    /// Identifier.
    pub id: IncidentId,
    /// Title.
    pub title: String,
    /// Status.
    pub status: Status,
    /// Urgency.
    pub urgency: Urgency,
}

impl From<&Incident> for IncidentSummary {
    fn from(incident: &Incident) -> Self {
        Self {
            id: incident.id,
            title: incident.title.clone(),
            status: incident.status,
            urgency: incident.urgency,
        }
    }
}

/// Why an acknowledgement or a resolve is ignored.
pub(crate) const NOTHING_OPEN: &str = "no open incident with this dedup key";

impl Incidents {
    /// Applies one alert. The answer can be sent as soon as this returns: what
    /// it says is durable.
    ///
    /// # Errors
    /// [`StoreError`] where nothing is known to have changed.
    pub async fn apply_alert(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            let applied = match alert.action {
                Action::Trigger => self.trigger(reporter, key, alert, now).await,
                Action::Acknowledge => self.acknowledge(reporter, key, now).await,
                Action::Resolve => self.resolve(reporter, key, alert, now).await,
            };
            match applied {
                Err(StoreError::Conflict) => aws::conflict_pause(attempt).await,
                other => return other,
            }
        }
        Err(StoreError::Unavailable(
            "too many writers on one dedup key".to_owned(),
        ))
    }

    async fn trigger(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        let urgency = reporter.raises_below(alert);
        match self
            .store
            .count_alert(reporter.service.id, key, urgency, now)
            .await?
        {
            Counted::Deduplicated(counter) => self.deduplicated(&counter, alert, now).await,
            Counted::Lower(incident) => self.raise(reporter, incident, alert, now).await,
            Counted::None(counter) => self.open(reporter, key, alert, counter.as_ref(), now).await,
        }
    }

    async fn deduplicated(
        &self,
        counter: &Counter,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        let (Some(id), Some(status)) = (counter.incident_id, counter.status) else {
            return Err(StoreError::Refused(
                "a counter without an incident was counted".to_owned(),
            ));
        };
        if is_sampled(counter.alert_count) {
            // The alert is counted already: a raw copy that cannot be kept is no
            // reason to let the sender send it again.
            if let Err(error) = self.store.keep_alert(id, &raw_alert(alert, now)).await {
                tracing::warn!(incident.id = %id, %error, "a raw alert was not kept");
            }
        }
        Ok(AlertOutcome::Deduplicated(IncidentSummary {
            id,
            title: counter.title.clone(),
            status,
            urgency: counter.urgency(),
        }))
    }

    /// Domain rule 2: a more severe repeat raises the urgency and says so.
    async fn raise(
        &self,
        reporter: &Reporter,
        id: IncidentId,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        let incident = self.store.incident(id).await?.ok_or(StoreError::Conflict)?;
        if !incident.is_open() {
            // Resolved in between: the alert opens the next one.
            return Err(StoreError::Conflict);
        }
        let change = Change {
            urgency: Some(alert.severity.urgency()),
            ..Change::default()
        };
        // `None`: somebody else raised it since; counting it will now succeed.
        let Ok(Some(changed)) = incident.apply(&change, now) else {
            return Err(StoreError::Conflict);
        };
        let event = Event::changed(&changed, reporter.actor.clone());
        self.store
            .change_incident(&changed.incident, &[event], CounterChange::FollowAndCount)
            .await?;
        Ok(AlertOutcome::Deduplicated((&changed.incident).into()))
    }

    async fn open(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        alert: &Alert,
        before: Option<&Counter>,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        if let Some(resolved) =
            before.and_then(|counter| counter.resolved_already(alert.occurred_at, now))
        {
            return Ok(AlertOutcome::Ignored(format!(
                "already resolved at {resolved}"
            )));
        }
        if let Some(counter) = before {
            self.store.settle_count(counter).await?;
        }
        let incident = new_incident(reporter, key, alert, now);
        let event = Event::created(&incident, reporter.actor.clone());
        let raw = raw_alert(alert, now);
        let opening = Opening {
            incident: &incident,
            event: &event,
            alert: Some(&raw),
            before: before.and_then(|counter| counter.incident_id),
        };
        self.store.open_incident(opening).await?;
        Ok(AlertOutcome::Triggered((&incident).into()))
    }

    async fn acknowledge(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        let counter = self.store.counter(reporter.service.id, key).await?;
        let Some(id) = counter.as_ref().and_then(Counter::open_incident) else {
            return Ok(AlertOutcome::Ignored(NOTHING_OPEN.to_owned()));
        };
        let incident = self.store.incident(id).await?.ok_or(StoreError::Conflict)?;
        // Domain rule 3: what a person made quiet stays quiet.
        if incident.status != Status::Open {
            return if incident.is_open() {
                Ok(AlertOutcome::Acknowledged((&incident).into()))
            } else {
                Err(StoreError::Conflict)
            };
        }
        let changed = change_status(&incident, StatusChange::Acknowledged, now)?;
        let event = Event::changed(&changed, reporter.actor.clone());
        self.store
            .change_incident(&changed.incident, &[event], CounterChange::Follow)
            .await?;
        Ok(AlertOutcome::Acknowledged((&changed.incident).into()))
    }

    async fn resolve(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<AlertOutcome, StoreError> {
        let counter = self.store.counter(reporter.service.id, key).await?;
        let Some(id) = counter.as_ref().and_then(Counter::open_incident) else {
            self.remember_resolve(reporter, key, counter.as_ref(), alert.occurred_at, now)
                .await?;
            return Ok(AlertOutcome::Ignored(NOTHING_OPEN.to_owned()));
        };
        let mut incident = self.store.incident(id).await?.ok_or(StoreError::Conflict)?;
        incident.alert_count = counter.map_or(incident.alert_count, |counter| counter.alert_count);
        let changed = change_status(&incident, StatusChange::Resolved, now)?;
        let event = Event::changed(&changed, reporter.actor.clone());
        self.store
            .change_incident(
                &changed.incident,
                &[event],
                CounterChange::Resolve(alert.occurred_at),
            )
            .await?;
        Ok(AlertOutcome::Resolved((&changed.incident).into()))
    }

    /// Domain rule 4: a resolve may overtake its trigger. One that belongs to
    /// the incident that the key had last is a duplicate, not an overtaker:
    /// remembering it could swallow the next outage.
    async fn remember_resolve(
        &self,
        reporter: &Reporter,
        key: &DedupKey,
        counter: Option<&Counter>,
        occurred_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(at) = occurred_at else { return Ok(()) };
        let service = reporter.service.id;
        let closed =
            counter.and_then(|counter| Some((counter.incident_id?, counter.resolved_occurred_at)));
        match closed {
            Some((incident, None)) => self.store.adopt_resolve(service, key, incident, at).await,
            Some((_, Some(resolved))) if at <= resolved => Ok(()),
            _ => {
                let known = counter.and_then(|counter| counter.orphan_resolved_at);
                self.store
                    .remember_resolve(service, key, known.map_or(at, |known| known.max(at)), now)
                    .await
            }
        }
    }
}

/// A resolved incident behind an open counter was read between two writes.
fn change_status(
    incident: &Incident,
    status: StatusChange,
    now: Timestamp,
) -> Result<crate::incident::Changed, StoreError> {
    let change = Change {
        status: Some(status),
        ..Change::default()
    };
    incident
        .apply(&change, now)
        .ok()
        .flatten()
        .ok_or(StoreError::Conflict)
}

/// Whether the n-th raw alert of an incident is kept.
fn is_sampled(count: u64) -> bool {
    count <= limits::RAW_ALERTS_KEPT || count.is_multiple_of(limits::RAW_ALERTS_SAMPLE)
}

fn new_incident(reporter: &Reporter, key: &DedupKey, alert: &Alert, now: Timestamp) -> Incident {
    let title = text::line(&alert.title, limits::TITLE_CHARS);
    let source = text::line(&alert.source, limits::SOURCE_CHARS);
    let maintenance = maintenance_at(&reporter.maintenance_windows, now);
    Incident {
        id: IncidentId::at(now),
        title: if title.is_empty() {
            format!("Alert from {source}")
        } else {
            title
        },
        description: alert
            .description
            .as_deref()
            .map(|description| text::block(description, limits::DESCRIPTION_CHARS))
            .filter(|description| !description.is_empty()),
        status: match maintenance {
            Some(_) => Status::Suppressed,
            None => Status::Open,
        },
        urgency: reporter.urgency_of(alert),
        priority: None,
        service: reporter.service.clone(),
        assignee: None,
        dedup_key: Some(key.clone()),
        source,
        link: alert.link.clone(),
        auto_resolve_after: reporter.auto_resolve_after,
        maintenance: maintenance.cloned(),
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

fn raw_alert(alert: &Alert, now: Timestamp) -> RawAlert {
    let details = alert.details.to_string();
    let kept = text::cut_bytes(&details, limits::RAW_ALERT_DETAILS_BYTES);
    RawAlert {
        id: AlertId::at(now),
        received_at: now,
        occurred_at: alert.occurred_at,
        action: alert.action,
        severity: alert.severity,
        title: text::line(&alert.title, limits::TITLE_CHARS),
        source: text::line(&alert.source, limits::SOURCE_CHARS),
        link: alert.link.clone(),
        truncated: kept.len() < details.len(),
        details: kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fifty_alerts_are_kept_and_then_every_hundredth() {
        let kept: Vec<u64> = (1..=301).filter(|count| is_sampled(*count)).collect();
        assert_eq!(kept.len(), 53);
        assert_eq!(kept[49..], [50, 100, 200, 300]);
    }
}
