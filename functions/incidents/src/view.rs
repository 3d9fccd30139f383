//! Incidents, events and alerts as callers see them.

use common::{event::Event, incident::Incident, store::RawAlert};
use serde_json::{Value, json};

/// An incident, as API.md lists its fields.
pub(crate) fn incident(incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "title": incident.title,
        "description": incident.description,
        "status": incident.status,
        "urgency": incident.urgency,
        "priority": incident.priority,
        "service": incident.service,
        "assignee": incident.assignee,
        "dedupKey": incident.dedup_key,
        "source": incident.source,
        "link": incident.link,
        "alertCount": incident.alert_count,
        "createdAt": incident.created_at,
        "updatedAt": incident.updated_at,
        "acknowledgedAt": incident.acknowledged_at,
        "resolvedAt": incident.resolved_at,
        "snoozedUntil": incident.snoozed_until,
        "maintenance": incident.maintenance,
        "version": incident.version,
    })
}

/// An entry of the timeline; a note has no `event`.
pub(crate) fn event(event: &Event) -> Value {
    json!({
        "id": event.id,
        "event": event.name,
        "at": event.at,
        "version": event.version,
        "actor": event.actor,
        "changes": event.changes,
        "note": event.note,
        "correlationId": event.correlation_id,
    })
}

/// A raw alert; details that were cut are no JSON any more and stay text.
pub(crate) fn raw_alert(alert: &RawAlert) -> Value {
    let details = serde_json::from_str(&alert.details)
        .unwrap_or_else(|_| Value::String(alert.details.clone()));
    json!({
        "id": alert.id,
        "receivedAt": alert.received_at,
        "occurredAt": alert.occurred_at,
        "action": alert.action,
        "severity": alert.severity,
        "title": alert.title,
        "source": alert.source,
        "link": alert.link,
        "details": details,
        "truncated": alert.truncated,
    })
}
