//! An event: one change of an incident, timeline entry and outbox record in
//! one (domain rule 6), and the body that receivers get.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    alert::Urgency,
    id::{EventId, IncidentId, ServiceId},
    incident::{Assignee, Changed, FieldChange, Incident, ServiceRef, Status},
    telemetry,
    time::Timestamp,
};

/// What happened, by the name that receivers know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum EventName {
    /// It was opened.
    #[serde(rename = "incident.created")]
    Created,
    /// Somebody acknowledged it.
    #[serde(rename = "incident.acknowledged")]
    Acknowledged,
    /// It is over.
    #[serde(rename = "incident.resolved")]
    Resolved,
    /// It is quiet for a while.
    #[serde(rename = "incident.snoozed")]
    Snoozed,
    /// It is quiet until it is over.
    #[serde(rename = "incident.suppressed")]
    Suppressed,
    /// Anything else: title, description, urgency, priority, assignee,
    /// reopened, snooze ended.
    #[serde(rename = "incident.updated")]
    Updated,
    /// A webhook has done nothing but fail for a day.
    #[serde(rename = "webhook.failing")]
    WebhookFailing,
    /// The system disabled a webhook.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
}

impl EventName {
    /// Every event: those of incidents, in the order of an incident's life, then
    /// those of webhooks.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Acknowledged,
        Self::Resolved,
        Self::Snoozed,
        Self::Suppressed,
        Self::Updated,
        Self::WebhookFailing,
        Self::WebhookDisabled,
    ];

    /// The events of incidents.
    pub const INCIDENT: [Self; 6] = [
        Self::Created,
        Self::Acknowledged,
        Self::Resolved,
        Self::Snoozed,
        Self::Suppressed,
        Self::Updated,
    ];

    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "incident.created",
            Self::Acknowledged => "incident.acknowledged",
            Self::Resolved => "incident.resolved",
            Self::Snoozed => "incident.snoozed",
            Self::Suppressed => "incident.suppressed",
            Self::Updated => "incident.updated",
            Self::WebhookFailing => "webhook.failing",
            Self::WebhookDisabled => "webhook.disabled",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    /// The one event of a change from `before` to `after`.
    pub fn of_change(before: &Incident, after: &Incident) -> Self {
        let snooze_moved = before.snoozed_until != after.snoozed_until;
        match after.status {
            Status::Snoozed if snooze_moved => Self::Snoozed,
            status if status == before.status => Self::Updated,
            Status::Acknowledged => Self::Acknowledged,
            Status::Resolved => Self::Resolved,
            Status::Suppressed => Self::Suppressed,
            Status::Snoozed => Self::Snoozed,
            Status::Open => Self::Updated,
        }
    }
}

/// Who or what made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Actor {
    /// The kind of actor.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// Its identifier, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// The network address that it called from, where it did. Never part of
    /// what receivers get.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false, value_type = Option<String>)]
    pub address: Option<IpAddr>,
}

/// The kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A monitoring tool through its integration.
    Integration,
    /// A person or program through the API.
    Api,
    /// The clock.
    Schedule,
    /// The delivery of webhooks.
    Delivery,
}

impl Actor {
    /// The delivery of webhooks.
    pub fn delivery() -> Self {
        Self {
            kind: ActorKind::Delivery,
            id: None,
            name: "delivery".to_owned(),
            address: None,
        }
    }

    /// The clock.
    pub fn schedule() -> Self {
        Self {
            kind: ActorKind::Schedule,
            id: None,
            name: "schedule".to_owned(),
            address: None,
        }
    }
}

