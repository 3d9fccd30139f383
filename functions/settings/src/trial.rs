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
    openapi::{
        Errors,
        errors::{Body, Unknown, Works},
    },
    posting, sample,
    time::Timestamp,
    webhook::Attempt,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, bodies, webhooks};

/// Test a webhook
///
/// Posts one sample event, whether the webhook is enabled or not, and waits for
/// what comes of it. Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    params(bodies::WebhookPath),
    request_body = bodies::TestWanted,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "What came of it, also where it was not delivered.", body = Trial),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Works)>,
    )
)]
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

/// What came of a test.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookTest, example = json!({"delivered": true, "statusCode": 200, "durationMs": 12, "error": null, "response": "ok"}))]
struct Trial {
    delivered: bool,
    /// `null` where the receiver did not answer.
    #[schema(required)]
    status_code: Option<u16>,
    duration_ms: u64,
    #[schema(required)]
    error: Option<String>,
    /// The first 2 KiB of the receiver's answer.
    #[schema(required)]
    response: Option<String>,
}

fn view(attempt: &Attempt) -> Trial {
    Trial {
        delivered: attempt.error.is_none(),
        status_code: attempt.status_code,
        duration_ms: attempt.duration_ms,
        error: attempt.error.clone(),
        response: attempt.response.clone(),
    }
}
