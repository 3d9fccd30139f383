//! Health: alive, and (asked for) able to work.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    http::{ApiError, json, page::Query},
    openapi::{Errors, errors::Mode},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, bodies};

/// Health
///
/// Cheap; with `mode=readiness` the table and the queue are asked as well.
#[utoipa::path(
    get,
    path = "/api/health",
    operation_id = "readHealth",
    tag = "Service",
    params(bodies::HealthQuery),
    security(()),
    responses(
        (status = 200, description = "It works.", body = HealthAnswer),
        (status = 503, description = "The table or the queue does not answer.", body = HealthAnswer),
        Errors::<(Mode,)>,
    )
)]
pub(crate) async fn read(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let mode = Query::of(request.uri()).get("mode").map(str::to_owned);
    match mode.as_deref() {
        None | Some("liveness") => {
            let answer = HealthAnswer {
                status: Condition::Healthy,
                version: env!("CARGO_PKG_VERSION"),
                checks: None,
            };
            Ok(json(StatusCode::OK, &answer))
        }
        Some("readiness") => Ok(readiness(&app).await),
        Some(_) => Err(ApiError::bad_request(
            "invalid_mode",
            "mode is liveness or readiness",
        )),
    }
}

async fn readiness(app: &App) -> Response {
    let table = app.store.ping().await;
    let queue = app.queue.depth().await;
    let word = |ok: bool| if ok { Check::Ok } else { Check::Unavailable };
    let (status, condition) = if table.is_ok() && queue.is_ok() {
        (StatusCode::OK, Condition::Healthy)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Condition::Unhealthy)
    };
    let answer = HealthAnswer {
        status: condition,
        version: env!("CARGO_PKG_VERSION"),
        checks: Some(Checks {
            table: word(table.is_ok()),
            queue: word(queue.is_ok()),
        }),
    };
    json(status, &answer)
}

/// How the service does.
#[derive(Serialize, ToSchema)]
#[schema(as = Health, example = json!({"status": "healthy", "version": "0.1.0"}))]
struct HealthAnswer {
    status: Condition,
    version: &'static str,
    /// With `mode=readiness` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checks: Option<Checks>,
}

/// How it does, in a word.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Healthy,
    Unhealthy,
}

/// What a readiness check asked.
#[derive(Serialize, ToSchema)]
struct Checks {
    table: Check,
    queue: Check,
}

/// What it heard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Check {
    Ok,
    Unavailable,
}
