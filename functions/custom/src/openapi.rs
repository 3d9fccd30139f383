//! The function's part of the OpenAPI document. The routes of `PagerDuty`'s
//! interfaces share one handler, so that they are described here.

use common::{
    alert::Action,
    id::IntegrationId,
    intake::AlertResult,
    openapi::{Errors, errors::DropInBody},
};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::events;

/// The function's part of the document.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    events::receive,
    own,
    own_enqueue,
    enqueue,
    change_enqueue,
    create_event
))]
pub struct CustomApi;

/// An event of PagerDuty's Events API v2. PagerDuty's own limits are not ours:
/// only what cannot be understood is refused.
#[derive(ToSchema)]
#[schema(examples(
    json!({"routing_key": "a1b2c3d4e5f60718293a4b5c6d7e8f90", "event_action": "trigger", "dedup_key": "disk-db-1", "payload": {"summary": "Disk full on db-1", "source": "db-1", "severity": "critical"}}),
    json!({"routing_key": "a1b2c3d4e5f60718293a4b5c6d7e8f90", "event_action": "resolve", "dedup_key": "disk-db-1"})
))]
#[expect(dead_code, reason = "only described; pagerduty::event reads it")]
struct PagerDutyEvent {
    /// The integration key, unless one of the security schemes carries it.
    routing_key: Option<String>,
    event_action: Action,
    /// Made where a trigger has none; required otherwise.
    dedup_key: Option<String>,
    /// Required for `trigger`.
    payload: Option<PagerDutyPayload>,
    #[schema(value_type = Option<Vec<Object>>)]
    links: Option<Value>,
    client_url: Option<String>,
}

/// What happened.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; pagerduty::event reads it")]
struct PagerDutyPayload {
    summary: String,
    source: Option<String>,
    /// `error` where it is none of the common words.
    severity: Option<String>,
    timestamp: Option<String>,
    #[schema(value_type = Option<Object>)]
    custom_details: Option<Value>,
}

/// A change event of PagerDuty's: taken, and nothing is done.
#[derive(ToSchema)]
#[schema(example = json!({"routing_key": "a1b2c3d4e5f60718293a4b5c6d7e8f90", "payload": {"summary": "Deployed 1.2.3"}}))]
#[expect(dead_code, reason = "only described; pagerduty::event reads it")]
struct PagerDutyChange {
    routing_key: Option<String>,
    payload: PagerDutyPayload,
}

/// An event of PagerDuty's Events API v1.
#[derive(ToSchema)]
#[schema(example = json!({"service_key": "a1b2c3d4e5f60718293a4b5c6d7e8f90", "event_type": "trigger", "incident_key": "disk-db-1", "description": "Disk full on db-1"}))]
#[expect(dead_code, reason = "only described; pagerduty::event reads it")]
struct PagerDutyEventV1 {
    service_key: Option<String>,
    event_type: Action,
    incident_key: Option<String>,
    /// Required for `trigger`.
    description: Option<String>,
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
}

/// PagerDuty's answer to an event that was taken.
#[derive(ToSchema)]
#[schema(example = json!({"status": "success", "message": "Event processed", "dedup_key": "disk-db-1"}))]
#[expect(dead_code, reason = "only described; pagerduty::answer writes it")]
struct PagerDutyAccepted {
    #[schema(pattern = "^success$")]
    status: String,
    message: String,
    dedup_key: String,
}

/// The same, with what became of the alert.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; pagerduty::answer writes it")]
struct PagerDutyAcceptedHere {
    #[schema(pattern = "^success$")]
    status: String,
    message: String,
    dedup_key: String,
    result: AlertResult,
    results: Vec<AlertResult>,
}

/// PagerDuty's answer to a change event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; pagerduty::answer writes it")]
struct PagerDutyChangeAccepted {
    #[schema(pattern = "^success$")]
    status: String,
    message: String,
}

/// PagerDuty's answer to an event of v1.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; pagerduty::answer writes it")]
struct PagerDutyAcceptedV1 {
    #[schema(pattern = "^success$")]
    status: String,
    message: String,
    incident_key: String,
}

/// PagerDuty's answer to what it does not take.
#[derive(ToSchema)]
#[schema(example = json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key' is missing or blank"]}))]
#[expect(dead_code, reason = "only described; pagerduty::answer writes it")]
struct PagerDutyRefusal {
    status: String,
    message: String,
    #[schema(min_items = 1)]
    errors: Vec<String>,
}

