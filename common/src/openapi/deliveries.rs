//! What receivers get, for the document's `webhooks`.

use utoipa::{IntoParams, OpenApi};

use crate::{
    event::{EventName, OutgoingBody as IncidentEvent},
    id::EventId,
    webhook_event::OutgoingBody as WebhookEvent,
};

/// The part of the document about outgoing webhooks. Its two paths stand for
/// the events of incidents and of webhooks: each event becomes a webhook.
#[derive(Debug, OpenApi)]
#[openapi(paths(incident_event, webhook_event))]
pub struct Deliveries;

impl Deliveries {
    /// The path that describes the deliveries of this event.
    pub fn path_of(event: EventName) -> &'static str {
        match event {
            EventName::WebhookFailing | EventName::WebhookDisabled => "/webhook",
            _ => "/incident",
        }
    }
}

/// The headers of every attempt.
#[expect(dead_code, reason = "only described; common::posting writes them")]
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
struct DeliveryHeaders {
    /// `sha256=` and the lower-case hex HMAC-SHA256 of the body's bytes, with
    /// the webhook's secret as the key.
    #[param(rename = "X-Webhook-Signature", pattern = "^sha256=[0-9a-f]{64}$")]
    signature: String,
    /// The event.
    #[param(rename = "X-Webhook-Event")]
    event: EventName,
    /// The event's id: the same on every attempt and every redelivery.
    #[param(rename = "X-Webhook-Id")]
    id: EventId,
    /// Counts the attempts of this delivery, from 1.
    #[param(rename = "X-Webhook-Attempt", minimum = 1)]
    attempt: u32,
    /// `true` where this is a test that somebody asked for.
    #[param(rename = "X-Webhook-Test", pattern = "^true$")]
    test: Option<String>,
    /// Standard Webhooks: the event's id.
    #[param(rename = "webhook-id")]
    standard_id: EventId,
    /// Standard Webhooks: when this attempt was made, in unix seconds.
    #[param(rename = "webhook-timestamp", pattern = "^[0-9]+$")]
    standard_timestamp: String,
    /// Standard Webhooks: `v1,` and the base64 HMAC-SHA256 over
    /// `id.timestamp.body`, one for each secret that is valid, separated by
    /// spaces.
    #[param(
        rename = "webhook-signature",
        pattern = "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$"
    )]
    standard_signature: String,
    #[param(rename = "User-Agent")]
    agent: String,
}

/// An incident changed
///
/// The body of the format `opsknight`; the other formats carry the same in
/// their own shapes. `data` may gain keys, never lose one. A test has a last
/// key `test`, which is `true`.
#[utoipa::path(
    post,
    path = "/incident",
    tag = "Receiving",
    request_body(content = IncidentEvent<'_>, description = "Compact JSON, in this key order; the signatures are over its bytes."),
    params(DeliveryHeaders),
    security(()),
    responses(
        (status = "2XX", description = "Delivered, where it comes within 10 s."),
        (status = 410, description = "The receiver is gone: the webhook is disabled."),
        (status = "default", description = "Tried again for 3 days, redirects included, and never before `Retry-After`."),
    )
)]
#[expect(dead_code, reason = "only described")]
fn incident_event() {}

/// A webhook fails
///
/// Told to the other webhooks that subscribed to it.
#[utoipa::path(
    post,
    path = "/webhook",
    tag = "Receiving",
    request_body(content = WebhookEvent<'_>, description = "Compact JSON, in this key order; the signatures are over its bytes."),
    params(DeliveryHeaders),
    security(()),
    responses(
        (status = "2XX", description = "Delivered, where it comes within 10 s."),
        (status = 410, description = "The receiver is gone: the webhook is disabled."),
        (status = "default", description = "Tried again for 3 days, redirects included, and never before `Retry-After`."),
    )
)]
#[expect(dead_code, reason = "only described")]
fn webhook_event() {}
