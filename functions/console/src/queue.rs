//! The delivery queue and its dead letters.

use axum::{
    Router,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    App, action,
    api::{Api, Problem},
    layout::{Page, Section},
    show::{Tone, badge, duration, facts, moment, text},
};

/// The pages of the queue.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(page))
        .route("/redrive", action(redrive))
}

/// `GET /queue`
async fn page(api: Api) -> Result<Page, Problem> {
    render(&api, None).await
}

async fn render(api: &Api, problem: Option<&Problem>) -> Result<Page, Problem> {
    let queue = api.get("/api/delivery-queue").await?;
    let dead = queue["dead"].as_u64().unwrap_or_default();
    let oldest = queue["oldestSeconds"]
        .as_u64()
        .map(|seconds| duration(std::time::Duration::from_secs(seconds)));
    let body = html! {
        h1 { "Delivery queue" }
        @if let Some(problem) = problem {
            div.notice.bad role="alert" { strong { "Not done: " (problem.message) } }
        }
        (facts(&[
            ("Waiting", html! { (queue["ready"]) }),
            ("Under way", html! { (queue["inFlight"]) }),
            ("Given up", html! {
                (dead) " " @if dead > 0 { (badge(Tone::Bad, "dead letters")) } @else { (badge(Tone::Good, "none")) }
            }),
            ("Oldest unfinished", html! { (oldest.as_deref().unwrap_or_default()) }),
        ]))
        p.hint { "Waiting includes retries whose pause is over; numbers of the queue are approximate." }
        h2 { "Redrive" }
        p { "Moves every dead letter back into the queue. What was delivered or sent again in the meantime is not sent a second time." }
        form method="post" action="/queue/redrive" { button.main type="submit" { "Move " (dead) " back" } }
        (latest(&queue["redrive"]))
        h2 { "Instead" }
        p { "A " a href="/webhooks" { "webhook's page" } " shows why its deliveries failed, sends one again, or all of a time." }
    };
    let page = Page::new(Section::Queue, "Delivery queue", body);
    Ok(match problem {
        Some(_) => page.with_problem(problem).at("/queue"),
        None => page,
    })
}

fn latest(redrive: &Value) -> Markup {
    html! {
        @if redrive.is_object() {
            h2 { "Latest redrive" }
            (facts(&[
                ("Status", html! { (text(&redrive["status"])) }),
                ("Moved", html! { (redrive["moved"]) @if redrive["toMove"].is_u64() { " of " (redrive["toMove"]) } }),
                ("Started", moment(&redrive["startedAt"])),
                ("Failure", html! { (redrive["error"].as_str().unwrap_or_default()) }),
            ]))
        }
    }
}

/// `POST /queue/redrive`
async fn redrive(api: Api) -> Response {
    match api.post("/api/delivery-queue/redrive", Value::Null).await {
        Ok(_) => Redirect::to("/queue").into_response(),
        Err(problem) if problem.status == StatusCode::CONFLICT => {
            render(&api, Some(&problem)).await.into_response()
        }
        Err(problem) => problem.into_response(),
    }
}
