//! API keys: made, shown once, revoked.

use axum::{
    Router,
    extract::{Path, Request},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use common::http::page::Query;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{
    App, action,
    api::{Api, Problem, segment, with_query},
    form::Form,
    input::{Choice, Fields},
    layout::{Page, Section, confirmed},
    show::{self, ago, list, moment, once, text},
};

/// The pages of API keys.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(all).post(create))
        .route("/{id}/revoke", action(revoke))
}

/// What a key may do.
const SCOPES: [Choice<'static>; 5] = [
    ("incidents:read", "incidents:read – see incidents"),
    (
        "incidents:write",
        "incidents:write – open and change incidents",
    ),
    (
        "settings:read",
        "settings:read – see services, webhooks, deliveries, audit",
    ),
    (
        "settings:write",
        "settings:write – change all of that, and make keys",
    ),
    ("events:write", "events:write – send alerts"),
];

/// `GET /keys`
async fn all(api: Api, request: Request) -> Result<Page, Problem> {
    let query = Query::of(request.uri());
    let mut form = Form::default();
    form.add("scopes", "incidents:read");
    page(&api, query.get("cursor").unwrap_or_default(), &form, None).await
}

async fn page(
    api: &Api,
    cursor: &str,
    form: &Form,
    problem: Option<&Problem>,
) -> Result<Page, Problem> {
    let found = api
        .get(&with_query("/api/api-keys", &[("cursor", cursor)]))
        .await?;
    let keys = list(&found, "apiKeys");
    let next = text(&found["nextCursor"]);
    let fields = Fields::new("new", form, problem);
    let body = html! {
        h1 { "API keys" }
        @if keys.is_empty() { p { "There are none. The admin key of the deployment is not one of them." } }
        @for key in keys { (card(key)) }
        @if !next.is_empty() { p { a.button href=(with_query("/keys", &[("cursor", next)])) { "More" } } }
        h2 { "New key" }
        form.card method="post" action="/keys" {
            (fields.summary())
            (fields.needed("name", "Name", "Who or what uses it; timelines and the audit log say it."))
            (fields.choices("scopes", "What it may do", "", &SCOPES))
            (fields.moment("expiresAt", "Ends (UTC)", "Empty: never."))
            button.main type="submit" { "Create key" }
        }
    };
    let page = Page::new(Section::Keys, "API keys", body).with_problem(problem);
    Ok(match problem {
        Some(_) => page.at("/keys"),
        None => page,
    })
}

fn card(key: &Value) -> Markup {
    let scopes: Vec<&str> = list(key, "scopes").iter().map(text).collect();
    html! {
        div.card {
            strong { (text(&key["name"])) }
            (show::facts(&[
                ("May", html! { (scopes.join(", ")) }),
                ("Created", html! {
                    (ago(&key["createdAt"]))
                    @if let Some(name) = key["createdBy"]["name"].as_str() { " by " (name) }
                }),
                ("Last used", html! {
                    @if key["lastUsedAt"].is_string() { (ago(&key["lastUsedAt"])) } @else { "never" }
                }),
                ("Ends", moment(&key["expiresAt"])),
                ("Id", html! { code { (text(&key["id"])) } }),
            ]))
            (confirmed(
                &format!("/keys/{}/revoke", text(&key["id"])),
                "Revoke …",
                "What uses it is answered 401 at once.",
                "Revoke the key",
            ))
        }
    }
}

/// `POST /keys`: the answer shows the key; a redirect would have to carry it.
async fn create(api: Api, form: Form) -> Response {
    let mut body = json!({ "name": form.get("name"), "scopes": form.list("scopes") });
    if let Some(end) = form.moment("expiresAt") {
        body["expiresAt"] = end.into();
    }
    match api.post("/api/api-keys", body).await {
        Ok(created) => {
            let body = html! {
                h1 { "Key created: " (text(&created["apiKey"]["name"])) }
                (once("API key", text(&created["token"])))
                p { a.button.main href="/keys" { "All keys" } }
            };
            let page = Page::new(Section::Keys, "Key created", body);
            page.at("/keys").into_response()
        }
        Err(problem) => page(&api, "", &form, Some(&problem)).await.into_response(),
    }
}

/// `POST /keys/{id}/revoke`
async fn revoke(api: Api, Path(id): Path<String>) -> Response {
    match api.delete(&format!("/api/api-keys/{}", segment(&id))).await {
        Ok(_) => Redirect::to("/keys").into_response(),
        Err(problem) => problem.into_response(),
    }
}
