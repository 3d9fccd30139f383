//! Lists of incidents: what is open, and everything by filters.

use axum::extract::Request;
use common::{http::page::Query, time::Timestamp};
use maud::{Markup, html};
use serde_json::Value;

use super::{STATUSES, URGENCIES, status_badge, urgency_badge};
use crate::{
    api::{Api, Problem, WEBHOOKS, segment, with_query},
    form::Form,
    input::{Choice, Fields},
    layout::{Page, Section},
    show::{ago, clock, list, text},
    webhooks,
};

/// The statuses of what is not over, and what the first page calls them.
const GROUPS: [(&str, &str); 4] = [
    ("OPEN", "open"),
    ("ACKNOWLEDGED", "Acknowledged"),
    ("SNOOZED", "Snoozed"),
    ("SUPPRESSED", "Suppressed"),
];

/// `GET /`: what is not over.
pub(crate) async fn home(api: Api) -> Result<Page, Problem> {
    let unresolved = [("status", "unresolved")];
    let (incidents, webhooks) = tokio::join!(
        api.entries("/api/incidents", "incidents", &unresolved),
        api.get(WEBHOOKS),
    );
    let (incidents, is_part) = incidents?;
    let mut groups = GROUPS.map(|(status, name)| {
        let of_group = incidents
            .iter()
            .filter(|one| text(&one["status"]) == status);
        (name, of_group.collect::<Vec<_>>())
    });
    let [(_, open), quiet @ ..] = &mut groups;
    open.sort_by_key(|one| rank(text(&one["urgency"])));
    let title = format!("{}{} open", open.len(), if is_part { "+" } else { "" });
    let body = html! {
        div id="live" {
            (trouble(webhooks))
            div.split {
                h1 { (title) }
                div {
                    a.button href="/incidents/new" { "New incident" } " "
                    a.button href="/incidents" { "All incidents" }
                }
            }
            @if is_part {
                p.notice.warn { "There may be more than is shown here. " a href="/incidents?status=unresolved" { "See all of them" } }
            } @else if open.is_empty() {
                p.notice.good { "Nobody is needed: no incident is open." }
            }
            (rows(open, true, "/"))
            @for (name, incidents) in quiet {
                @if !incidents.is_empty() {
                    h2 { (name) " (" (incidents.len()) ")" }
                    (rows(incidents, false, "/"))
                }
            }
            p.hint { "As of " (clock(Timestamp::now())) "." }
        }
        p.notice.warn id="stale" role="status" hidden { "The list could not be refreshed: it may be old. Reload the page." }
    };
    Ok(Page::new(Section::Incidents, &title, body))
}

fn rank(urgency: &str) -> u8 {
    match urgency {
        "HIGH" => 0,
        "MEDIUM" => 1,
        _ => 2,
    }
}

/// Webhooks in trouble: who should have been told was not.
fn trouble(webhooks: Result<Value, Problem>) -> Markup {
    let all = match webhooks {
        Ok(all) => all,
        // A key for incidents alone.
        Err(problem) if problem.is_forbidden() => return html! {},
        Err(_) => {
            return html! { p.notice.warn { "Whether webhooks work is not known right now." } };
        }
    };
    let bad: Vec<&Value> = list(&all, "webhooks")
        .iter()
        .filter(|webhook| webhooks::is_in_trouble(webhook))
        .collect();
    html! {
        @if !bad.is_empty() {
            div.notice.bad {
                strong { "Webhooks in trouble: who they tell may not know of this." }
                ul {
                    @for webhook in bad {
                        li {
                            a href={ "/webhooks/" (text(&webhook["id"])) } { (text(&webhook["name"])) }
                            " – " (webhooks::standing(webhook))
                        }
                    }
                }
            }
        }
    }
}

fn rows(incidents: &[&Value], is_loud: bool, back: &str) -> Markup {
    html! {
        ul.list {
            @for incident in incidents {
                li.loud[is_loud && text(&incident["urgency"]) == "HIGH"] { (row(incident, back)) }
            }
        }
    }
}

