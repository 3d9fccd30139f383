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
    api_key::{ApiKey, Scope},
    event::Actor,
    http::{ApiError, auth, fields::Fields, json},
    id::ServiceId,
    incidents::Reporter,
    intake::{
        AlertResult, Answer, Context, Intake, Received, credentials, log_answer, read, result_of,
        tell,
    },
    integration::Integration,
    limits,
    openapi::{
        Errors,
        errors::{EventBody, Flood, SenderByKey, Works},
        schemas::line,
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
    /// The service; required with an API key, and that of the integration key
    /// otherwise.
    service_id: Option<ServiceId>,
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
        Errors::<(EventBody, SenderByKey, Flood, Works)>,
    ),
    security(("integrationKeyToken" = []), ("apiKey" = ["events:write"]))
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
    let now = Timestamp::now();
    let sender = authenticate(intake.store(), &received, now).await?;
    let integration = match &sender {
        Sender::Key(key) => return accept_by_key(intake, &received, &sender, key, now).await,
        Sender::Integration(integration) => integration,
    };
    let context = Context {
        integration,
        now,
        address: received.address,
    };
    let mut reporter = Reporter::from(&**integration);
    reporter.actor.address = received.address;
    let outcome = match intake.admit(&context) {
        Ok(_) => match read_body(&received, &sender) {
            Ok(event) => apply(intake, &reporter, &event, now).await,
            Err(error) => Err(error),
        },
        Err(over) if over.is_first => Err(over.into_error(StatusCode::TOO_MANY_REQUESTS)),
        Err(over) => return Err(over.into_error(StatusCode::TOO_MANY_REQUESTS)),
    };
    if let Ok(result) = &outcome {
        tell(&context, std::slice::from_ref(result));
    }
    let answer = match &outcome {
        Ok(result) => Answer::of(StatusCode::ACCEPTED, std::slice::from_ref(result)),
        Err(error) => Answer::rejected(error.status(), error.message()),
    };
    log_answer(intake.store(), &received, &context, answer).await;
    outcome
}

/// An API key has no integration, and so no request log.
async fn accept_by_key(
    intake: &Intake,
    received: &Received,
    sender: &Sender,
    key: &ApiKey,
    now: Timestamp,
) -> Result<AlertResult, ApiError> {
    let admitted = intake.admit_key(key, now);
    admitted.map_err(|over| over.into_error(StatusCode::TOO_MANY_REQUESTS))?;
    let event = read_body(received, sender)?;
    let service = intake.store().service(event.service).await;
    let service = service.map_err(|error| overloaded(&error))?;
    let service = service.ok_or_else(|| ApiError::not_found("there is no such service"))?;
    let actor = Actor {
        address: received.address,
        ..key.actor()
    };
    let reporter = Reporter::of_service(&service, actor);
    apply(intake, &reporter, &event, now).await
}

async fn apply(
    intake: &Intake,
    reporter: &Reporter,
    event: &Event,
    now: Timestamp,
) -> Result<AlertResult, ApiError> {
    let outcome = intake
        .incidents()
        .apply_alert(reporter, &event.key, &event.alert, now)
        .await
        .map_err(|error| overloaded(&error))?;
    Ok(result_of(outcome, &event.key, &event.alert))
}

/// Who sends events.
pub(crate) enum Sender {
    /// An integration, of one service.
    Integration(Box<Integration>),
    /// An API key, which names the service.
    Key(ApiKey),
}

impl Sender {
    fn name(&self) -> &str {
        match self {
            Self::Integration(integration) => &integration.name,
            Self::Key(key) => &key.name,
        }
    }
}

/// The integration whose key the caller presents, or its API key.
async fn authenticate(
    store: &Store,
    received: &Received,
    now: Timestamp,
) -> Result<Sender, ApiError> {
    if let Some(key) = credentials::authorization_token(received) {
        return integration(store, key).await;
    }
    let Some(token) = credentials::bearer(received) else {
        return Err(ApiError::unauthorized(
            "missing_credential",
            "send Authorization: Token token= with an integration key, or Bearer with an API key",
        ));
    };
    let key = auth::api_key(store, &token, now).await?;
    if key.scopes.contains(&Scope::EventsWrite) {
        Ok(Sender::Key(key))
    } else {
        Err(auth::missing_scope(Scope::EventsWrite))
    }
}

async fn integration(store: &Store, key: &str) -> Result<Sender, ApiError> {
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
    Ok(Sender::Integration(Box::new(integration)))
}

fn overloaded(error: &StoreError) -> ApiError {
    tracing::error!(%error, "an event could not be stored");
    ApiError::overloaded(StatusCode::TOO_MANY_REQUESTS)
}

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    service: ServiceId,
    pub(crate) key: DedupKey,
    alert: Alert,
}

fn read_body(received: &Received, sender: &Sender) -> Result<Event, ApiError> {
    let body = received
        .json()
        .map_err(|error| ApiError::bad_request("invalid_json", error.to_string()))?;
    read_event(body, sender)
}

/// Reads an event. Its dedup key is the incident's as it is, without a prefix:
/// callers send back what they sent first.
pub(crate) fn read_event(body: Value, sender: &Sender) -> Result<Event, ApiError> {
    let details = body.clone();
    let mut fields = Fields::of(body)?.open();
    let expected = "trigger, acknowledge or resolve";
    let action = fields.word("event_action", expected, action_of_word);
    let action = fields.required("event_action", action);
    let key = fields.line("dedup_key", limits::EVENT_DEDUP_KEY_CHARS);
    let key = fields.required("dedup_key", key);
    let service = read_service(&mut fields, sender);
    // Acknowledging and resolving need none, and what they bring says nothing.
    let payload = match action {
        Some(Action::Trigger) => read_payload(&mut fields),
        _ => Some(Payload::none(sender)),
    };
    fields.finish()?;
    let (Some(action), Some(key), Some(service), Some(payload)) = (action, key, service, payload)
    else {
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
    Ok(Event {
        service,
        key: DedupKey::new(key),
        alert,
    })
}

/// The service of an event: an integration's own, which need not be named, or
/// the one that the caller with an API key names.
fn read_service(fields: &mut Fields, sender: &Sender) -> Option<ServiceId> {
    let named = fields.word("service_id", "a service id", |id| id.parse().ok());
    let Sender::Integration(integration) = sender else {
        return fields.required("service_id", named);
    };
    let own = integration.service.id;
    if named.value().is_some_and(|named| named != own) {
        fields.problem("service_id", "is not the service of this integration key");
    }
    Some(own)
}

/// What a trigger says.
struct Payload {
    summary: String,
    source: String,
    severity: Severity,
}

impl Payload {
    fn none(sender: &Sender) -> Self {
        Self {
            summary: String::new(),
            source: sender.name().to_owned(),
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
