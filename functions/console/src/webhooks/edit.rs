//! The form of a webhook, new or changed, with a preview of what it would send.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
};
use common::{event::EventName, webhook::Format};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::api_path;
use crate::{
    api::{Api, Problem, WEBHOOKS, segment},
    form::{Form, invalid},
    input::{Choice, Fields},
    layout::{Page, Section},
    show::{self, list, once, text},
};

/// What a page of the form shows beside it.
#[derive(Default)]
struct Beside {
    problem: Option<Problem>,
    /// The API's preview.
    preview: Option<Value>,
}

/// `GET /webhooks/new`
pub(super) async fn new(api: Api) -> Result<Page, Problem> {
    let mut form = Form::default();
    for event in EventName::INCIDENT {
        form.add("events", event.as_str());
    }
    form.set("format", Format::Opsknight.as_str());
    form.set("ordering", "incident");
    render(&api, None, &form, &Beside::default()).await
}

/// `POST /webhooks`
pub(super) async fn create(api: Api, form: Form) -> Response {
    let body = match asked(&api, None, &form).await {
        Ok(body) => body,
        Err(page) => return page,
    };
    match api.post(WEBHOOKS, body).await {
        Ok(created) => shown_once("Webhook created", &created["webhook"]).into_response(),
        Err(problem) => again(&api, None, &form, problem).await,
    }
}

/// The answer that shows a secret: not a redirect, which would have to carry it.
pub(super) fn shown_once(title: &str, webhook: &Value) -> Page {
    let here = format!("/webhooks/{}", text(&webhook["id"]));
    let body = html! {
        h1 { (title) ": " (text(&webhook["name"])) }
        (once("Secret", text(&webhook["secret"])))
        p { "The receiver checks with it that a delivery is ours: header " code { "webhook-signature" }
            " (Standard Webhooks) or " code { "X-Webhook-Signature" } "." }
        p { a.button.main href=(here) { "Go on: test the webhook" } }
    };
    Page::new(Section::Webhooks, title, body).at(here)
}

/// `GET /webhooks/{id}/edit`
pub(super) async fn form(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    let webhook = api.get(&api_path(&id)).await?["webhook"].clone();
    let mut form = Form::of(&webhook, &["name", "url", "format", "template", "ordering"]);
    let events = list(&webhook, "events").iter().map(|one| ("events", one));
    let services = list(&webhook["filter"], "serviceIds").iter();
    let urgencies = list(&webhook["filter"], "urgencies").iter();
    for (name, value) in events
        .chain(services.map(|one| ("filter.serviceIds", one)))
        .chain(urgencies.map(|one| ("filter.urgencies", one)))
    {
        form.add(name, text(value));
    }
    render(&api, Some(&id), &form, &Beside::default()).await
}

/// `POST /webhooks/{id}/edit`
pub(super) async fn save(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let body = match asked(&api, Some(&id), &form).await {
        Ok(body) => body,
        Err(page) => return page,
    };
    match api.patch(&api_path(&id), body).await {
        Ok(_) => Redirect::to(&format!("/webhooks/{}", segment(&id))).into_response(),
        Err(problem) => again(&api, Some(&id), &form, problem).await,
    }
}

/// What is to be saved; or the page that comes before that, the preview's or a
/// problem's.
async fn asked(api: &Api, id: Option<&str>, form: &Form) -> Result<Value, Response> {
    if form.get("do") == "preview" {
        return Err(preview(api, id, form).await);
    }
    match written(form, id.is_none()) {
        Ok(body) => Ok(body),
        Err(problem) => Err(again(api, id, form, problem).await),
    }
}

async fn preview(api: &Api, id: Option<&str>, form: &Form) -> Response {
    let mut body = json!({ "format": form.get("format") });
    for (name, value) in [
        ("template", template(form)),
        ("event", form.text_or_null("events")),
        ("url", form.text_or_null("url")),
    ] {
        if !value.is_null() {
            body[name] = value;
        }
    }
    match api.post(&format!("{WEBHOOKS}/preview"), body).await {
        Ok(preview) => {
            let beside = Beside {
                preview: Some(preview),
                ..Beside::default()
            };
            render(api, id, form, &beside).await.into_response()
        }
        Err(problem) => again(api, id, form, problem).await,
    }
}

async fn again(api: &Api, id: Option<&str>, form: &Form, problem: Problem) -> Response {
    let beside = Beside {
        problem: Some(problem),
        ..Beside::default()
    };
    render(api, id, form, &beside).await.into_response()
}

/// The template where one is used: a form always sends the field.
fn template(form: &Form) -> Value {
    if form.get("format") == Format::Template.as_str() {
        form.text_or_null("template")
    } else {
        Value::Null
    }
}

