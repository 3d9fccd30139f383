//! Trying a webhook out.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    event::EventName,
    http::{ApiError, auth::Caller, body, fields::Fields, json},
    openapi::{
        Errors,
        errors::{ApiKey, Body, Unknown, Works},
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
    responses(
        (status = 200, description = "What came of it, also where it was not delivered.", body = Trial),
        Errors::<(ApiKey, Unknown, Body, Works)>,
    )
)]
pub(crate) async fn run(
    State(app): State<App>,
    caller: Caller,
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
    let mut answer = view(&attempt);
    if sees_responses(&caller) {
        answer.response = Some(attempt.response);
    }
    Ok(json(StatusCode::OK, &answer))
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
    /// The first 2 KiB of the receiver's answer; for callers who may change
    /// webhooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    response: Option<Option<String>>,
}

fn view(attempt: &Attempt) -> Trial {
    Trial {
        delivered: attempt.error.is_none(),
        status_code: attempt.status_code,
        duration_ms: attempt.duration_ms,
        error: attempt.error.clone(),
        response: None,
    }
}

/// Only who may change webhooks sees what a receiver answers: to anyone else a
/// webhook would be a way to read what its host can reach. The admin key, which
/// has no id of its own, may.
fn sees_responses(caller: &Caller) -> bool {
    caller.actor().id.is_none()
}
