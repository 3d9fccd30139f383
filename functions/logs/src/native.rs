//! VictorOps' own address: an unmodified client needs only another host. The
//! path has the integration key, and the answer is VictorOps'.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::post,
};
use common::{
    http::{ApiError, json},
    intake::{self, AlertResult, Intake},
    integration::Integration,
    openapi::{
        Errors,
        errors::{Flood, IntakeBody, KeyInPath},
    },
};
use http::StatusCode;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::splunk_oncall::{VENDOR, new_entity_id, sent_entity_id};

/// This part of the OpenAPI document.
#[derive(Debug, OpenApi)]
#[openapi(paths(without_routing, with_routing))]
pub struct VictorOpsApi;

/// VictorOps' answer.
#[derive(Serialize, ToSchema)]
#[schema(as = VictorOpsAnswer, example = json!({"result": "success", "entity_id": "disk-db-1"}))]
struct Answer {
    /// `success`
    result: &'static str,
    entity_id: String,
}

/// The routes of VictorOps' own address, with and without a routing key.
pub(crate) fn router(intake: Intake) -> Router {
    const ADDRESS: &str = "/integrations/generic/20131114/alert/{key}";
    Router::new()
        .route(ADDRESS, post(without_routing))
        .route(&format!("{ADDRESS}/{{routing}}"), post(with_routing))
        .with_state(Arc::new(intake))
}

/// Send a VictorOps alert
///
/// VictorOps' (Splunk On-Call's) REST endpoint: an unmodified client needs only
/// another host. The key is an integration key of a `splunk-oncall` integration.
#[utoipa::path(
    post,
    path = "/integrations/generic/20131114/alert/{key}",
    operation_id = "sendVictorOpsAlert",
    tag = "VictorOps drop-in",
    params(("key" = String, Path, description = "The integration key.")),
    request_body(content = serde_json::Value, description = "`message_type`, `entity_id`, `entity_display_name`, `state_message` and whatever else there is to say.", example = json!({"message_type": "CRITICAL", "entity_id": "disk-db-1", "state_message": "98% used"})),
    responses(
        (status = 200, description = "It is stored, or ignored for a reason.", body = Answer),
        Errors::<(IntakeBody, KeyInPath, Flood)>,
    ),
    security(("integrationKeyPath" = []))
)]
async fn without_routing(
    State(intake): State<Arc<Intake>>,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    answer(receive(&intake, &key, None, request).await)
}

/// Send a VictorOps alert with a routing key
///
/// VictorOps' (Splunk On-Call's) REST endpoint: an unmodified client needs only
/// another host. The key is an integration key of a `splunk-oncall` integration.
#[utoipa::path(
    post,
    path = "/integrations/generic/20131114/alert/{key}/{routing}",
    operation_id = "sendRoutedVictorOpsAlert",
    tag = "VictorOps drop-in",
    params(("key" = String, Path, description = "The integration key."),
        ("routing" = String, Path, description = "Kept with the alert.")),
    request_body(content = serde_json::Value, description = "`message_type`, `entity_id`, `entity_display_name`, `state_message` and whatever else there is to say.", example = json!({"message_type": "CRITICAL", "entity_id": "disk-db-1", "state_message": "98% used"})),
    responses(
        (status = 200, description = "It is stored, or ignored for a reason.", body = Answer),
        Errors::<(IntakeBody, KeyInPath, Flood)>,
    ),
    security(("integrationKeyPath" = []))
)]
async fn with_routing(
    State(intake): State<Arc<Intake>>,
    Path((key, routing)): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(receive(&intake, &key, Some(routing), request).await)
}

fn answer(outcome: Result<String, ApiError>) -> Response {
    match outcome {
        Ok(entity_id) => json(
            StatusCode::OK,
            &Answer {
                result: "success",
                entity_id,
            },
        ),
        Err(error) => error.into_response_logged(),
    }
}

/// Takes an alert and tells the entity id that it went by.
async fn receive(
    intake: &Intake,
    key: &str,
    routing: Option<String>,
    request: Request,
) -> Result<String, ApiError> {
    let mut received = intake::read(intake, request).await?;
    let integration = find(intake, key).await?;
    if let Some(routing) = routing {
        // Where the normaliser looks for it, to keep it as a detail.
        received.query.push(("routing_key".to_owned(), routing));
    }
    let results = intake::receive_for(intake, &VENDOR, &integration, &received).await?;
    Ok(sent_entity_id(&received)
        .or_else(|| used_entity_id(&results, &integration))
        .unwrap_or_else(new_entity_id))
}

async fn find(intake: &Intake, key: &str) -> Result<Integration, ApiError> {
    let found = intake.incidents().store().integration_by_key(key).await;
    let found = found.map_err(|error| {
        tracing::error!(provider = VENDOR.name, %error, "an integration could not be read");
        ApiError::overloaded(VENDOR.overload)
    })?;
    found
        .filter(|integration| integration.provider == VENDOR.name)
        .ok_or_else(|| ApiError::unauthorized("invalid_key", "the integration key is not valid"))
}

/// The entity id that the normaliser invented, as the dedup key shows it.
fn used_entity_id(results: &[AlertResult], integration: &Integration) -> Option<String> {
    let prefix = integration.settings.text("keyPrefix").unwrap_or_default();
    let key = results.first()?.dedup_key.as_ref()?.as_str();
    let entity = key
        .strip_prefix(VENDOR.name)?
        .strip_prefix(':')?
        .strip_prefix(prefix)?;
    Some(entity.to_owned())
}
