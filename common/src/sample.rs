//! Sample events, for trying out a webhook.

use std::time::Duration;

use crate::{
    alert::Urgency,
    event::{EventName, outgoing_body},
    format,
    id::{DeliveryId, EventId, IncidentId, ServiceId},
    incident::{Incident, ServiceRef, Status},
    time::Timestamp,
    webhook::{DeliveryMessage, Webhook},
};

/// How long ago the sample incident was opened.
const AGE: Duration = Duration::from_secs(5 * 60);
/// How long it stays quiet where it is snoozed.
const SNOOZE: Duration = Duration::from_secs(30 * 60);

/// A message about something that does not exist, under an event id of its own
/// and in the webhook's format. The plain body says as its last key that it is
/// a test.
pub fn message(webhook: &Webhook, event: EventName, now: Timestamp) -> DeliveryMessage {
    let event_id = EventId::at(now);
    let plain = if EventName::INCIDENT.contains(&event) {
        outgoing_body(&incident(event, event_id, now), event)
    } else {
        let samples = format::samples(event).into_iter();
        samples.map(|sample| sample.body).next().unwrap_or_default()
    };
    DeliveryMessage {
        delivery_id: DeliveryId::derive(event_id, webhook.id),
        webhook_id: webhook.id,
        event_id,
        event,
        round: 0,
        body: format::render(webhook, &marked(plain), None).body,
        correlation_id: None,
    }
}

/// The body with `"test": true` behind all its own keys.
fn marked(body: String) -> String {
    match body.strip_suffix('}') {
        Some(open) => format!("{open},\"test\":true}}"),
        None => body,
    }
}

fn incident(event: EventName, event_id: EventId, now: Timestamp) -> Incident {
    let opened = now.before(AGE);
    let is_new = event == EventName::Created;
    let status = match event {
        EventName::Acknowledged => Status::Acknowledged,
        EventName::Resolved => Status::Resolved,
        EventName::Snoozed => Status::Snoozed,
        EventName::Suppressed => Status::Suppressed,
        _ => Status::Open,
    };
    Incident {
        id: IncidentId::at(now),
        title: "Test: disk almost full on db-1".to_owned(),
        description: Some("This is a test of the webhook. There is no such incident.".to_owned()),
        status,
        urgency: Urgency::High,
        priority: Some("P1".to_owned()),
        service: ServiceRef {
            id: ServiceId::at(now),
            name: "Sample service".to_owned(),
        },
        assignee: None,
        dedup_key: None,
        source: "test".to_owned(),
        link: None,
        auto_resolve_after: None,
        maintenance: None,
        alert_count: 1,
        created_at: if is_new { now } else { opened },
        updated_at: now,
        acknowledged_at: (status == Status::Acknowledged).then_some(now),
        resolved_at: (status == Status::Resolved).then_some(now),
        snoozed_until: (status == Status::Snoozed).then(|| now.after(SNOOZE)),
        version: if is_new { 1 } else { 2 },
        last_event: event_id,
    }
}
