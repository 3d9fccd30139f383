//! The product's own Events API (API.md, "Events API"): strict, because its
//! callers are programs that were written for it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use common::{
    alert::{Action, Alert, DedupKey, Severity},
    http::{ApiError, fields::Fields, json},
    intake::{
        AlertResult, Answer, Context, Intake, Received, credentials, log_answer, read, result_of,
    },
    integration::Integration,
    limits,
    openapi::{
        Errors,
        errors::{EventBody, Flood, SenderByKey},
        schemas::{line, optional_line},
    },
    store::{Store, StoreError},
    time::Timestamp,
};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The routes.
pub(crate) fn routes(intake: Intake) -> Router {
    Router::new()
        .route("/api/events", post(receive))
        .with_state(Arc::new(intake))
}

/// The answer to an event that was taken.
#[derive(Serialize, ToSchema)]
#[schema(as = EventAccepted)]
struct Accepted<'a> {
    /// `success`
    status: &'static str,
    result: &'a AlertResult,
}

/// An event of a program.
#[expect(dead_code, reason = "only described; read_event reads it")]
#[derive(ToSchema)]
#[schema(examples(
    json!({"event_action": "trigger", "dedup_key": "disk-db-1", "payload": {"summary": "Disk full on db-1", "source": "db-1", "severity": "critical", "custom_details": {"used": "98%"}}}),
    json!({"event_action": "resolve", "dedup_key": "disk-db-1"})
))]
struct ProgramEvent {
    event_action: Action,
    /// What joins the events of one problem.
    #[schema(schema_with = line::<{ limits::EVENT_DEDUP_KEY_CHARS }>)]
    dedup_key: String,
    /// The service of the integration key: another one is refused.
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    service_id: Option<String>,
    /// What happened; required for `trigger`, and read for it only.
    payload: Option<EventPayload>,
}

/// What happened.
#[expect(dead_code, reason = "only described; read_payload reads it")]
#[derive(ToSchema)]
struct EventPayload {
    #[schema(schema_with = line::<{ limits::TITLE_CHARS }>)]
    summary: String,
    #[schema(schema_with = line::<{ limits::SOURCE_CHARS }>)]
    source: String,
    severity: Severity,
    /// Kept with the alert.
    #[schema(value_type = Option<Object>)]
    custom_details: Option<Value>,
}

/// Send an event
///
/// For programs of your own: strict, so that a mistake is seen at once.
#[utoipa::path(
    post,
    path = "/api/events",
    operation_id = "sendEvent",
    tag = "Intake",
    request_body = ProgramEvent,
    responses(
        (status = 202, description = "It is stored, or ignored for a reason.", body = Accepted<'_>),
        Errors::<(EventBody, SenderByKey, Flood)>,
    ),
    security(("integrationKeyToken" = []))
)]
async fn receive(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    match accept(&intake, request).await {
        Ok(result) => json(
            StatusCode::ACCEPTED,
            &Accepted {
                status: "success",
                result: &result,
            },
        ),
        Err(error) => error.into_response_logged(),
    }
}

async fn accept(intake: &Intake, request: Request) -> Result<AlertResult, ApiError> {
    let received = read(intake, request).await?;
    let integration = authenticate(intake.store(), &received).await?;
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
    };
    let outcome = match intake.admit(&context) {
        Ok(_) => process(intake, &received, &context).await,
        Err(over) if over.is_first => Err(over.into_error(StatusCode::TOO_MANY_REQUESTS)),
        Err(over) => return Err(over.into_error(StatusCode::TOO_MANY_REQUESTS)),
    };
    let answer = match &outcome {
        Ok(result) => Answer::of(StatusCode::ACCEPTED, std::slice::from_ref(result)),
        Err(error) => Answer::rejected(error.status(), error.message()),
    };
    log_answer(intake.store(), &received, &context, answer).await;
    outcome
}

async fn process(
    intake: &Intake,
    received: &Received,
    context: &Context<'_>,
) -> Result<AlertResult, ApiError> {
    let body = received
        .json()
        .map_err(|error| ApiError::bad_request("invalid_json", error.to_string()))?;
    let (key, alert) = read_event(body, context.integration)?;
    let outcome = intake
        .incidents()
        .apply_alert(&context.integration.into(), &key, &alert, context.now)
        .await
        .map_err(|error| overloaded(&error))?;
    Ok(result_of(outcome, &key, &alert))
}

