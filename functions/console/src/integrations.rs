//! Integrations of a service: where a tool sends its alerts, how it is set up,
//! and what came in.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use common::provider::{GUIDES, PROVIDERS};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    App, action,
    api::{Api, Problem, segment},
    form::{Form, invalid},
    input::{Choice, Fields},
    layout::{Page, Section, confirmed},
    services::{self, Part},
    show::{self, Tone, ago, badge, facts, list, once, text},
};

/// The pages of integrations, below those of their service.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/{id}/integrations", action(create))
        .route("/{id}/integrations/{integration}", get(one))
        .route("/{id}/integrations/{integration}/edit", action(edit))
        .route("/{id}/integrations/{integration}/enabled", action(enable))
        .route(
            "/{id}/integrations/{integration}/rotate-key",
            action(rotate_key),
        )
        .route("/{id}/integrations/{integration}/delete", action(delete))
}

/// The identifiers of a service and of its integration.
type Ids = Path<(String, String)>;

/// A service's integrations.
pub(crate) fn list_of(integrations: &[Value]) -> Markup {
    html! {
        @if integrations.is_empty() { p { "There are none: nothing can report on this service yet." } }
        ul.list {
            @for one in integrations {
                li {
                    div.what {
                        div.title { a href=(page_of(one)) { (text(&one["name"])) } }
                        div.quiet { (text(&one["type"])) " · " (state(one)) }
                    }
                }
            }
        }
    }
}

fn page_of(integration: &Value) -> String {
    let (service, id) = (text(&integration["serviceId"]), text(&integration["id"]));
    format!("/services/{service}/integrations/{id}")
}

fn state(integration: &Value) -> Markup {
    if integration["enabled"] == true {
        badge(Tone::Good, "Enabled")
    } else {
        badge(Tone::Warn, "Disabled")
    }
}

/// The form for a new one.
pub(crate) fn new_form(service: &str, refused: Option<(&Form, &Problem)>) -> Markup {
    let mut empty = Form::default();
    empty.set("type", "webhook");
    let problem = refused.map(|(_, problem)| problem);
    let fields = Fields::new("add", refused.map_or(&empty, |(form, _)| form), problem);
    let mut providers: Vec<Choice<'_>> = PROVIDERS.iter().map(|(name, _)| (*name, *name)).collect();
    providers.sort_unstable();
    html! {
        details.fold open[refused.is_some()] {
            summary { "Add an integration" }
            form method="post" action={ "/services/" (service) "/integrations" } {
                (fields.summary())
                (fields.choice("type", "Tool", "The generic one is called webhook.", &providers))
                (fields.needed("name", "Name", ""))
                (fields.secret("signatureSecret", "Signature secret", "Makes the tool's own signature or token mandatory. May stay empty."))
                (fields.tick("requireKey", "Every request must carry the integration key"))
                button.main type="submit" { "Add integration" }
            }
        }
    }
}

/// `POST /services/{id}/integrations`
async fn create(api: Api, Path(service): Path<String>, form: Form) -> Response {
    let mut body = json!({
        "type": form.get("type"),
        "name": form.get("name"),
        "requireKey": form.is_ticked("requireKey"),
    });
    if !form.get("signatureSecret").is_empty() {
        body["signatureSecret"] = form.get("signatureSecret").into();
    }
    let path = format!("{}/integrations", services::api_path(&service));
    match api.post(&path, body).await {
        Ok(created) => shown_once("Integration added", &created["integration"]).into_response(),
        Err(problem) => services::page(&api, &service, Some((Part::Integration, &form, &problem)))
            .await
            .into_response(),
    }
}

/// The answer that shows an integration's key: not a redirect, which would have
/// to carry it.
fn shown_once(title: &str, integration: &Value) -> Page {
    let body = html! {
        h1 { (title) ": " (text(&integration["name"])) }
        (once("Integration key", text(&integration["key"])))
        p.hint { "For tools that send a key or a PagerDuty routing key, and where the key is mandatory. Most need the address only." }
        (address(integration))
        p { a.button.main href=(page_of(integration)) { "Go on: set the tool up" } }
    };
    Page::new(Section::Services, title, body).at(page_of(integration))
}

