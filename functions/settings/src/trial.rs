//! Trying a webhook out.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    event::EventName,
    http::{
        ApiError,
        auth::{Caller, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    posting, sample,
    time::Timestamp,
    webhook::Attempt,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{App, webhooks};

/// `POST /api/status-page/webhooks/{id}/test`: posts one sample event to this
/// webhook, enabled or not, and waits for what comes of it, the receiver's answer
/// included. Nothing is stored.
pub(crate) async fn run(
    State(app): State<App>,
    _: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let event = fields.word("event", "an event's name", EventName::from_word);
    fields.finish()?;
    let event = event
        .value()
        .or_else(|| webhook.events.first().copied())
        .unwrap_or(EventName::Created);
    let message = sample::message(&webhook, event, Timestamp::now());
    let attempt = posting::try_test(&app.outbound, &webhook, &message).await;
    tracing::info!(
        webhook.id = %webhook.id,
        status_code = attempt.status_code,
        duration_ms = attempt.duration_ms,
        error = attempt.error,
        "webhook test"
    );
    Ok(json(StatusCode::OK, &view(&attempt)))
}

fn view(attempt: &Attempt) -> Value {
    json!({
        "delivered": attempt.error.is_none(),
        "statusCode": attempt.status_code,
        "durationMs": attempt.duration_ms,
        "error": attempt.error,
        "response": attempt.response,
    })
}
