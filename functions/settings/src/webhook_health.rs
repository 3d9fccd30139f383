//! How a webhook stands, and its timeline.

use axum::{
    extract::{Path, State},
    response::Response,
};
use common::{
    breaker::{Health, State as Standing},
    event::{Actor, EventName},
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json,
    },
    id::EventId,
    openapi::{
        Errors,
        errors::{Unknown, Works},
    },
    store::KeptHealth,
    time::Timestamp,
    webhook::Webhook,
    webhook_event::{Happened, WebhookEvent},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{App, bodies, webhooks};

/// Read a webhook's timeline
///
/// Warnings, and who enabled or disabled it.
#[utoipa::path(
    get,
    path = "/api/status-page/webhooks/{id}/timeline",
    operation_id = "readWebhookTimeline",
    tag = "Webhooks",
    params(bodies::WebhookPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The timeline.", body = bodies::WebhookTimeline),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn timeline(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let entries = app.store.webhook_timeline(webhook.id).await?;
    let timeline: Vec<TimelineEntry> = entries.into_iter().map(TimelineEntry::from).collect();
    Ok(json(StatusCode::OK, &json!({ "timeline": timeline })))
}

/// An entry of a webhook's timeline.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTimelineEntry)]
pub(crate) struct TimelineEntry {
    id: EventId,
    happened: Happened,
    /// What the other webhooks were told, where they were.
    #[schema(required)]
    event: Option<EventName>,
    at: Timestamp,
    actor: Actor,
    /// Why, in a sentence.
    #[schema(required)]
    reason: Option<String>,
}

impl From<WebhookEvent> for TimelineEntry {
    fn from(entry: WebhookEvent) -> Self {
        Self {
            id: entry.id,
            happened: entry.happened,
            event: entry.name,
            at: entry.at,
            actor: entry.actor,
            reason: entry.reason,
        }
    }
}

/// How a webhook stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookHealth)]
pub(crate) struct HealthView {
    state: Standing,
    /// Failures in a row.
    consecutive_failures: u32,
    #[schema(required)]
    failing_since: Option<Timestamp>,
    /// Where the breaker is open: when it is tried again.
    #[schema(required)]
    next_probe_at: Option<Timestamp>,
    #[schema(required)]
    last_error: Option<String>,
    /// When its users were warned.
    #[schema(required)]
    warned_at: Option<Timestamp>,
}

/// How a webhook stands now; one without failures has no health.
pub(crate) fn view(health: Option<&Health>) -> HealthView {
    let now = Timestamp::now();
    HealthView {
        state: health.map_or(Standing::Closed, |health| health.state(now)),
        consecutive_failures: health.map_or(0, |health| health.consecutive_failures),
        failing_since: health.map(|health| health.failing_since),
        next_probe_at: health.and_then(|health| health.next_probe_at),
        last_error: health.and_then(|health| health.last_error.clone()),
        warned_at: health.and_then(|health| health.warned_at),
    }
}

/// Failures of another address say nothing of the new one, and who enables a
/// webhook has mended it.
pub(crate) fn kept(before: &Webhook, after: &Webhook) -> KeptHealth {
    if before.url != after.url || (!before.enabled && after.enabled) {
        KeptHealth::Forgotten
    } else {
        KeptHealth::Kept
    }
}

/// The entry of the timeline for a change by a user.
pub(crate) fn entry(before: &Webhook, after: &Webhook, actor: &Actor) -> Option<WebhookEvent> {
    let happened = match (before.enabled, after.enabled) {
        (false, true) => Happened::Enabled,
        (true, false) => Happened::Disabled,
        _ => return None,
    };
    let (at, actor) = (after.updated_at, actor.clone());
    Some(WebhookEvent::noted(after.id, happened, at, actor))
}
