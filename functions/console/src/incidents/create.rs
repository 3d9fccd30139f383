//! An incident that a person opens.

use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::{actions::written, one};
use crate::{
    api::{Api, Problem},
    form::Form,
    input::{Choice, Fields},
    layout::{Page, Section},
    show::{list, text},
};

/// `GET /incidents/new`
pub(super) async fn form(api: Api) -> Result<Page, Problem> {
    let mut form = Form::default();
    form.set("urgency", "HIGH");
    page(&api, &form, None).await
}

/// `POST /incidents`
pub(super) async fn create(api: Api, form: Form) -> Response {
    let mut body = written(&form);
    body["serviceId"] = form.get("serviceId").into();
    match api.post("/api/incidents", body).await {
        Ok(created) => {
            let id = text(&created["incident"]["id"]);
            Redirect::to(&format!("/incidents/{id}")).into_response()
        }
        Err(problem) => page(&api, &form, Some(&problem)).await.into_response(),
    }
}

async fn page(api: &Api, form: &Form, problem: Option<&Problem>) -> Result<Page, Problem> {
    let services = match api.get("/api/services").await {
        Ok(services) => Some(services),
        // A key for incidents alone.
        Err(problem) if problem.is_forbidden() => None,
        Err(problem) => return Err(problem),
    };
    let is_known = services.is_some();
    let services = services.unwrap_or_default();
    let choices: Vec<Choice<'_>> = list(&services, "services")
        .iter()
        .map(|service| (text(&service["id"]), text(&service["name"])))
        .collect();
    let fields = Fields::new("new", form, problem);
    let body = html! {
        h1 { "New incident" }
        @if choices.is_empty() && is_known {
            p.notice.warn { "An incident is about a service: " a href="/services" { "create one first" } "." }
        }
        form.card method="post" action="/incidents" {
            (fields.summary())
            @if is_known { (fields.choice("serviceId", "Service", "", &choices)) }
            @else { (fields.needed("serviceId", "Service id", "svc_…; your key may not read their names.")) }
            (one::inputs(&fields))
            button.main type="submit" { "Open incident" }
        }
    };
    let page = Page::new(Section::Incidents, "New incident", body).at("/incidents/new");
    Ok(page.with_problem(problem))
}