/// An entry of an incident's timeline. With a `name` it is also what receivers
/// are told; notes have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Identifier; the `X-Webhook-Id` of its deliveries.
    pub id: EventId,
    /// The incident.
    pub incident_id: IncidentId,
    /// The incident's service, for the filters of webhooks.
    pub service_id: ServiceId,
    /// The incident's urgency after the change, for the filters of webhooks.
    pub urgency: Urgency,
    /// What happened; absent for a note.
    #[serde(rename = "event")]
    pub name: Option<EventName>,
    /// When.
    pub at: Timestamp,
    /// The incident's version after it.
    pub version: u64,
    /// Who did it.
    pub actor: Actor,
    /// What changed.
    #[serde(default)]
    pub changes: Vec<FieldChange>,
    /// What somebody wrote.
    pub note: Option<String>,
    /// Where to look, as the incident's first alert said: for the formats that
    /// show it; it is not part of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The bytes that receivers get; absent for a note.
    pub body: Option<String>,
    /// What it is traced back to: the request that it came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl Event {
    /// The event of an incident that was just opened; one that maintenance
    /// suppressed says so in the timeline.
    pub fn created(incident: &Incident, actor: Actor) -> Self {
        let note = incident.maintenance.as_ref();
        Self {
            note: note.map(|window| format!("Suppressed by {window}")),
            ..Self::told(incident, EventName::Created, Vec::new(), actor)
        }
    }

    /// The event of a change.
    pub fn changed(changed: &Changed, actor: Actor) -> Self {
        Self::told(
            &changed.incident,
            changed.event,
            changed.fields.clone(),
            actor,
        )
    }

    /// A note: in the timeline only.
    pub fn note(incident: &Incident, note: String, at: Timestamp, actor: Actor) -> Self {
        Self {
            id: EventId::after(Some(incident.last_event), at),
            incident_id: incident.id,
            service_id: incident.service.id,
            urgency: incident.urgency,
            name: None,
            at,
            version: incident.version,
            actor,
            changes: Vec::new(),
            note: Some(note),
            link: None,
            body: None,
            correlation_id: telemetry::correlation_id(),
        }
    }

    fn told(incident: &Incident, name: EventName, changes: Vec<FieldChange>, actor: Actor) -> Self {
        Self {
            id: incident.last_event,
            incident_id: incident.id,
            service_id: incident.service.id,
            urgency: incident.urgency,
            name: Some(name),
            at: incident.updated_at,
            version: incident.version,
            actor,
            changes,
            note: None,
            link: incident.link.clone(),
            body: Some(outgoing_body(incident, name)),
            correlation_id: telemetry::correlation_id(),
        }
    }
}

/// The outgoing body: this key order is part of the contract, and `data` may
/// gain keys at its end only.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = IncidentEvent)]
pub(crate) struct OutgoingBody<'a> {
    event: EventName,
    timestamp: Timestamp,
    data: OutgoingIncident<'a>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IncidentEventData)]
pub(crate) struct OutgoingIncident<'a> {
    id: IncidentId,
    title: &'a str,
    #[schema(required)]
    description: Option<&'a str>,
    status: Status,
    urgency: Urgency,
    #[schema(required)]
    priority: Option<&'a str>,
    service: &'a ServiceRef,
    #[schema(required)]
    assignee: Option<&'a Assignee>,
    created_at: Timestamp,
    #[schema(required)]
    acknowledged_at: Option<Timestamp>,
    #[schema(required)]
    resolved_at: Option<Timestamp>,
    #[schema(required)]
    snoozed_until: Option<Timestamp>,
    version: u64,
}

/// What receivers get of an incident.
pub(crate) fn outgoing_body(incident: &Incident, event: EventName) -> String {
    let body = OutgoingBody {
        event,
        timestamp: incident.updated_at,
        data: OutgoingIncident {
            id: incident.id,
            title: &incident.title,
            description: incident.description.as_deref(),
            status: incident.status,
            urgency: incident.urgency,
            priority: incident.priority.as_deref(),
            service: &incident.service,
            assignee: incident.assignee.as_ref(),
            created_at: incident.created_at,
            acknowledged_at: incident.acknowledged_at,
            resolved_at: incident.resolved_at,
            snoozed_until: incident.snoozed_until,
            version: incident.version,
        },
    };
    match serde_json::to_string(&body) {
        Ok(body) => body,
        // Texts, numbers and options only: nothing in it can fail to serialise.
        Err(error) => unreachable!("an incident always serialises: {error}"),
    }
}