/// Names the integration, which the key names already.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; pagerduty::key reads it")]
struct OwnQuery {
    /// Where it is there, the key must be this integration's.
    #[param(rename = "integrationId")]
    integration_id: Option<IntegrationId>,
}

/// PagerDuty events at the integration's own address
///
/// Answers as PagerDuty does, and with what became of the alert.
#[utoipa::path(
    post,
    path = "/api/integrations/pagerduty",
    operation_id = "sendPagerDutyAlerts",
    tag = "Intake",
    params(OwnQuery),
    request_body = PagerDutyEvent,
    responses(
        (status = 202, description = "It is stored, or ignored for a reason.", body = PagerDutyAcceptedHere),
        (status = 400, description = "It is not valid, or the key is not.", body = PagerDutyRefusal),
        (status = 429, description = "To be sent again after `Retry-After` seconds.", body = PagerDutyRefusal),
        Errors::<(DropInBody,)>,
    ),
    security((), ("routingKeyHeader" = []), ("routingKeyQuery" = []), ("integrationKeyToken" = []))
)]
#[expect(dead_code, reason = "only described")]
fn own() {}

/// PagerDuty events below the integration's own address
///
/// For clients that append PagerDuty's path to a base address.
#[utoipa::path(
    post,
    path = "/api/integrations/pagerduty/v2/enqueue",
    operation_id = "enqueueAtIntegration",
    tag = "PagerDuty drop-in",
    params(OwnQuery),
    request_body = PagerDutyEvent,
    responses(
        (status = 202, description = "It is stored, or ignored for a reason.", body = PagerDutyAcceptedHere),
        (status = 400, description = "It is not valid, or the key is not.", body = PagerDutyRefusal),
        (status = 429, description = "To be sent again after `Retry-After` seconds.", body = PagerDutyRefusal),
        Errors::<(DropInBody,)>,
    ),
    security((), ("routingKeyHeader" = []), ("routingKeyQuery" = []), ("integrationKeyToken" = []))
)]
#[expect(dead_code, reason = "only described")]
fn own_enqueue() {}

/// PagerDuty Events API v2
///
/// A PagerDuty client that is pointed at this host works unmodified.
#[utoipa::path(
    post,
    path = "/v2/enqueue",
    operation_id = "enqueue",
    tag = "PagerDuty drop-in",
    request_body = PagerDutyEvent,
    responses(
        (status = 202, description = "It is stored, or ignored for a reason.", body = PagerDutyAccepted),
        (status = 400, description = "It is not valid, or the key is not.", body = PagerDutyRefusal),
        (status = 429, description = "To be sent again after `Retry-After` seconds.", body = PagerDutyRefusal),
        Errors::<(DropInBody,)>,
    ),
    security((), ("routingKeyHeader" = []), ("routingKeyQuery" = []), ("integrationKeyToken" = []))
)]
#[expect(dead_code, reason = "only described")]
fn enqueue() {}

/// PagerDuty change events
///
/// Taken, and nothing is done: they touch no incident.
#[utoipa::path(
    post,
    path = "/v2/change/enqueue",
    operation_id = "enqueueChange",
    tag = "PagerDuty drop-in",
    request_body = PagerDutyChange,
    responses(
        (status = 202, description = "It is taken.", body = PagerDutyChangeAccepted),
        (status = 400, description = "It is not valid, or the key is not.", body = PagerDutyRefusal),
        (status = 429, description = "To be sent again after `Retry-After` seconds.", body = PagerDutyRefusal),
        Errors::<(DropInBody,)>,
    ),
    security((), ("routingKeyHeader" = []), ("routingKeyQuery" = []), ("integrationKeyToken" = []))
)]
#[expect(dead_code, reason = "only described")]
fn change_enqueue() {}

/// PagerDuty Events API v1
#[utoipa::path(
    post,
    path = "/generic/2010-04-15/create_event.json",
    operation_id = "createEvent",
    tag = "PagerDuty drop-in",
    request_body = PagerDutyEventV1,
    responses(
        (status = 200, description = "It is stored, or ignored for a reason.", body = PagerDutyAcceptedV1),
        (status = 400, description = "It is not valid, or the key is not.", body = PagerDutyRefusal),
        (status = 403, description = "To be sent again after `Retry-After` seconds: what clients of v1 take for it.", body = PagerDutyRefusal),
        Errors::<(DropInBody,)>,
    ),
    security((), ("routingKeyHeader" = []), ("routingKeyQuery" = []), ("integrationKeyToken" = []))
)]
#[expect(dead_code, reason = "only described")]
fn create_event() {}
