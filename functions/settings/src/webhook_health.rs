//! How a webhook stands, and its timeline.

use axum::{
    extract::{Path, State},
    response::Response,
};
use common::{
    breaker::{Health, State as Standing},
    event::Actor,
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json,
    },
    store::KeptHealth,
    time::Timestamp,
    webhook::Webhook,
    webhook_event::{Happened, WebhookEvent},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{App, webhooks};

/// `GET /api/status-page/webhooks/{id}/timeline`
pub(crate) async fn timeline(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let entries = app.store.webhook_timeline(webhook.id).await?;
    let timeline: Vec<Value> = entries.iter().map(entry_view).collect();
    Ok(json(StatusCode::OK, &json!({ "timeline": timeline })))
}

fn entry_view(entry: &WebhookEvent) -> Value {
    json!({
        "id": entry.id,
        "happened": entry.happened,
        "event": entry.name,
        "at": entry.at,
        "actor": entry.actor,
        "reason": entry.reason,
    })
}

/// How a webhook stands now; one without failures has no health.
pub(crate) fn view(health: Option<&Health>) -> Value {
    let now = Timestamp::now();
    json!({
        "state": health.map_or(Standing::Closed, |health| health.state(now)),
        "consecutiveFailures": health.map_or(0, |health| health.consecutive_failures),
        "failingSince": health.map(|health| health.failing_since),
        "nextProbeAt": health.and_then(|health| health.next_probe_at),
        "lastError": health.and_then(|health| health.last_error.as_deref()),
        "warnedAt": health.and_then(|health| health.warned_at),
    })
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
