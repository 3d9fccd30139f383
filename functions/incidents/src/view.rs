//! Incidents, events and alerts as callers see them.

use common::{
    alert::{Action, DedupKey, Severity, Urgency},
    event::{Actor, Event, EventName},
    id::{AlertId, EventId, IncidentId},
    incident::{Assignee, FieldChange, Incident, ServiceRef, Status},
    service_options::MaintenanceWindow,
    store::RawAlert,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An incident.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Incident, example = json!({
    "id": "inc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "title": "Disk full on db-1", "description": null,
    "status": "OPEN", "urgency": "HIGH", "priority": "P1",
    "service": {"id": "svc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "name": "checkout"}, "assignee": null,
    "dedupKey": "webhook:key=disk-db-1", "source": "db-1", "link": null, "alertCount": 3,
    "createdAt": "2026-01-15T10:30:00.000Z", "updatedAt": "2026-01-15T10:30:00.000Z",
    "acknowledgedAt": null, "resolvedAt": null, "snoozedUntil": null, "maintenance": null, "version": 1
}))]
pub(crate) struct IncidentView {
    id: IncidentId,
    title: String,
    #[schema(required)]
    description: Option<String>,
    status: Status,
    urgency: Urgency,
    /// Free text (`P1`).
    #[schema(required)]
    priority: Option<String>,
    service: ServiceRef,
    #[schema(required)]
    assignee: Option<Assignee>,
    /// What joins its alerts; `null` where a person opened it.
    #[schema(required)]
    dedup_key: Option<DedupKey>,
    /// What reported it first.
    source: String,
    /// Where to look, as the first alert says.
    #[schema(required)]
    link: Option<String>,
    /// Alerts so far.
    alert_count: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[schema(required)]
    acknowledged_at: Option<Timestamp>,
    #[schema(required)]
    resolved_at: Option<Timestamp>,
    #[schema(required)]
    snoozed_until: Option<Timestamp>,
    /// The maintenance during which an alert opened it.
    #[schema(required)]
    maintenance: Option<MaintenanceWindow>,
    /// Counts its changes, from 1; what `If-Match` takes.
    #[schema(minimum = 1)]
    version: u64,
}

impl From<&Incident> for IncidentView {
    fn from(incident: &Incident) -> Self {
        let incident = incident.clone();
        Self {
            id: incident.id,
            title: incident.title,
            description: incident.description,
            status: incident.status,
            urgency: incident.urgency,
            priority: incident.priority,
            service: incident.service,
            assignee: incident.assignee,
            dedup_key: incident.dedup_key,
            source: incident.source,
            link: incident.link,
            alert_count: incident.alert_count,
            created_at: incident.created_at,
            updated_at: incident.updated_at,
            acknowledged_at: incident.acknowledged_at,
            resolved_at: incident.resolved_at,
            snoozed_until: incident.snoozed_until,
            maintenance: incident.maintenance,
            version: incident.version,
        }
    }
}

/// An incident.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentAnswer {
    incident: IncidentView,
}

impl From<&Incident> for IncidentAnswer {
    fn from(incident: &Incident) -> Self {
        Self {
            incident: incident.into(),
        }
    }
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentList {
    pub incidents: Vec<IncidentView>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An entry of an incident's timeline.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimelineEntry {
    id: EventId,
    /// What receivers were told; `null` for a note.
    #[schema(required)]
    event: Option<EventName>,
    at: Timestamp,
    /// The incident's version after it.
    version: u64,
    actor: Actor,
    changes: Vec<FieldChange>,
    #[schema(required)]
    note: Option<String>,
    /// The `X-Request-Id` of the request that it came of.
    #[schema(required)]
    correlation_id: Option<String>,
}

impl From<Event> for TimelineEntry {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            event: event.name,
            at: event.at,
            version: event.version,
            actor: event.actor,
            changes: event.changes,
            note: event.note,
            correlation_id: event.correlation_id,
        }
    }
}

/// What happened to an incident, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeline {
    pub timeline: Vec<TimelineEntry>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A raw alert that was kept with its incident.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptAlert {
    id: AlertId,
    received_at: Timestamp,
    /// When it happened, by the sender's clock.
    #[schema(required)]
    occurred_at: Option<Timestamp>,
    action: Action,
    severity: Severity,
    title: String,
    source: String,
    #[schema(required)]
    link: Option<String>,
    /// Everything sent about it; text where it was cut.
    details: Value,
    /// Whether the details were cut.
    truncated: bool,
}

impl From<RawAlert> for KeptAlert {
    fn from(alert: RawAlert) -> Self {
        // Details that were cut are no JSON any more and stay text.
        let details = serde_json::from_str(&alert.details).unwrap_or(Value::String(alert.details));
        Self {
            id: alert.id,
            received_at: alert.received_at,
            occurred_at: alert.occurred_at,
            action: alert.action,
            severity: alert.severity,
            title: alert.title,
            source: alert.source,
            link: alert.link,
            details,
            truncated: alert.truncated,
        }
    }
}

/// The raw alerts of an incident that are kept: the first 50, then every 100th.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptAlerts {
    pub alerts: Vec<KeptAlert>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