fn address(integration: &Value) -> Markup {
    html! {
        h2 { "Intake address" }
        p { "The tool posts its alerts here. The address is a credential." }
        code.secret { (text(&integration["url"])) }
    }
}

fn api_path(service: &str, id: &str) -> String {
    format!(
        "{}/integrations/{}",
        services::api_path(service),
        segment(id)
    )
}

/// `GET /services/{id}/integrations/{integration}`
async fn one(api: Api, Path((service, id)): Ids) -> Result<Page, Problem> {
    page(&api, &service, &id, None).await
}

async fn page(
    api: &Api,
    service: &str,
    id: &str,
    refused: Option<(&Form, &Problem)>,
) -> Result<Page, Problem> {
    let path = api_path(service, id);
    let requests = format!("{path}/requests");
    let (found, requests) = tokio::join!(api.get(&path), api.get(&requests));
    let (integration, requests) = (found?["integration"].clone(), requests?);
    let here = page_of(&integration);
    let is_enabled = integration["enabled"] == true;
    let problem = refused.map(|(_, problem)| problem);
    let body = html! {
        p { a href={ "/services/" (text(&integration["serviceId"])) } { "← Service" } }
        h1 { (text(&integration["name"])) }
        p { (text(&integration["type"])) " · " (state(&integration)) }
        (address(&integration))
        (guide(&integration))
        h2 { "Received requests" }
        p.hint { "What was ignored or rejected, always; what was accepted, one of a hundred. Kept 7 days." }
        (request_log(list(&requests, "requests")))
        h2 { "This integration" }
        (facts(&[
            ("Signature secret", html! { @if integration["hasSignatureSecret"] == true { "set: signatures are mandatory" } @else { "none" } }),
            ("Integration key", html! { @if integration["requireKey"] == true { "mandatory" } @else { "not asked for" } }),
            ("Requests a minute", html! { (integration["rateLimitPerMinute"]) }),
            ("Changed", ago(&integration["updatedAt"])),
        ]))
        (edit_form(&integration, refused))
        div.row {
            form method="post" action={ (here) "/enabled" } {
                @if is_enabled { button type="submit" name="enabled" value="false" { "Disable" } }
                @else { button.main type="submit" name="enabled" value="true" { "Enable" } }
            }
        }
        (confirmed(
            &format!("{here}/rotate-key"),
            "New key …",
            "The present key ends at once.",
            "End the present key and show a new one",
        ))
        (confirmed(
            &format!("{here}/delete"),
            "Delete this integration …",
            "The tool is answered 404 from then on.",
            "Delete the integration",
        ))
    };
    let page = Page::new(Section::Services, text(&integration["name"]), body);
    Ok(match problem {
        Some(_) => page.with_problem(problem).at(here),
        None => page,
    })
}

/// How the tool is set up, with this integration's address filled in.
fn guide(integration: &Value) -> Markup {
    let guides: Value = serde_json::from_str(GUIDES).unwrap_or_default();
    let provider = &integration["type"];
    let found = guides
        .as_array()
        .into_iter()
        .flatten()
        .find(|guide| guide["provider"] == *provider);
    let Some(guide) = found else {
        return html! {};
    };
    let url = text(&integration["url"]);
    let host = url.split("/api/").next().unwrap_or_default();
    let id = text(&integration["id"]);
    let filled = |text: &str| {
        text.replace("https://<your-host>", host)
            .replace("<your-host>", host.split("://").last().unwrap_or_default())
            .replace("<id>", id)
    };
    html! {
        details.fold {
            summary { "How to set up " (text(&guide["title"])) }
            ol { @for step in list(guide, "steps") { li { (filled(text(step))) } } }
            @if let Some(template) = guide["template"]["text"].as_str() {
                p { strong { "Template" } }
                (show::code(&Value::from(filled(template))))
            }
            @if let Some(scheme) = guide["signature"]["scheme"].as_str() {
                p { strong { "Signature: " } @if let Some(header) = guide["signature"]["header"].as_str() { code { (header) } " = " } (scheme) }
            }
            p { strong { "Test" } }
            pre tabindex="0" { code { (filled(text(&guide["test"]))) } }
            p { strong { "How incidents close: " } (text(&guide["resolves"])) }
        }
    }
}

