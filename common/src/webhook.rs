//! Outgoing webhooks and their deliveries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    alert::Urgency,
    breaker::Health,
    event::EventName,
    id::{DeliveryId, EventId, IncidentId, ServiceId, WebhookId},
    rotation::PreviousSecret,
    time::Timestamp,
};

/// A receiver of incident events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Identifier.
    pub id: WebhookId,
    /// Name.
    pub name: String,
    /// Where events are posted.
    pub url: String,
    /// The events that it wants.
    pub events: Vec<EventName>,
    /// Whether it gets any.
    pub enabled: bool,
    /// Why it was disabled, where the system did it.
    #[serde(default)]
    pub disabled_reason: Option<String>,
    /// Signs its deliveries.
    pub secret: String,
    /// What signed them before, and still does beside `secret` for a while.
    #[serde(default)]
    pub previous_secrets: Vec<PreviousSecret>,
    /// The body's form.
    pub format: Format,
    /// What makes the body of the format `template`.
    #[serde(default)]
    pub template: Option<String>,
    /// Narrows the events down.
    #[serde(default)]
    pub filter: Filter,
    /// Sent with every delivery.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether the events of one incident must arrive in order.
    pub ordering: Ordering,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// What is known of its failures. It is delivery's to write, never written
    /// with the rest.
    #[serde(default, skip_serializing)]
    pub health: Option<Health>,
    /// Slow attempts under way, [`SlowAttempt`] as text; delivery's to write.
    #[serde(default, skip_serializing)]
    pub slow_attempts: Vec<String>,
}

impl Webhook {
    /// How many slow attempts are under way at `now`, in whatever function.
    pub fn slow_attempts_at(&self, now: Timestamp) -> usize {
        let all = self.slow_attempts.iter();
        all.filter(|entry| SlowAttempt::is_under_way(entry, now))
            .count()
    }

    /// Slow attempts that nobody ended.
    pub fn forgotten_slow_attempts(&self, now: Timestamp) -> Vec<String> {
        let all = self.slow_attempts.iter();
        all.filter(|entry| !SlowAttempt::is_under_way(entry, now))
            .cloned()
            .collect()
    }

    /// Whether this webhook is to be told of what happens to another one. Its
    /// filter is one of incidents and says nothing here.
    pub fn wants_of_webhooks(&self, event: EventName, other: WebhookId) -> bool {
        self.enabled && self.id != other && self.events.contains(&event)
    }

    /// Whether this webhook is to be told of such an event.
    pub fn wants(&self, event: EventName, service: ServiceId, urgency: Urgency) -> bool {
        self.enabled && self.events.contains(&event) && self.filter.matches(service, urgency)
    }
}

/// A slow attempt under way, as an entry of a set in the webhook's item: adding
/// and removing entries of a set never conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowAttempt {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Forgotten then, should its function die.
    pub until: Timestamp,
}

impl SlowAttempt {
    /// The entry.
    pub fn entry(self) -> String {
        format!("{}/{}", self.until, self.delivery)
    }

    fn is_under_way(entry: &str, now: Timestamp) -> bool {
        let until = entry.split('/').next().and_then(Timestamp::parse_rfc3339);
        until.is_some_and(|until| until > now)
    }
}
/// The form of a delivery's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = WebhookFormat)]
pub enum Format {
    /// The product's own JSON.
    Opsknight,
    /// Slack: blocks.
    Slack,
    /// Microsoft Teams: an Adaptive Card.
    Teams,
    /// Google Chat: a card.
    GoogleChat,
    /// Discord: an embed.
    Discord,
    /// Telegram: the body of `sendMessage`.
    Telegram,
    /// Whatever JSON the webhook's own template makes.
    Template,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Opsknight,
        Self::Slack,
        Self::Teams,
        Self::GoogleChat,
        Self::Discord,
        Self::Telegram,
        Self::Template,
    ];

    /// The format as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opsknight => "opsknight",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::GoogleChat => "google-chat",
            Self::Discord => "discord",
            Self::Telegram => "telegram",
            Self::Template => "template",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

