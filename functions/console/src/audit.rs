//! The audit log: who changed which setting, when and from where.

use axum::extract::Request;
use common::http::page::Query;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    api::{Api, Problem, with_query},
    form::Form,
    input::Fields,
    layout::{Page, Section},
    show::{list, moment, text},
};

/// What the list can be narrowed down by.
const FILTERS: [&str; 3] = ["actor", "target", "action"];

/// `GET /audit`
pub(crate) async fn page(api: Api, request: Request) -> Result<Page, Problem> {
    let query = Query::of(request.uri());
    let mut form = Form::default();
    for name in FILTERS {
        form.set(name, query.get(name).unwrap_or_default().trim());
    }
    let address = |path: &str, cursor: &str| {
        let mut parameters = FILTERS.map(|name| (name, form.get(name))).to_vec();
        parameters.push(("cursor", cursor));
        with_query(path, &parameters)
    };
    let cursor = query.get("cursor").unwrap_or_default();
    let (found, problem) = match api.get(&address("/api/audit", cursor)).await {
        Ok(found) => (found, None),
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => (Value::Null, Some(problem)),
        Err(problem) => return Err(problem),
    };
    let entries = list(&found, "entries");
    let next = text(&found["nextCursor"]);
    let fields = Fields::new("filter", &form, problem.as_ref());
    let body = html! {
        h1 { "Audit log" }
        form method="get" action="/audit" {
            (fields.summary())
            div.row {
                (fields.line("actor", "Who", "A name or id."))
                (fields.line("target", "What", "A kind, such as webhook, or an id."))
                (fields.line("action", "Action", "Such as webhook.updated."))
                div.field { button type="submit" { "Show" } }
            }
        }
        @if entries.is_empty() && problem.is_none() {
            p { @if next.is_empty() { "There are no entries." } @else { "None among those looked at so far." } }
        }
        ol.timeline { @for one in entries { (entry(one)) } }
        @if !next.is_empty() { p { a.button href=(address("/audit", next)) { "Older ones" } } }
    };
    let page = Page::new(Section::Audit, "Audit log", body);
    Ok(page.with_problem(problem.as_ref()))
}

fn entry(entry: &Value) -> Markup {
    let (actor, target) = (&entry["actor"], &entry["target"]);
    let changes = list(entry, "changes");
    html! {
        li {
            strong { (text(&entry["action"])) } " " (text(&target["name"])) " "
            span.quiet { code { (text(&target["id"])) } }
            p.quiet {
                "by " (text(&actor["name"]))
                @if let Some(address) = actor["address"].as_str() { " from " (address) }
                " · " (moment(&entry["at"]))
            }
            @if !changes.is_empty() {
                details {
                    summary { (changes.len()) " changed" }
                    ul { @for change in changes { li { (change_of(change)) } } }
                }
            }
        }
    }
}

/// What became of a field: of its change, or of one of an incident.
pub(crate) fn change_of(change: &Value) -> Markup {
    let value = |value: &Value| {
        html! { @if let Some(text) = value.as_str() { (text) } @else { "none" } }
    };
    html! { (text(&change["field"])) ": " (value(&change["from"])) " → " (value(&change["to"])) }
}
