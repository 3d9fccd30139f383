//! Health: alive, and (asked for) able to work.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::http::{ApiError, json, page::Query};
use http::StatusCode;
use serde_json::json;

use crate::App;

/// `GET /api/health`: liveness, without any call; with `?mode=readiness`
/// whether what is accepted is delivered, 503 where it is not.
pub(crate) async fn read(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let mode = Query::of(request.uri()).get("mode").map(str::to_owned);
    match mode.as_deref() {
        None | Some("liveness") => {
            let answer = json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") });
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
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let answer = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "checks": report.checks,
    });
    json(code, &answer)
}
