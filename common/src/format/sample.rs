//! Events to try a format on: what a template is checked against when it is
//! saved, and what a preview shows.

use std::collections::BTreeMap;

use crate::{
    alert::Urgency,
    breaker::Health,
    event::{self, EventName},
    id::{EventId, IncidentId, ServiceId, WebhookId},
    incident::{Assignee, Incident, ServiceRef, Status},
    time::Timestamp,
    webhook::{Filter, Format, Ordering, Webhook},
    webhook_event::WebhookEvent,
};

/// An event as fan-out has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The plain body.
    pub body: String,
    /// Where to look.
    pub link: Option<String>,
}

/// 2026-01-15T10:30:00.000Z
const NOW: Timestamp = Timestamp::from_unix_millis(1_768_473_000_000);
/// Ten minutes before.
const OPENED: Timestamp = Timestamp::from_unix_millis(1_768_472_400_000);
/// An hour after.
const LATER: Timestamp = Timestamp::from_unix_millis(1_768_476_600_000);

/// Samples of an event: a usual one first, then one with nothing that may be
/// absent, then one whose texts are hard on templates.
pub fn samples(event: EventName) -> Vec<Sample> {
    let status = match event {
        EventName::Created | EventName::Updated => Status::Open,
        EventName::Acknowledged => Status::Acknowledged,
        EventName::Resolved => Status::Resolved,
        EventName::Snoozed => Status::Snoozed,
        EventName::Suppressed => Status::Suppressed,
        EventName::WebhookFailing | EventName::WebhookDisabled => return vec![of_webhook(event)],
    };
    let usual = incident(event, status);
    let sparse = Incident {
        description: None,
        priority: None,
        assignee: None,
        link: None,
        ..usual.clone()
    };
    let hard = Incident {
        title: "\"}]}',{{ 7 }}{% x %}\\ \u{2028}é😀".to_owned(),
        description: Some("line 1\nline \"2\"\t\\u0000 </script>".to_owned()),
        assignee: Some(Assignee {
            name: "O'Neil \"Max\"".to_owned(),
            email: None,
        }),
        ..usual.clone()
    };
    [usual, sparse, hard]
        .into_iter()
        .map(|incident| Sample {
            body: event::outgoing_body(&incident, event),
            link: incident.link,
        })
        .collect()
}

fn of_webhook(event: EventName) -> Sample {
    let webhook = Webhook {
        id: WebhookId::at(OPENED),
        name: "Pager".to_owned(),
        url: "https://pager.example.com/hook".to_owned(),
        events: vec![event],
        enabled: event != EventName::WebhookDisabled,
        disabled_reason: None,
        secret: String::new(),
        previous_secrets: Vec::new(),
        format: Format::Opsknight,
        template: None,
        filter: Filter::default(),
        headers: BTreeMap::new(),
        ordering: Ordering::Incident,
        created_at: OPENED,
        updated_at: OPENED,
        health: None,
        slow_attempts: Vec::new(),
    };
    let health = Health {
        consecutive_failures: 42,
        failing_since: OPENED,
        last_error: Some("answered 503".to_owned()),
        next_probe_at: None,
        probe_until: None,
        failed_probes: 37,
        warned_at: None,
        revision: 42,
    };
    let told = if event == EventName::WebhookDisabled {
        WebhookEvent::disabled(
            &webhook,
            Some(&health),
            "nothing but failures for 5 days",
            NOW,
        )
    } else {
        WebhookEvent::failing(&webhook, &health, NOW)
    };
    Sample {
        body: told.body.unwrap_or_default(),
        link: None,
    }
}

fn incident(event: EventName, status: Status) -> Incident {
    let is = |wanted| (status == wanted).then_some(NOW);
    Incident {
        id: IncidentId::at(OPENED),
        title: "Disk full on db-1".to_owned(),
        description: Some("/var/lib/postgresql is 97 % full".to_owned()),
        status,
        urgency: Urgency::High,
        priority: Some("P1".to_owned()),
        service: ServiceRef {
            id: ServiceId::at(OPENED),
            name: "Database".to_owned(),
        },
        assignee: Some(Assignee {
            name: "Ada Lovelace".to_owned(),
            email: Some("ada@example.com".to_owned()),
        }),
        dedup_key: None,
        source: "sample".to_owned(),
        link: Some("https://monitoring.example.com/alerts/42".to_owned()),
        auto_resolve_after: None,
        maintenance: None,
        alert_count: 1,
        created_at: OPENED,
        updated_at: if event == EventName::Created {
            OPENED
        } else {
            NOW
        },
        acknowledged_at: is(Status::Acknowledged),
        resolved_at: is(Status::Resolved),
        snoozed_until: (status == Status::Snoozed).then_some(LATER),
        version: if event == EventName::Created { 1 } else { 2 },
        last_event: EventId::at(NOW),
    }
}