/// The integration whose key the caller presents.
async fn authenticate(store: &Store, received: &Received) -> Result<Integration, ApiError> {
    let Some(key) = credentials::authorization_token(received) else {
        return Err(match credentials::bearer(received) {
            // Issue 5 brings API keys; until then there is none that could be valid.
            Some(_) => ApiError::unauthorized("invalid_credential", "the API key is not valid"),
            None => ApiError::unauthorized(
                "missing_credential",
                "send Authorization: Token token= with an integration key",
            ),
        });
    };
    let integration = store
        .integration_by_key(key)
        .await
        .map_err(|error| overloaded(&error))?
        .ok_or_else(|| {
            ApiError::unauthorized("invalid_credential", "the integration key is not valid")
        })?;
    if !integration.enabled {
        return Err(ApiError::forbidden(
            "integration_disabled",
            "the integration is disabled",
        ));
    }
    Ok(integration)
}

fn overloaded(error: &StoreError) -> ApiError {
    tracing::error!(%error, "an event could not be stored");
    ApiError::overloaded(StatusCode::TOO_MANY_REQUESTS)
}

/// Reads an event. Its dedup key is the incident's as it is, without a prefix:
/// callers send back what they sent first.
pub(crate) fn read_event(
    body: Value,
    integration: &Integration,
) -> Result<(DedupKey, Alert), ApiError> {
    let details = body.clone();
    let mut fields = Fields::of(body)?.open();
    let expected = "trigger, acknowledge or resolve";
    let action = fields.word("event_action", expected, action_of_word);
    let action = fields.required("event_action", action);
    let key = fields.line("dedup_key", limits::EVENT_DEDUP_KEY_CHARS);
    let key = fields.required("dedup_key", key);
    let service = fields.line("service_id", limits::NAME_CHARS).value();
    if service.is_some_and(|service| service != integration.service.id.to_string()) {
        fields.problem("service_id", "is not the service of this integration key");
    }
    // Acknowledging and resolving need none, and what they bring says nothing.
    let payload = match action {
        Some(Action::Trigger) => read_payload(&mut fields),
        _ => Some(Payload::none(integration)),
    };
    fields.finish()?;
    let (Some(action), Some(key), Some(payload)) = (action, key, payload) else {
        // Whatever is missing was a problem above.
        return Err(ApiError::internal("an invalid event was accepted"));
    };
    let alert = Alert {
        action,
        identity: key.clone(),
        title: payload.summary,
        description: None,
        source: payload.source,
        severity: payload.severity,
        details,
        occurred_at: None,
        link: None,
    };
    Ok((DedupKey::new(key), alert))
}

/// What a trigger says.
struct Payload {
    summary: String,
    source: String,
    severity: Severity,
}

impl Payload {
    fn none(integration: &Integration) -> Self {
        Self {
            summary: String::new(),
            source: integration.name.clone(),
            severity: Severity::Info,
        }
    }
}

fn read_payload(fields: &mut Fields) -> Option<Payload> {
    let payload = fields.object("payload");
    let mut payload = fields.required("payload", payload)?.open();
    let summary = payload.line("summary", limits::TITLE_CHARS);
    let summary = payload.required("summary", summary);
    let source = payload.line("source", limits::SOURCE_CHARS);
    let source = payload.required("source", source);
    let expected = "critical, error, warning or info";
    let severity = payload.word("severity", expected, severity_of_word);
    let severity = payload.required("severity", severity);
    payload.object("custom_details");
    fields.absorb("payload", payload);
    Some(Payload {
        summary: summary?,
        source: source?,
        severity: severity?,
    })
}

fn action_of_word(word: &str) -> Option<Action> {
    match word {
        "trigger" => Some(Action::Trigger),
        "acknowledge" => Some(Action::Acknowledge),
        "resolve" => Some(Action::Resolve),
        _ => None,
    }
}

fn severity_of_word(word: &str) -> Option<Severity> {
    match word {
        "critical" => Some(Severity::Critical),
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "info" => Some(Severity::Info),
        _ => None,
    }
}
