//! One incident: how it stands, what can be done, why it was opened.

use axum::extract::Path;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use super::{SNOOZES, URGENCIES, list::api_path, status_badge, urgency_badge};
use crate::{
    api::{Api, Problem, WEBHOOKS, segment, with_query},
    audit::change_of,
    form::Form,
    input::Fields,
    layout::{Page, Section},
    show::{self, ago, facts, foreign_link, list, moment, text},
    webhooks,
};

/// Webhooks whose deliveries of an incident are looked up for one page.
const WEBHOOKS_ASKED: usize = 50;

/// A form of this page that the API refused.
pub(super) struct Refused {
    /// Which one.
    pub form: &'static str,
    /// What was typed.
    pub typed: Form,
    /// Why.
    pub problem: Problem,
}

impl Refused {
    fn is(&self, form: &str) -> bool {
        self.form == form
    }
}

/// `GET /incidents/{id}`
pub(super) async fn page(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    render(&api, &id, None).await
}

/// The page of an incident as it is now, with what was refused.
pub(super) async fn render(
    api: &Api,
    id: &str,
    refused: Option<&Refused>,
) -> Result<Page, Problem> {
    let path = api_path(id);
    let (timeline, alerts) = (format!("{path}/timeline"), format!("{path}/alerts"));
    let (incident, timeline, alerts) = tokio::join!(
        api.get(&path),
        api.entries(&timeline, "timeline", &[]),
        api.entries(&alerts, "alerts", &[]),
    );
    let (incident, timeline, alerts) = (incident?, timeline?, alerts?);
    let incident = &incident["incident"];
    let (mut happened, is_part) = timeline;
    happened.reverse();
    let body = html! {
        @if let Some(refused) = refused { (notice(refused, &happened)) }
        p { (urgency_badge(incident)) " " (status_badge(incident)) }
        h1 { (text(&incident["title"])) }
        (buttons(incident))
        div.columns {
            div {
                @if let Some(description) = incident["description"].as_str() { p.prose.card { (description) } }
                h2 { "Timeline" }
                (note_form(incident, refused))
                @if is_part { p.notice.warn { "Only the first " (happened.len()) " entries are shown; the API has all." } }
                ol.timeline { @for one in &happened { (entry(one)) } }
                (raw_alerts(&alerts.0))
                @if alerts.1 { p.notice.warn { "Only the first alerts are shown; the API has all." } }
            }
            div {
                h2 { "Details" }
                (details(incident))
                div.row {
                    a.button href={ "/incidents/" (text(&incident["id"])) "/edit" } { "Edit" }
                    a.button href={ "/incidents/" (text(&incident["id"])) "/deliveries" } { "Who was told" }
                }
            }
        }
    };
    let page = Page::new(Section::Incidents, text(&incident["title"]), body);
    let page = page.with_problem(refused.map(|refused| &refused.problem));
    Ok(match refused {
        Some(_) => page.at(format!("/incidents/{}", text(&incident["id"]))),
        None => page,
    })
}

/// What became of a form. Where somebody else was faster, who that was.
fn notice(refused: &Refused, happened: &[Value]) -> Markup {
    let is_late = refused.problem.status == StatusCode::PRECONDITION_FAILED;
    let latest = happened.iter().find(|entry| entry["event"].is_string());
    html! {
        div.notice.bad role="alert" {
            @if is_late {
                p { strong { "Somebody was faster. Nothing of yours was done; this is the incident as it is now." } }
                @if let Some(latest) = latest {
                    p { "Latest change: " (show::text(&latest["event"])) " by " (actor(latest)) ", " (ago(&latest["at"])) "." }
                }
            } @else {
                p { strong { "Not done: " (refused.problem.message) } }
            }
        }
    }
}

fn version(incident: &Value) -> Markup {
    html! { input type="hidden" name="version" value=(incident["version"]); }
}

