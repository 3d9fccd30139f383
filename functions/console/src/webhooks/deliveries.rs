//! Deliveries of a webhook, and one of them with every attempt.

use axum::{
    extract::{Path, Request},
    response::{IntoResponse as _, Redirect, Response},
};
use common::{http::page::Query, webhook::DeliveryStatus};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use super::{api_path, delivery_badge, delivery_table, outcome};
use crate::{
    api::{Api, Problem, segment, with_query},
    form::Form,
    input::{Choice, Fields},
    layout::{Page, Section},
    show::{self, facts, list, moment, text},
};

/// `GET /webhooks/{id}/deliveries`
pub(super) async fn all(
    api: Api,
    Path(id): Path<String>,
    request: Request,
) -> Result<Page, Problem> {
    let query = Query::of(request.uri());
    let status = query.get("status").unwrap_or_default();
    let cursor = query.get("cursor").unwrap_or_default();
    let path = api_path(&id);
    let deliveries = format!("{path}/deliveries");
    let deliveries = with_query(&deliveries, &[("status", status), ("cursor", cursor)]);
    let (webhook, found) = tokio::join!(api.get(&path), api.get(&deliveries));
    let (webhook, found) = (webhook?["webhook"].clone(), found?);
    let here = format!("/webhooks/{}/deliveries", text(&webhook["id"]));
    let next = text(&found["nextCursor"]);
    let body = html! {
        p { a href={ "/webhooks/" (text(&webhook["id"])) } { "← " (text(&webhook["name"])) } }
        h1 { "Deliveries" }
        (filter(&here, status))
        @let deliveries = list(&found, "deliveries");
        @if deliveries.is_empty() { p { @if next.is_empty() { "There are none." } @else { "None among those looked at so far." } } }
        @else { (delivery_table(deliveries)) }
        @if !next.is_empty() { p { a.button href=(with_query(&here, &[("status", status), ("cursor", next)])) { "Older ones" } } }
    };
    Ok(Page::new(Section::Webhooks, "Deliveries", body))
}

fn filter(here: &str, status: &str) -> Markup {
    let mut form = Form::default();
    form.set("status", status);
    let mut choices: Vec<Choice<'_>> = vec![("", "Any")];
    choices.extend(
        DeliveryStatus::ALL
            .iter()
            .map(|one| (one.as_str(), one.as_str())),
    );
    let fields = Fields::new("filter", &form, None);
    html! {
        form method="get" action=(here) {
            div.row {
                (fields.choice("status", "Status", "", &choices))
                div.field { button type="submit" { "Show" } }
            }
        }
    }
}

/// `GET /webhooks/{id}/deliveries/{delivery}`
pub(super) async fn one(
    api: Api,
    Path((id, delivery)): Path<(String, String)>,
    request: Request,
) -> Result<Page, Problem> {
    let query = Query::of(request.uri());
    let notice = match query.get("queued") {
        Some("yes") => Some("It is queued and will be sent again."),
        Some("no") => Some("It is queued already: it will be sent by itself."),
        _ => None,
    };
    render(&api, &id, &delivery, notice, None).await
}

async fn render(
    api: &Api,
    id: &str,
    delivery: &str,
    notice: Option<&str>,
    problem: Option<&Problem>,
) -> Result<Page, Problem> {
    let found = api.get(&delivery_path(id, delivery)).await?;
    let delivery = &found["delivery"];
    let webhook = text(&delivery["webhookId"]);
    let here = format!("/webhooks/{webhook}/deliveries/{}", text(&delivery["id"]));
    let body = html! {
        p { a href={ "/webhooks/" (webhook) } { "← Webhook" } " · " a href={ "/webhooks/" (webhook) "/deliveries" } { "Deliveries" } }
        h1 { "Delivery of " (text(&delivery["event"])) }
        @if let Some(notice) = notice { div.notice.good role="status" { (notice) } }
        @if let Some(problem) = problem { div.notice.bad role="alert" { strong { "Not done: " (problem.message) } } }
        p { (delivery_badge(delivery)) }
        form method="post" action={ (here) "/redeliver" } { button.main type="submit" { "Send again" } }
        (facts(&[
            ("Event", html! { (text(&delivery["event"])) " " code { (text(&delivery["eventId"])) } }),
            ("Incident", html! {
                @if let Some(id) = delivery["incidentId"].as_str() { a href={ "/incidents/" (id) } { (id) } }
            }),
            ("Created", moment(&delivery["createdAt"])),
            ("Next attempt", moment(&delivery["nextAttemptAt"])),
        ]))
        @if let Some(error) = delivery["renderError"].as_str() {
            p.notice.warn { "The webhook's format could not be made of this event, so the plain one is sent: " (error) }
        }
        h2 { "Attempts" }
        @if list(delivery, "attempts").is_empty() { p.quiet { "None yet." } }
        @for attempt in list(delivery, "attempts").iter().rev() { (attempt_of(attempt)) }
        h2 { "Request" }
        p { code { "POST " (text(&delivery["request"]["url"])) } }
        pre tabindex="0" { code {
            @for (name, value) in delivery["request"]["headers"].as_object().into_iter().flatten() {
                (name) ": " (text(value)) "\n"
            }
        } }
        (show::code(&delivery["request"]["body"]))
    };
    let page = Page::new(Section::Webhooks, "Delivery", body).with_problem(problem);
    Ok(page.at(here))
}

fn attempt_of(attempt: &Value) -> Markup {
    html! {
        div.card {
            p { strong { "Attempt " (attempt["number"]) } " · " (outcome(attempt)) " · " (attempt["durationMs"]) " ms" }
            p.quiet { (moment(&attempt["at"])) }
            @if let Some(response) = attempt["response"].as_str() {
                @if !response.is_empty() { (show::code(&Value::from(response))) }
            }
        }
    }
}

fn delivery_path(id: &str, delivery: &str) -> String {
    format!("{}/deliveries/{}", api_path(id), segment(delivery))
}

/// `POST /webhooks/{id}/deliveries/{delivery}/redeliver`
pub(super) async fn redeliver(api: Api, Path((id, delivery)): Path<(String, String)>) -> Response {
    let path = format!("{}/redeliver", delivery_path(&id, &delivery));
    match api.post(&path, Value::Null).await {
        Ok(result) => {
            let queued = if result["queued"] == true {
                "yes"
            } else {
                "no"
            };
            let path = format!(
                "/webhooks/{}/deliveries/{}?queued={queued}",
                segment(&id),
                segment(&delivery)
            );
            Redirect::to(&path).into_response()
        }
        Err(problem) if problem.status == StatusCode::CONFLICT => {
            render(&api, &id, &delivery, None, Some(&problem))
                .await
                .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}
