//! Rotation of a webhook's secret.

use std::time::Duration;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    audit::Entry,
    crypto,
    http::{
        ApiError,
        auth::{Caller, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    limits,
    openapi::{
        Errors,
        errors::{Body, Concurrent, Rotation, Unknown, Works},
    },
    store::KeptHealth,
    time::Timestamp,
};
use http::StatusCode;
use serde_json::json;

use crate::{App, bodies, webhook_fields, webhooks};

/// Rotate a webhook's secret
///
/// The old one signs beside the new one for a while; see `docs/recovery.md`.
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks/{id}/rotate-secret",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    params(bodies::WebhookPath),
    request_body = bodies::RotationWanted,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "The webhook with its new secret.", body = bodies::WebhookAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Rotation, Concurrent, Works)>,
    )
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let before = webhooks::find(&app, &id).await?;
    let (mut webhook, read_at) = (before.clone(), before.updated_at);
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let overlap = fields.number("overlapSeconds", 0..=limits::SECRET_OVERLAP_MAX_SECONDS);
    let given = webhook_fields::secret(&mut fields).value();
    if given.as_ref() == Some(&webhook.secret) {
        fields.problem("secret", "this is the current secret");
    }
    fields.finish()?;

    let overlap = overlap
        .value()
        .map_or(limits::SECRET_OVERLAP, Duration::from_secs);
    let secret = given.unwrap_or_else(crypto::new_webhook_secret);
    let now = Timestamp::now_after(read_at);
    webhook
        .rotate_secret(secret, overlap, now)
        .map_err(|error| ApiError::conflict("too_many_secrets", error.to_string()))?;
    webhook.updated_at = now;
    let audit = Entry::updated(caller.actor(), &before, &webhook).called("secret_rotated");
    app.store
        .update_webhook(&webhook, read_at, KeptHealth::Kept, None, &audit)
        .await?;
    let mut shown = webhooks::view(&webhook);
    shown.secret = Some(webhook.secret);
    Ok(json(StatusCode::OK, &json!({ "webhook": shown })))
}