fn buttons(incident: &Value) -> Markup {
    let action = format!("/incidents/{}/status", text(&incident["id"]));
    let status = text(&incident["status"]);
    let button = |value: &str, label: &str, is_main: bool| {
        html! {
            form method="post" action=(action) {
                (version(incident))
                button.main[is_main] type="submit" name="status" value=(value) { (label) }
            }
        }
    };
    html! {
        div.row {
            @if status == "RESOLVED" {
                (button("OPEN", "Reopen", false))
            } @else {
                @if status != "ACKNOWLEDGED" { (button("ACKNOWLEDGED", "Acknowledge", true)) }
                (button("RESOLVED", "Resolve", status == "ACKNOWLEDGED"))
                form method="post" action=(action) {
                    (version(incident))
                    label.quiet for="snooze" { "Quiet for " }
                    select id="snooze" name="snoozeMinutes" {
                        @for (minutes, label) in SNOOZES { option value=(minutes) selected[minutes == "60"] { (label) } }
                    }
                    " " button type="submit" name="status" value="SNOOZED" { "Snooze" }
                }
                @if status != "SUPPRESSED" { (button("SUPPRESSED", "Quiet until resolved", false)) }
                @if status != "OPEN" { (button("OPEN", "Back to open", false)) }
            }
        }
    }
}

fn details(incident: &Value) -> Markup {
    let service = &incident["service"];
    let or_none = |value: &Value| html! { @if let Some(text) = value.as_str() { (text) } };
    let assignee = html! {
        @match incident["assignee"]["name"].as_str() {
            None => "nobody",
            Some(name) => {
                (name)
                @if let Some(email) = incident["assignee"]["email"].as_str() { " (" (email) ")" }
            }
        }
    };
    let mut rows = vec![
        (
            "Service",
            html! { a href={ "/services/" (text(&service["id"])) } { (text(&service["name"])) } },
        ),
        ("Assignee", assignee),
        ("Priority", or_none(&incident["priority"])),
        ("Reported by", or_none(&incident["source"])),
        ("Alerts", html! { (incident["alertCount"]) }),
        ("Opened", moment(&incident["createdAt"])),
        ("Acknowledged", moment(&incident["acknowledgedAt"])),
        ("Snoozed until", moment(&incident["snoozedUntil"])),
        ("Resolved", moment(&incident["resolvedAt"])),
        ("Dedup key", or_none(&incident["dedupKey"])),
        ("Id", html! { code { (text(&incident["id"])) } }),
    ];
    if let Some(window) = incident["maintenance"].as_object() {
        let reason = window.get("reason").and_then(Value::as_str);
        let shown = html! {
            "opened during it, until " (moment(&incident["maintenance"]["until"]))
            @if let Some(reason) = reason { ": " (reason) }
        };
        rows.insert(0, ("Maintenance", shown));
    }
    if let Some(link) = incident["link"].as_str() {
        rows.insert(0, ("Look at", foreign_link(link)));
    }
    facts(&rows)
}

fn note_form(incident: &Value, refused: Option<&Refused>) -> Markup {
    let refused = refused.filter(|refused| refused.is("note"));
    let empty = Form::default();
    let fields = Fields::new(
        "note",
        refused.map_or(&empty, |refused| &refused.typed),
        refused.map(|refused| &refused.problem),
    );
    html! {
        details.fold open[refused.is_some()] {
            summary { "Add a note" }
            form method="post" action={ "/incidents/" (text(&incident["id"])) "/note" } {
                (fields.area("note", "Note", "For everybody who opens this incident.", 3))
                button type="submit" { "Add note" }
            }
        }
    }
}

fn actor(entry: &Value) -> &str {
    text(&entry["actor"]["name"])
}

fn entry(entry: &Value) -> Markup {
    html! {
        li {
            @if let Some(event) = entry["event"].as_str() { strong { (event) } } @else { strong { "note" } }
            " by " (actor(entry)) " · " span.quiet { (moment(&entry["at"])) }
            @if let Some(note) = entry["note"].as_str() { p.prose { (note) } }
            @let changes = list(entry, "changes");
            @if !changes.is_empty() && text(&entry["event"]) != "incident.created" {
                ul {
                    @for change in changes {
                        li { (change_of(change)) }
                    }
                }
            }
        }
    }
}

/// The alerts behind the incident, newest first.
fn raw_alerts(alerts: &[Value]) -> Markup {
    html! {
        h2 { "Alerts" }
        @if alerts.is_empty() { p.quiet { "No alert: a person opened it, or its alerts are not kept any more." } }
        @for (index, alert) in alerts.iter().rev().enumerate() {
            details.fold open[index == 0] {
                summary {
                    (text(&alert["action"])) " " (text(&alert["severity"])) " · " (text(&alert["title"]))
                    " " span.quiet { (ago(&alert["receivedAt"])) }
                }
                (facts(&[
                    ("Received", moment(&alert["receivedAt"])),
                    ("Happened", moment(&alert["occurredAt"])),
                    ("Source", html! { (text(&alert["source"])) }),
                    ("Link", html! { @if let Some(link) = alert["link"].as_str() { (foreign_link(link)) } }),
                ]))
                (show::code(&alert["details"]))
                @if alert["truncated"] == true { p.hint { "Only the start of what was sent is kept." } }
            }
        }
    }
}