/// The form as the API takes it. `enabled` is not in it: saving must not enable
/// what was disabled meanwhile.
fn written(form: &Form, is_new: bool) -> Result<Value, Problem> {
    let mut body = json!({
        "name": form.get("name"),
        "url": form.get("url"),
        "events": form.list("events"),
        "format": form.get("format"),
        "template": template(form),
        "filter": {
            "serviceIds": form.list("filter.serviceIds"),
            "urgencies": form.list("filter.urgencies"),
        },
        "ordering": form.get("ordering"),
    });
    if form.is_ticked("removeHeaders") {
        body["headers"] = json!({});
    } else if !form.get("headers").trim().is_empty() {
        body["headers"] = Value::Object(headers(form.get("headers"))?);
    }
    if is_new && !form.get("secret").is_empty() {
        body["secret"] = form.get("secret").into();
    }
    Ok(body)
}

/// Headers, one a line.
fn headers(text: &str) -> Result<Map<String, Value>, Problem> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| invalid("headers", "each line is a name, a colon and a value"))?;
            Ok((name.trim().to_owned(), Value::from(value.trim())))
        })
        .collect()
}

async fn render(
    api: &Api,
    id: Option<&str>,
    form: &Form,
    beside: &Beside,
) -> Result<Page, Problem> {
    let services = api.get("/api/services").await?;
    let problem = beside.problem.as_ref();
    let fields = Fields::new("webhook", form, problem);
    let (title, path, save) = match id {
        None => ("New webhook", "/webhooks".to_owned(), "Create webhook"),
        Some(id) => (
            "Edit webhook",
            format!("/webhooks/{}/edit", segment(id)),
            "Save",
        ),
    };
    let body = html! {
        h1 { (title) }
        form.card method="post" action=(path) {
            (fields.summary())
            (fields.needed("name", "Name", ""))
            (fields.needed("url", "Address", "https, where the receiver takes posts."))
            (event_choices(&fields))
            (format_fields(&fields))
            @if let Some(preview) = &beside.preview {
                div.notice.good role="status" {
                    p { strong { "Preview" } " of " (text(&preview["event"])) ". Nothing was sent or saved." }
                    (show::code(&preview["body"]))
                }
            }
            (filter_fields(&fields, form, list(&services, "services")))
            (header_fields(&fields, id.is_none()))
            (fields.choice("ordering", "Order", "", &[
                ("incident", "The events of one incident arrive in order"),
                ("none", "Every delivery goes out as soon as it can"),
            ]))
            @if id.is_none() {
                (fields.secret("secret", "Secret", "Signs every delivery. Empty: one is made and shown once."))
            }
            div.row {
                button.main type="submit" name="do" value="save" { (save) }
                button type="submit" name="do" value="preview" formnovalidate { "Preview" }
            }
        }
    };
    let page = Page::new(Section::Webhooks, title, body).with_problem(problem);
    let here = id.map_or("/webhooks/new".to_owned(), |_| path);
    Ok(page.at(here))
}

fn event_choices(fields: &Fields<'_>) -> Markup {
    let events: Vec<Choice<'_>> = EventName::ALL
        .iter()
        .map(|event| (event.as_str(), event.as_str()))
        .collect();
    fields.choices(
        "events",
        "Events",
        "Those of webhooks tell of the others' trouble.",
        &events,
    )
}

fn format_fields(fields: &Fields<'_>) -> Markup {
    let formats: Vec<Choice<'_>> = Format::ALL
        .iter()
        .map(|format| (format.as_str(), format.as_str()))
        .collect();
    html! {
        (fields.choice("format", "Format", "", &formats))
        (fields.area("template", "Template", "For the format template: what the body is made of. docs/formats.md explains it.", 5))
    }
}

fn filter_fields(fields: &Fields<'_>, form: &Form, services: &[Value]) -> Markup {
    let mut choices: Vec<Choice<'_>> = services
        .iter()
        .map(|service| (text(&service["id"]), text(&service["name"])))
        .collect();
    // A service that was deleted meanwhile stays in the filter until it is taken out.
    for id in form.all("filter.serviceIds") {
        if !choices.iter().any(|(known, _)| *known == id) {
            choices.push((id, id));
        }
    }
    html! {
        (fields.choices("filter.serviceIds", "Only these services", "None ticked: all.", &choices))
        (fields.choices("filter.urgencies", "Only these urgencies", "None ticked: all.",
            &[("HIGH", "High"), ("MEDIUM", "Medium"), ("LOW", "Low")]))
    }
}

fn header_fields(fields: &Fields<'_>, is_new: bool) -> Markup {
    html! {
        @if is_new {
            (fields.area("headers", "Headers of your own", "One a line, such as Authorization: Bearer …; values are never shown again.", 2))
        } @else {
            (fields.area("headers", "New headers of your own", "One a line; they replace all there are. Empty: those stay.", 2))
            (fields.tick("removeHeaders", "Remove all headers of your own"))
        }
    }
}