/// Whether deliveries wait for those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WebhookOrdering)]
pub enum Ordering {
    /// The events of one incident arrive in order.
    Incident,
    /// Every delivery goes out as soon as it can.
    None,
}

/// Which incidents a webhook hears of; empty lists let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookFilter)]
pub struct Filter {
    /// Only incidents of these services.
    #[serde(default)]
    #[schema(required)]
    pub service_ids: Vec<ServiceId>,
    /// Only incidents of these urgencies.
    #[serde(default)]
    #[schema(required)]
    pub urgencies: Vec<Urgency>,
}

impl Filter {
    fn matches(&self, service: ServiceId, urgency: Urgency) -> bool {
        (self.service_ids.is_empty() || self.service_ids.contains(&service))
            && (self.urgencies.is_empty() || self.urgencies.contains(&urgency))
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeliveryStatus {
    /// Not tried yet.
    Pending,
    /// Tried without success; will be tried again.
    Retrying,
    /// Accepted by the receiver.
    Delivered,
    /// Given up.
    Failed,
    /// Not sent: its webhook was disabled or deleted.
    Skipped,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Retrying,
        Self::Delivered,
        Self::Failed,
        Self::Skipped,
    ];

    /// The status as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Retrying => "RETRYING",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the delivery still has to reach its receiver.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying)
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Identifier, derived from event and webhook.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The event's name.
    pub event: EventName,
    /// The incident; absent for an event of a webhook.
    #[serde(default)]
    pub incident_id: Option<IncidentId>,
    /// The incident's version in this event: the order within an incident.
    pub version: u64,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// The queue message that it currently travels in: counted up whenever it
    /// is queued anew (redrive, redelivery), which also starts a new schedule.
    pub round: u32,
    /// Attempts made in this round.
    pub round_attempts: u32,
    /// When this round's first attempt was made.
    #[serde(default)]
    pub round_started_at: Option<Timestamp>,
    /// Every attempt, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due.
    #[serde(default)]
    pub next_attempt_at: Option<Timestamp>,
    /// The bytes that are signed and sent.
    pub body: String,
    /// Why the body is the plain one instead of what the webhook's format
    /// makes of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_error: Option<String>,
    /// The queue's message group.
    pub group: String,
    /// When the event was fanned out.
    pub created_at: Timestamp,
    /// What it is traced back to: the request that its event came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// One try to reach a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub struct Attempt {
    /// 1, 2, …
    pub number: u32,
    /// When it was started.
    pub at: Timestamp,
    /// The receiver's status code, where it answered.
    #[schema(required)]
    pub status_code: Option<u16>,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Why it did not succeed.
    #[schema(required)]
    pub error: Option<String>,
    /// The first 2 KiB of the receiver's answer.
    #[schema(required)]
    pub response: Option<String>,
}

/// What travels through the queue. The body is an opaque string from here on:
/// bytes signed = bytes sent = bytes stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryMessage {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its webhook.
    pub webhook_id: WebhookId,
    /// Its event.
    pub event_id: EventId,
    /// The event's name.
    pub event: EventName,
    /// Which queueing of the delivery this message is.
    pub round: u32,
    /// The bytes to sign and send.
    pub body: String,
    /// What the delivery is traced back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl Delivery {
    /// The message that carries this delivery in its current round.
    pub fn message(&self) -> DeliveryMessage {
        DeliveryMessage {
            delivery_id: self.id,
            webhook_id: self.webhook_id,
            event_id: self.event_id,
            event: self.event,
            round: self.round,
            body: self.body.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }

    /// The round in which this delivery is queued anew. A failed one left a
    /// copy of the next round on the dead-letter queue: that copy has to be
    /// older than the new round, or a redrive would bring the event twice.
    pub fn next_round(&self) -> u32 {
        let copies = u32::from(self.status == DeliveryStatus::Failed);
        self.round.saturating_add(1 + copies)
    }
}

impl DeliveryMessage {
    /// The queue's deduplication id: one message per delivery and round.
    pub fn deduplication_id(&self) -> String {
        format!("{}.{}", self.delivery_id, self.round)
    }
}