fn request_log(requests: &[Value]) -> Markup {
    html! {
        @if requests.is_empty() { p.quiet { "Nothing yet." } }
        @for request in requests {
            @let is_accepted = request["statusCode"].as_u64().is_some_and(|code| code < 400);
            details.fold {
                summary {
                    (badge(if is_accepted { Tone::Calm } else { Tone::Bad }, &format!("answered {}", request["statusCode"])))
                    " " (results(request)) " " span.quiet { (ago(&request["at"])) }
                    @if let Some(reason) = request["reason"].as_str() { " – " (reason) }
                }
                p.quiet { (show::moment(&request["at"])) " · " (text(&request["contentType"])) " · " (request["size"]) " bytes" }
                (show::code(&request["excerpt"]))
            }
        }
    }
}

fn results(request: &Value) -> String {
    let results: Vec<&str> = list(request, "results").iter().map(text).collect();
    results.join(", ")
}

fn edit_form(integration: &Value, refused: Option<(&Form, &Problem)>) -> Markup {
    let mut own = Form::of(integration, &["name", "requireKey", "rateLimitPerMinute"]);
    let settings = serde_json::to_string_pretty(&integration["settings"]).unwrap_or_default();
    own.set("settings", &settings);
    let problem = refused.map(|(_, problem)| problem);
    let fields = Fields::new("edit", refused.map_or(&own, |(form, _)| form), problem);
    html! {
        details.fold open[refused.is_some()] {
            summary { "Edit" }
            form method="post" action={ (page_of(integration)) "/edit" } {
                (fields.summary())
                (fields.needed("name", "Name", ""))
                (fields.number("rateLimitPerMinute", "Requests a minute", "More are answered 429."))
                (fields.secret("signatureSecret", "New signature secret", "Empty: it stays as it is."))
                (fields.tick("removeSecret", "Remove the signature secret"))
                (fields.tick("requireKey", "Every request must carry the integration key"))
                (fields.area("settings", "Settings", "Options of this tool, as JSON.", 6))
                button.main type="submit" { "Save" }
            }
        }
    }
}

/// `POST …/edit`
async fn edit(api: Api, Path((service, id)): Ids, form: Form) -> Response {
    let changed = match written(&form) {
        Ok(body) => api.patch(&api_path(&service, &id), body).await,
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => to_page(&service, &id),
        Err(problem) => page(&api, &service, &id, Some((&form, &problem)))
            .await
            .into_response(),
    }
}

fn written(form: &Form) -> Result<Value, Problem> {
    let settings = match form.get("settings").trim() {
        "" => json!({}),
        text => serde_json::from_str(text)
            .map_err(|error| invalid("settings", &format!("this is not JSON: {error}")))?,
    };
    let mut body = json!({
        "name": form.get("name"),
        "rateLimitPerMinute": form.number("rateLimitPerMinute"),
        "requireKey": form.is_ticked("requireKey"),
        "settings": settings,
    });
    if form.is_ticked("removeSecret") {
        body["signatureSecret"] = Value::Null;
    } else if !form.get("signatureSecret").is_empty() {
        body["signatureSecret"] = form.get("signatureSecret").into();
    }
    Ok(body)
}

/// `POST …/enabled`
async fn enable(api: Api, Path((service, id)): Ids, form: Form) -> Response {
    let body = json!({ "enabled": form.is_ticked("enabled") });
    match api.patch(&api_path(&service, &id), body).await {
        Ok(_) => to_page(&service, &id),
        Err(problem) => problem.into_response(),
    }
}

/// `POST …/rotate-key`
async fn rotate_key(api: Api, Path((service, id)): Ids) -> Response {
    let path = format!("{}/rotate-key", api_path(&service, &id));
    match api.post(&path, Value::Null).await {
        Ok(rotated) => shown_once("New key", &rotated["integration"]).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// `POST …/delete`
async fn delete(api: Api, Path((service, id)): Ids) -> Response {
    match api.delete(&api_path(&service, &id)).await {
        Ok(_) => Redirect::to(&format!("/services/{}", segment(&service))).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn to_page(service: &str, id: &str) -> Response {
    let path = format!(
        "/services/{}/integrations/{}",
        segment(service),
        segment(id)
    );
    Redirect::to(&path).into_response()
}
