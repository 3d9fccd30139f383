//! `PagerDuty`'s Events API as a server: its paths, its answers, and one
//! credential, the routing key (`vendors/pagerduty.md`). Clients that can change
//! nothing but the host work unmodified.

mod answer;
mod event;
mod key;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::{MethodRouter, post},
};
use bytes::Bytes;
use common::{
    intake::{Context, Intake, Parsed, Received, apply_alerts, log_answer, read, tell},
    store::StoreError,
    time::Timestamp,
};
use serde_json::{Map, Value};

use answer::Outcome;
use event::Event;

/// The provider's name.
const NAME: &str = "pagerduty";

/// The interfaces that `PagerDuty` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// Events API v2.
    Events,
    /// Change events.
    Changes,
    /// Events API v1.
    EventsV1,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    api: Api,
    /// Whether it is one of our addresses: these name the integration too, and
    /// their answers tell what became of the alert.
    is_ours: bool,
}

/// The drop-in routes, and the same under our own address.
pub(crate) fn routes(intake: Intake) -> Router {
    let (ours, theirs) = (true, false);
    Router::new()
        .route("/api/integrations/pagerduty", route(Api::Events, ours))
        .route(
            "/api/integrations/pagerduty/v2/enqueue",
            route(Api::Events, ours),
        )
        .route("/v2/enqueue", route(Api::Events, theirs))
        .route("/v2/change/enqueue", route(Api::Changes, theirs))
        .route(
            "/generic/2010-04-15/create_event.json",
            route(Api::EventsV1, theirs),
        )
        .with_state(Arc::new(intake))
}

fn route(api: Api, is_ours: bool) -> MethodRouter<Arc<Intake>> {
    let door = Door { api, is_ours };
    post(
        move |State(intake): State<Arc<Intake>>, request: Request| async move {
            let response: Response = receive(&intake, door, request).await;
            response
        },
    )
}

async fn receive(intake: &Intake, door: Door, request: Request) -> Response {
    let received = match read(intake, request).await {
        Ok(received) => received,
        Err(error) => return error.into_response_logged(),
    };
    let body = match received.json() {
        Ok(Value::Object(body)) => Some(body),
        _ => None,
    };
    let key = key::find(door.api, body.as_ref(), &received);
    let sender = match key::owner(intake.store(), door, key.as_deref(), &received).await {
        Ok(sender) => sender,
        Err(error) => return throttled(&error).response(door),
    };
    let Some(body) = body else {
        return Outcome::Unrecognised.response(door);
    };
    let integration = match sender {
        Ok(integration) => integration,
        Err(mut errors) => {
            errors.extend(
                event::read(door.api, &body, false)
                    .err()
                    .unwrap_or_default(),
            );
            return Outcome::Invalid(errors).response(door);
        }
    };
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
        address: received.address,
    };
    let outcome = match intake.admit(&context) {
        Ok(_) => process(intake, door.api, &body, &context).await,
        Err(over) if over.is_first => Outcome::Throttled,
        Err(_) => return Outcome::Throttled.response(door),
    };
    let shown = without_key(received, key.as_deref().unwrap_or_default());
    log_answer(intake.store(), &shown, &context, outcome.logged(door)).await;
    outcome.response(door)
}

async fn process(
    intake: &Intake,
    api: Api,
    body: &Map<String, Value>,
    context: &Context<'_>,
) -> Outcome {
    let is_strict = context.settings().flag("strict", false);
    let alert = match event::read(api, body, is_strict) {
        Err(errors) => return Outcome::Invalid(errors),
        Ok(Event::Change) => return Outcome::Change,
        Ok(Event::Alert(alert)) => alert,
    };
    let key = alert.identity.clone();
    let parsed = vec![Parsed::Alert(alert)];
    match apply_alerts(intake.incidents(), NAME, context, parsed).await {
        Ok(results) => {
            tell(context, &results);
            Outcome::Accepted { key, results }
        }
        Err(error) => throttled(&error),
    }
}

/// What cannot be stored is to be sent again.
fn throttled(error: &StoreError) -> Outcome {
    tracing::error!(provider = NAME, %error, "an event could not be stored");
    Outcome::Throttled
}

/// The request as it is logged: its body commonly holds the routing key, which
/// is the credential.
fn without_key(received: Received, key: &str) -> Received {
    if key.is_empty() {
        return received;
    }
    let body = String::from_utf8_lossy(&received.body).replace(key, "[routing key]");
    Received {
        body: Bytes::from(body),
        ..received
    }
}

/// Every interface, lenient and strict.
#[cfg(test)]
pub(crate) const EVERY_API: [(Api, bool); 6] = [
    (Api::Events, false),
    (Api::Events, true),
    (Api::Changes, false),
    (Api::Changes, true),
    (Api::EventsV1, false),
    (Api::EventsV1, true),
];

/// The alert of an event, where it is valid and has one.
#[cfg(test)]
pub(crate) fn read_alert(api: Api, body: &Map<String, Value>, is_strict: bool) -> Option<Parsed> {
    match event::read(api, body, is_strict) {
        Ok(Event::Alert(alert)) => Some(Parsed::Alert(alert)),
        _ => None,
    }
}