fn row(incident: &Value, back: &str) -> Markup {
    let id = text(&incident["id"]);
    html! {
        div.what {
            div.title { a href={ "/incidents/" (id) } { (text(&incident["title"])) } }
            div.quiet {
                (urgency_badge(incident)) " " (status_badge(incident)) " "
                (text(&incident["service"]["name"])) " · " (ago(&incident["createdAt"]))
                @if incident["alertCount"].as_u64() > Some(1) { " · " (incident["alertCount"]) " alerts" }
                @if let Some(name) = incident["assignee"]["name"].as_str() { " · " (name) }
                @if incident["maintenance"].is_object() { " · maintenance" }
                @if text(&incident["status"]) == "SNOOZED" { " · ends " (ago(&incident["snoozedUntil"])) }
            }
        }
        @if text(&incident["status"]) == "OPEN" {
            form method="post" action={ "/incidents/" (id) "/status" } {
                input type="hidden" name="version" value=(incident["version"]);
                input type="hidden" name="back" value=(back);
                button type="submit" name="status" value="ACKNOWLEDGED"
                    aria-label={ "Acknowledge " (text(&incident["title"])) } { "Ack" }
            }
        }
    }
}

/// `GET /incidents`: by filters, page by page.
pub(crate) async fn all(api: Api, request: Request) -> Result<Page, Problem> {
    let query = Query::of(request.uri());
    let mut form = Form::default();
    for name in ["status", "urgency", "serviceId"] {
        form.set(name, query.get(name).unwrap_or_default());
    }
    let cursor = query.get("cursor").unwrap_or_default();
    let filters = |cursor| {
        [
            ("status", form.get("status")),
            ("urgency", form.get("urgency")),
            ("serviceId", form.get("serviceId")),
            ("cursor", cursor),
        ]
    };
    let path = with_query("/api/incidents", &filters(cursor));
    let (found, services) = tokio::join!(api.get(&path), api.get("/api/services"));
    let (found, problem) = match found {
        Ok(found) => (found, None),
        Err(problem) if problem.status == http::StatusCode::BAD_REQUEST => {
            (Value::Null, Some(problem))
        }
        Err(problem) => return Err(problem),
    };
    let incidents: Vec<&Value> = list(&found, "incidents").iter().collect();
    let next = text(&found["nextCursor"]);
    let body = html! {
        div.split { h1 { "All incidents" } a.button href="/incidents/new" { "New incident" } }
        (filter_form(&form, problem.as_ref(), &services.unwrap_or_default()))
        @if incidents.is_empty() && problem.is_none() {
            p { @if next.is_empty() { "There are none." } @else { "None among those looked at so far." } }
        }
        (rows(&incidents, false, &with_query("/incidents", &filters(cursor))))
        @if !next.is_empty() { p { a.button href=(with_query("/incidents", &filters(next))) { "Older ones" } } }
    };
    let page = Page::new(Section::Incidents, "All incidents", body);
    Ok(page.with_problem(problem.as_ref()))
}

fn filter_form(form: &Form, problem: Option<&Problem>, services: &Value) -> Markup {
    let fields = Fields::new("filter", form, problem);
    let any = |all: &[Choice<'static>]| [&[("", "Any")], all].concat();
    let mut choices = vec![("", "Any")];
    choices.extend(
        list(services, "services")
            .iter()
            .map(|service| (text(&service["id"]), text(&service["name"]))),
    );
    html! {
        form method="get" action="/incidents" {
            (fields.summary())
            div.row {
                (fields.choice("status", "Status", "", &any(&[&[("unresolved", "Not resolved")], &STATUSES[..]].concat())))
                (fields.choice("urgency", "Urgency", "", &any(&URGENCIES)))
                // A key for incidents alone sees no services.
                @if choices.len() > 1 { (fields.choice("serviceId", "Service", "", &choices)) }
                div.field { button type="submit" { "Show" } }
            }
        }
    }
}

/// Where the API knows an incident.
pub(super) fn api_path(id: &str) -> String {
    format!("/api/incidents/{}", segment(id))
}
