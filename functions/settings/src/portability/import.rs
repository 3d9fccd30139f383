//! Putting a document in.

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    http::{
        ApiError,
        auth::{Caller, SettingsWrite},
        body, json,
        page::Query,
    },
    openapi::{
        Errors,
        errors::{Body, Concurrent, Works},
    },
    time::Timestamp,
};
use http::{HeaderMap, StatusCode, header::CONTENT_LENGTH};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    apply,
    existing::Existing,
    export::flag,
    plan::{Kind, Plan, Work},
};
use crate::{App, bodies, integrations, webhooks};

/// Import services, integrations and webhooks
///
/// Creates and updates what the document names; with `prune=true` deletes what
/// it does not, with `dryRun=true` only says what would be done. `complete` is
/// `false` where the call has done its share of a large document: send it
/// again. It may be sent again whatever happens: what is done already is found
/// unchanged then. An error after the first step has the outcome so far beside
/// `error` and `code`.
#[utoipa::path(
    post,
    path = "/api/import",
    operation_id = "importConfiguration",
    tag = "Export and import",
    params(bodies::ImportQuery),
    request_body = bodies::Imported,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "What was done, or would be.", body = bodies::ImportOutcome),
        Errors::<(Caller<SettingsWrite>, Body, Concurrent, Works)>,
    )
)]
pub(crate) async fn import(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let started = Instant::now();
    let (parts, payload) = request.into_parts();
    let query = Query::of(&parts.uri);
    let (is_dry, prune) = (flag(&query, "dryRun")?, flag(&query, "prune")?);
    let document = body::read_json(&parts.headers, payload).await?;
    let guard = webhooks::own_guard(&app, &parts.headers);
    let existing = Existing::read(&app.store).await?;
    let mut plan = Plan::read(document, &existing, &guard, prune, Timestamp::now())?;
    if is_dry {
        return Ok(json(StatusCode::OK, &plan.view(true)));
    }
    show_addresses(&app, &parts.headers, &mut plan);
    let outcome = apply::run(&app, &mut plan, caller.actor(), started).await;
    let view = plan.view(false);
    match outcome {
        Ok(()) => Ok(json(StatusCode::OK, &view)),
        Err(error) => {
            let mut answer = view;
            answer.insert("error".to_owned(), Value::from(error.message()));
            answer.insert("code".to_owned(), Value::from(error.code()));
            // The error's own status and headers, with what was done as body.
            let mut response = json(error.status(), &answer);
            let mut headers = error.into_response().into_parts().0.headers;
            headers.remove(CONTENT_LENGTH);
            response.headers_mut().extend(headers);
            Ok(response)
        }
    }
}

/// Created integrations are answered with where they take alerts.
fn show_addresses(app: &App, headers: &HeaderMap, plan: &mut Plan) {
    for step in &mut plan.steps {
        if let (Kind::Integration, Work::CreateIntegration(integration)) = (step.kind, &step.work) {
            let url = integrations::intake_url(app, headers, integration);
            step.secrets.insert("url".to_owned(), Value::from(url));
        }
    }
}