/// `GET /incidents/{id}/edit`
pub(super) async fn edit(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    render_edit(&api, &id, None).await
}

/// The form to edit an incident, with what was typed.
pub(super) async fn render_edit(
    api: &Api,
    id: &str,
    refused: Option<&Refused>,
) -> Result<Page, Problem> {
    let incident = api.get(&api_path(id)).await?["incident"].clone();
    let mut form = Form::of(
        &incident,
        &["title", "description", "urgency", "priority", "version"],
    );
    form.set("assignee.name", text(&incident["assignee"]["name"]));
    form.set("assignee.email", text(&incident["assignee"]["email"]));
    if let Some(refused) = refused {
        form = refused.typed.clone();
    }
    let problem = refused.map(|refused| &refused.problem);
    let is_late = problem.is_some_and(|one| one.status == StatusCode::PRECONDITION_FAILED);
    if is_late {
        // What was typed may be sent again, now over what is shown beside it.
        form.set("version", &incident["version"].to_string());
    }
    let fields = Fields::new("edit", &form, problem);
    let body = html! {
        p { a href={ "/incidents/" (segment(id)) } { "← " (text(&incident["title"])) } }
        h1 { "Edit incident" }
        @if is_late {
            div.notice.bad role="alert" {
                p { strong { "Somebody was faster. Nothing of yours was done." } }
                p { "The incident is now as below; saving replaces it with what you typed." }
                (details(&incident))
                p { strong { "Title: " } (text(&incident["title"])) }
                @if let Some(description) = incident["description"].as_str() { p.prose { (description) } }
            }
        }
        form.card method="post" action={ "/incidents/" (segment(id)) "/edit" } {
            @if !is_late { (fields.summary()) }
            input type="hidden" name="version" value=(form.get("version"));
            (inputs(&fields))
            button.main type="submit" { "Save" }
        }
    };
    let page = Page::new(Section::Incidents, "Edit incident", body);
    let page = page.at(format!("/incidents/{}/edit", segment(id)));
    Ok(page.with_problem(problem))
}

/// The fields that a new incident and an edited one share.
pub(super) fn inputs(fields: &Fields<'_>) -> Markup {
    html! {
        (fields.needed("title", "Title", ""))
        (fields.choice("urgency", "Urgency", "", &URGENCIES))
        (fields.area("description", "Description", "", 5))
        (fields.line("priority", "Priority", "Such as P1; at most 20 characters."))
        (fields.line("assignee.name", "Assignee", "Empty: nobody."))
        (fields.line("assignee.email", "Assignee's e-mail", ""))
    }
}

/// `GET /incidents/{id}/deliveries`: what each webhook was told of it.
pub(super) async fn deliveries(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    let incident = api.get(&api_path(&id)).await?["incident"].clone();
    let all = api.get(WEBHOOKS).await?;
    let all = list(&all, "webhooks");
    let mut told = Vec::new();
    for webhook in all.iter().take(WEBHOOKS_ASKED) {
        let path = format!("{WEBHOOKS}/{}/deliveries", text(&webhook["id"]));
        let parameters = [("incidentId", text(&incident["id"])), ("limit", "100")];
        let found = api.get(&with_query(&path, &parameters)).await?;
        told.push((webhook, found));
    }
    let body = html! {
        p { a href={ "/incidents/" (text(&incident["id"])) } { "← " (text(&incident["title"])) } }
        h1 { "Who was told" }
        @for (webhook, found) in &told {
            @let deliveries = list(found, "deliveries");
            h2 { a href={ "/webhooks/" (text(&webhook["id"])) } { (text(&webhook["name"])) } }
            p { (webhooks::standing(webhook)) }
            @if deliveries.is_empty() { p.quiet { "Told nothing: its events or filter do not match, or it is newer." } }
            @else { (webhooks::delivery_table(deliveries)) }
        }
        @if told.is_empty() { p { "There are no webhooks." } }
        @if all.len() > WEBHOOKS_ASKED { p.notice.warn { "Only the first " (WEBHOOKS_ASKED) " webhooks are shown here." } }
    };
    Ok(Page::new(Section::Incidents, "Who was told", body))
}
