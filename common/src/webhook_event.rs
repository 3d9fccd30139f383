//! What happened to a webhook itself: an entry of its timeline, and for what
//! its users must know also an event to the other webhooks.

use serde::{Deserialize, Serialize};

use crate::{
    breaker::Health,
    event::{Actor, EventName},
    id::{EventId, WebhookId},
    telemetry,
    time::Timestamp,
    webhook::Webhook,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WebhookHappened)]
pub enum Happened {
    /// It has done nothing but fail for a day.
    Failing,
    /// It was disabled.
    Disabled,
    /// It was enabled.
    Enabled,
    /// It accepted a delivery after the warning.
    Recovered,
}

/// An entry of a webhook's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEvent {
    /// Identifier; the `X-Webhook-Id` of its deliveries.
    pub id: EventId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// What happened.
    pub happened: Happened,
    /// What receivers are told, where they are.
    #[serde(rename = "event")]
    pub name: Option<EventName>,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// The bytes that receivers get.
    pub body: Option<String>,
    /// What it is traced back to: that of the delivery that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl WebhookEvent {
    /// The warning: told to the other webhooks.
    pub fn failing(webhook: &Webhook, health: &Health, at: Timestamp) -> Self {
        let reason = format!("nothing but failures since {}", health.failing_since);
        Self::told(webhook, EventName::WebhookFailing, reason, at, Some(health))
    }

    /// Disabled by the system: told to the other webhooks.
    pub fn disabled(
        webhook: &Webhook,
        health: Option<&Health>,
        reason: &str,
        at: Timestamp,
    ) -> Self {
        let name = EventName::WebhookDisabled;
        Self::told(webhook, name, reason.to_owned(), at, health)
    }

    /// An entry of the timeline that nobody is told of.
    pub fn noted(webhook: WebhookId, happened: Happened, at: Timestamp, actor: Actor) -> Self {
        Self {
            id: EventId::at(at),
            webhook_id: webhook,
            happened,
            name: None,
            at,
            actor,
            reason: None,
            body: None,
            correlation_id: telemetry::correlation_id(),
        }
    }

    fn told(
        webhook: &Webhook,
        name: EventName,
        reason: String,
        at: Timestamp,
        health: Option<&Health>,
    ) -> Self {
        let disabled = name == EventName::WebhookDisabled;
        let body = outgoing_body(name, webhook, health, disabled.then_some(&reason), at);
        let happened = if disabled {
            Happened::Disabled
        } else {
            Happened::Failing
        };
        Self {
            name: Some(name),
            reason: Some(reason),
            body: Some(body),
            ..Self::noted(webhook.id, happened, at, Actor::delivery())
        }
    }
}

/// The outgoing body: the key order of incident events, `data` of the webhook.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WebhookEvent)]
pub(crate) struct OutgoingBody<'a> {
    event: EventName,
    timestamp: Timestamp,
    data: OutgoingWebhook<'a>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookEventData)]
pub(crate) struct OutgoingWebhook<'a> {
    id: WebhookId,
    name: &'a str,
    url: &'a str,
    #[schema(required)]
    failing_since: Option<Timestamp>,
    consecutive_failures: u32,
    #[schema(required)]
    last_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a String>,
}

fn outgoing_body(
    event: EventName,
    webhook: &Webhook,
    health: Option<&Health>,
    reason: Option<&String>,
    timestamp: Timestamp,
) -> String {
    let url = url::Url::parse(&webhook.url).ok();
    let body = OutgoingBody {
        event,
        timestamp,
        data: OutgoingWebhook {
            id: webhook.id,
            name: &webhook.name,
            // Paths and queries of webhook addresses carry secrets.
            url: url
                .as_ref()
                .and_then(url::Url::host_str)
                .unwrap_or_default(),
            failing_since: health.map(|health| health.failing_since),
            consecutive_failures: health.map_or(0, |health| health.consecutive_failures),
            last_error: health.and_then(|health| health.last_error.as_deref()),
            reason,
        },
    };
    match serde_json::to_string(&body) {
        Ok(body) => body,
        // Texts, numbers and options only: nothing in it can fail to serialise.
        Err(error) => unreachable!("a webhook always serialises: {error}"),
    }
}
