//! What people do to a webhook.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    api_path,
    edit::shown_once,
    one::{self, Outcome},
};
use crate::{
    api::{Api, Problem, segment},
    form::Form,
    show::{self, text},
};

/// `POST /webhooks/{id}/enabled`
pub(super) async fn enable(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let body = json!({ "enabled": form.is_ticked("enabled") });
    match api.patch(&api_path(&id), body).await {
        Ok(_) => Redirect::to(&format!("/webhooks/{}", segment(&id))).into_response(),
        Err(problem) => refused(&api, &id, problem, None).await,
    }
}

/// `POST /webhooks/{id}/test`
pub(super) async fn test(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let body = json!({ "event": form.get("event") });
    match api.post(&format!("{}/test", api_path(&id)), body).await {
        Ok(result) => done(&api, &id, tested(&result), None).await,
        Err(problem) => refused(&api, &id, problem, None).await,
    }
}

fn tested(result: &Value) -> Markup {
    let is_delivered = result["delivered"] == true;
    html! {
        div class=(if is_delivered { "notice good" } else { "notice bad" }) role="status" {
            p {
                strong { @if is_delivered { "The test was accepted" } @else { "The test was not accepted" } }
                @if let Some(code) = result["statusCode"].as_u64() { ", answered " (code) }
                " in " (result["durationMs"]) " ms"
                @if let Some(error) = result["error"].as_str() { ": " (error) }
            }
            @if let Some(response) = result["response"].as_str() {
                @if !response.is_empty() { (show::code(&Value::from(response))) }
            }
        }
    }
}

/// `POST /webhooks/{id}/rotate-secret`
pub(super) async fn rotate_secret(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let mut body = json!({ "overlapSeconds": form.number("overlapSeconds") });
    if !form.get("secret").is_empty() {
        body["secret"] = form.get("secret").into();
    }
    let path = format!("{}/rotate-secret", api_path(&id));
    match api.post(&path, body).await {
        Ok(rotated) => shown_once("New secret", &rotated["webhook"]).into_response(),
        Err(problem) => refused(&api, &id, problem, None).await,
    }
}

/// `POST /webhooks/{id}/recover`
pub(super) async fn recover(api: Api, Path(id): Path<String>, mut form: Form) -> Response {
    let mut body = json!({ "dryRun": form.is_ticked("dryRun") });
    for (name, value) in [
        ("since", form.moment("since").into()),
        ("until", form.moment("until").into()),
        ("cursor", form.text_or_null("cursor")),
    ] {
        if !value.is_null() {
            body[name] = value;
        }
    }
    if form.is_ticked("skipped") {
        body["statuses"] = json!(["FAILED", "SKIPPED"]);
    }
    match api.post(&format!("{}/recover", api_path(&id)), body).await {
        Ok(result) => {
            // A count looks through everything; sending starts from its beginning.
            let next = if form.is_ticked("dryRun") {
                ""
            } else {
                text(&result["nextCursor"])
            };
            form.set("cursor", next);
            done(&api, &id, recovered(&result), Some(form)).await
        }
        Err(problem) => refused(&api, &id, problem, Some(form)).await,
    }
}

fn recovered(result: &Value) -> Markup {
    let is_part = result["nextCursor"].is_string();
    html! {
        div.notice.good role="status" {
            @if result["dryRun"] == true {
                p { strong { @if is_part { "At least " } (result["matching"]) " deliveries would be sent again." } " Nothing was done." }
            } @else {
                p { strong { (result["queued"]) " deliveries are queued again" } ", " (result["skipped"]) " were left out." }
                @if is_part { p { "There are more: press “Go on” below." } }
            }
        }
    }
}

/// `POST /webhooks/{id}/delete`
pub(super) async fn delete(api: Api, Path(id): Path<String>) -> Response {
    match api.delete(&api_path(&id)).await {
        Ok(_) => Redirect::to("/webhooks").into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn done(api: &Api, id: &str, notice: Markup, recovery: Option<Form>) -> Response {
    let outcome = Outcome {
        notice: Some(notice),
        recovery,
        ..Outcome::default()
    };
    one::render(api, id, &outcome).await.into_response()
}

/// The webhook's page with what was refused; only the problem where the page
/// cannot be had.
async fn refused(api: &Api, id: &str, problem: Problem, recovery: Option<Form>) -> Response {
    if matches!(
        problem.status,
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND
    ) {
        return problem.into_response();
    }
    let outcome = Outcome {
        problem: Some(problem),
        recovery,
        ..Outcome::default()
    };
    one::render(api, id, &outcome).await.into_response()
}
