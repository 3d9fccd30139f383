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
use serde_json::Value;
use utoipa::ToSchema;

use crate::{App, bodies};

/// Health
///
/// Whether it runs, without any call; with `mode=readiness` whether what is
/// accepted is delivered.
#[utoipa::path(
    get,
    path = "/api/health",
    operation_id = "readHealth",
    tag = "Service",
    params(bodies::HealthQuery),
    security(()),
    responses(
        (status = 200, description = "It works.", body = HealthAnswer),
        (status = 503, description = "What is accepted is not delivered; `checks` says why.", body = HealthAnswer),
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
    let report = app.readiness.report(app).await;
    let (code, status) = if report.is_ready {
        (StatusCode::OK, Condition::Ready)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Condition::NotReady)
    };
    let answer = HealthAnswer {
        status,
        version: env!("CARGO_PKG_VERSION"),
        checks: Some(report.checks),
    };
    json(code, &answer)
}

/// How the service does.
#[derive(Serialize, ToSchema)]
#[schema(as = Health, example = json!({"status": "healthy", "version": "0.1.0"}))]
struct HealthAnswer {
    status: Condition,
    version: &'static str,
    /// With `mode=readiness` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = bodies::HealthChecks)]
    checks: Option<Value>,
}

/// How it does, in a word.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthStatus)]
enum Condition {
    Healthy,
    Ready,
    NotReady,
}
