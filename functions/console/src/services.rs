//! Services: what teams run and are woken for.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    App, action,
    api::{Api, Problem, segment},
    form::Form,
    input::Fields,
    integrations,
    layout::{Page, Section, confirmed},
    show::{ago, list, text},
};

/// The pages of services and of their integrations.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(all).post(create))
        .route("/{id}", get(one))
        .route("/{id}/edit", action(edit))
        .route("/{id}/delete", action(delete))
        .merge(integrations::routes())
}

/// A form of this page that the API refused.
type Refused<'a> = Option<(&'a Form, &'a Problem)>;

/// `GET /services`
async fn all(api: Api) -> Result<Page, Problem> {
    list_page(&api, None).await
}

async fn list_page(api: &Api, refused: Refused<'_>) -> Result<Page, Problem> {
    let services = api.get("/api/services").await?;
    let services = list(&services, "services");
    let empty = Form::default();
    let problem = refused.map(|(_, problem)| problem);
    let fields = Fields::new("new", refused.map_or(&empty, |(form, _)| form), problem);
    let body = html! {
        h1 { "Services" }
        @if services.is_empty() { p { "There are none. A service is what alerts are about; its integrations take them." } }
        ul.list {
            @for service in services {
                li {
                    div.what {
                        div.title { a href={ "/services/" (text(&service["id"])) } { (text(&service["name"])) } }
                        div.quiet { (text(&service["description"])) }
                    }
                }
            }
        }
        h2 { "New service" }
        form.card method="post" action="/services" {
            (fields.summary())
            (inputs(&fields))
            button.main type="submit" { "Create service" }
        }
    };
    let page = Page::new(Section::Services, "Services", body).at("/services");
    Ok(page.with_problem(problem))
}

fn inputs(fields: &Fields<'_>) -> Markup {
    html! {
        (fields.needed("name", "Name", ""))
        (fields.area("description", "Description", "", 2))
    }
}

fn written(form: &Form) -> Value {
    json!({ "name": form.get("name"), "description": form.text_or_null("description") })
}

/// `POST /services`
async fn create(api: Api, form: Form) -> Response {
    match api.post("/api/services", written(&form)).await {
        Ok(created) => to(text(&created["service"]["id"])),
        Err(problem) => list_page(&api, Some((&form, &problem)))
            .await
            .into_response(),
    }
}

/// Where the API knows a service.
pub(crate) fn api_path(id: &str) -> String {
    format!("/api/services/{}", segment(id))
}

/// `GET /services/{id}`
async fn one(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    page(&api, &id, None, None).await
}

/// The page of a service, with a refused form of the service or of a new
/// integration.
pub(crate) async fn page(
    api: &Api,
    id: &str,
    edited: Refused<'_>,
    added: Refused<'_>,
) -> Result<Page, Problem> {
    let path = api_path(id);
    let integrations = format!("{path}/integrations");
    let (service, integrations) = tokio::join!(api.get(&path), api.get(&integrations));
    let (service, integrations) = (service?["service"].clone(), integrations?);
    let own = Form::of(&service, &["name", "description"]);
    let edit_problem = edited.map(|(_, problem)| problem);
    let fields = Fields::new("edit", edited.map_or(&own, |(form, _)| form), edit_problem);
    let id = text(&service["id"]);
    let body = html! {
        h1 { (text(&service["name"])) }
        p.prose { (text(&service["description"])) }
        p { a.button href={ "/incidents?serviceId=" (id) } { "Its incidents" } }
        h2 { "Integrations" }
        (integrations::list_of(list(&integrations, "integrations")))
        (integrations::new_form(id, added))
        h2 { "This service" }
        p.quiet { "Created " (ago(&service["createdAt"])) ", changed " (ago(&service["updatedAt"])) "." }
        details.fold open[edited.is_some()] {
            summary { "Edit" }
            form method="post" action={ "/services/" (id) "/edit" } {
                (fields.summary())
                (inputs(&fields))
                button.main type="submit" { "Save" }
            }
        }
        (confirmed(
            &format!("/services/{id}/delete"),
            "Delete this service …",
            "Its integrations go with it: the tools that use them are answered 404. Its incidents stay.",
            "Delete the service and its integrations",
        ))
    };
    let problem = edit_problem.or(added.map(|(_, problem)| problem));
    let page = Page::new(Section::Services, text(&service["name"]), body);
    Ok(match problem {
        Some(_) => page.with_problem(problem).at(format!("/services/{id}")),
        None => page,
    })
}

/// `POST /services/{id}/edit`
async fn edit(api: Api, Path(id): Path<String>, form: Form) -> Response {
    match api.patch(&api_path(&id), written(&form)).await {
        Ok(_) => to(&segment(&id)),
        Err(problem) => page(&api, &id, Some((&form, &problem)), None)
            .await
            .into_response(),
    }
}

/// `POST /services/{id}/delete`
async fn delete(api: Api, Path(id): Path<String>) -> Response {
    match api.delete(&api_path(&id)).await {
        Ok(_) => Redirect::to("/services").into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn to(id: &str) -> Response {
    Redirect::to(&format!("/services/{id}")).into_response()
}
