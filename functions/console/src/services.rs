//! Services: what teams run and are woken for.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use common::time::Timestamp;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    App, action,
    api::{Api, Problem, segment},
    form::Form,
    input::{Choice, Fields},
    integrations,
    layout::{Page, Section, confirmed},
    show::{self, ago, list, text},
};

/// The pages of services and of their integrations.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(all).post(create))
        .route("/{id}", get(one))
        .route("/{id}/edit", action(edit))
        .route("/{id}/options", action(change_options))
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

/// What the service decides for its incidents, as the API takes it: the windows
/// that stay ticked and the one that was typed.
fn options(form: &Form) -> Value {
    let kept = form.all("maintenanceWindows").map(|window| {
        // What is no JSON stays text, for the API to refuse.
        serde_json::from_str(window).unwrap_or_else(|_| Value::from(window))
    });
    let mut windows: Vec<Value> = kept.collect();
    let typed = ["from", "until", "reason"].map(|name| format!("window.{name}"));
    if typed.iter().any(|name| !form.get(name).trim().is_empty()) {
        let [from, until, reason] = &typed;
        windows.push(json!({
            "from": form.moment(from),
            "until": form.moment(until),
            "reason": form.text_or_null(reason),
        }));
    }
    json!({
        "maintenanceWindows": windows,
        "autoResolveAfterHours": form.number("autoResolveAfterHours"),
        "defaultUrgency": form.text_or_null("defaultUrgency"),
    })
}

/// The form of what the service decides for its incidents.
fn options_form(service: &Value, refused: Refused<'_>) -> Markup {
    let mut own = Form::of(service, &["autoResolveAfterHours", "defaultUrgency"]);
    let windows: Vec<(String, String)> = list(service, "maintenanceWindows")
        .iter()
        .map(|window| (window.to_string(), window_text(window)))
        .collect();
    for (window, _) in &windows {
        own.add("maintenanceWindows", window);
    }
    let problem = refused.map(|(_, problem)| problem);
    let fields = Fields::new("options", refused.map_or(&own, |(form, _)| form), problem);
    let choices: Vec<Choice<'_>> = windows
        .iter()
        .map(|(one, text)| (&**one, &**text))
        .collect();
    let hint = if choices.is_empty() {
        "None is planned. What alerts open during one is suppressed."
    } else {
        "What alerts open meanwhile is suppressed. Untick to take one out."
    };
    html! {
        details.fold open[refused.is_some()] {
            summary { "Maintenance, urgency, automatic end" }
            form method="post" action={ "/services/" (text(&service["id"])) "/options" } {
                (fields.summary())
                (fields.choices("maintenanceWindows", "Maintenance", hint, &choices))
                fieldset {
                    legend { "One more" }
                    (fields.moment("window.from", "From (UTC)", ""))
                    (fields.moment("window.until", "Until (UTC)", ""))
                    (fields.line("window.reason", "Why", ""))
                }
                (fields.choice("defaultUrgency", "Urgency of what alerts open", "", &[
                    ("", "As the alert's severity says"), ("HIGH", "Always high"), ("MEDIUM", "Always medium"), ("LOW", "Always low"),
                ]))
                (fields.number("autoResolveAfterHours", "Over after so many hours without an alert", "For tools that never report an end. Empty: never."))
                button.main type="submit" { "Save" }
            }
        }
    }
}

fn window_text(window: &Value) -> String {
    let at = |name: &str| {
        Timestamp::parse_rfc3339(text(&window[name])).map_or_else(String::new, show::clock)
    };
    let reason = window["reason"].as_str();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{} until {}{reason}", at("from"), at("until"))
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
    page(&api, &id, None).await
}

/// The forms of a service's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Edit,
    Options,
    Integration,
}

/// The page of a service, with a form of it that was refused.
pub(crate) async fn page(
    api: &Api,
    id: &str,
    refused: Option<(Part, &Form, &Problem)>,
) -> Result<Page, Problem> {
    let of = |part: Part| {
        let refused = refused.filter(|(refused, ..)| *refused == part);
        refused.map(|(_, form, problem)| (form, problem))
    };
    let edited = of(Part::Edit);
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
        (integrations::new_form(id, of(Part::Integration)))
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
        (options_form(&service, of(Part::Options)))
        (confirmed(
            &format!("/services/{id}/delete"),
            "Delete this service …",
            "Its integrations go with it: the tools that use them are answered 404. Its incidents stay.",
            "Delete the service and its integrations",
        ))
    };
    let problem = refused.map(|(.., problem)| problem);
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
        Err(problem) => page(&api, &id, Some((Part::Edit, &form, &problem)))
            .await
            .into_response(),
    }
}

/// `POST /services/{id}/options`
async fn change_options(api: Api, Path(id): Path<String>, form: Form) -> Response {
    match api.patch(&api_path(&id), options(&form)).await {
        Ok(_) => to(&segment(&id)),
        Err(problem) => page(&api, &id, Some((Part::Options, &form, &problem)))
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
