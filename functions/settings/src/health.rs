//! Health: alive, and (asked for) able to work.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::http::{ApiError, json, page::Query};
use http::StatusCode;
use serde_json::json;

use crate::App;

/// `GET /api/health`: liveness, cheap; with `?mode=readiness` the table and the
/// queue are asked as well.
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
    let table = app.store.ping().await;
    let queue = app.queue.depth().await;
    let word = |ok: bool| if ok { "ok" } else { "unavailable" };
    let ready = table.is_ok() && queue.is_ok();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json!({
        "status": if ready { "healthy" } else { "unhealthy" },
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "table": word(table.is_ok()), "queue": word(queue.is_ok()) },
    });
    json(status, &answer)
}
