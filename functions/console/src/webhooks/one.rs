//! One webhook: whether it works, since when not and why, and what it sent.

use std::time::Duration;

use axum::extract::Path;
use common::{event::EventName, time::Timestamp};
use maud::{Markup, html};
use serde_json::Value;

use super::{api_path, delivery_table, standing};
use crate::{
    api::{Api, Problem},
    form::Form,
    input::Fields,
    layout::{Page, Section, confirmed},
    show::{clock, facts, list, moment, text},
};

/// Deliveries that the page shows.
const SHOWN: usize = 10;
/// Where a recovery starts unless said.
const RECOVER_FROM: Duration = Duration::from_secs(86_400);

/// What a form of this page brought about, shown on top of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// What was done.
    pub notice: Option<Markup>,
    /// What was refused.
    pub problem: Option<Problem>,
    /// What was typed into the recovery's form.
    pub recovery: Option<Form>,
}

/// `GET /webhooks/{id}`
pub(super) async fn page(api: Api, Path(id): Path<String>) -> Result<Page, Problem> {
    render(&api, &id, &Outcome::default()).await
}

/// The page of a webhook as it is now, with what a form brought about.
pub(super) async fn render(api: &Api, id: &str, outcome: &Outcome) -> Result<Page, Problem> {
    let path = api_path(id);
    let (timeline, deliveries) = (
        format!("{path}/timeline"),
        format!("{path}/deliveries?limit={SHOWN}"),
    );
    let (webhook, timeline, deliveries) =
        tokio::join!(api.get(&path), api.get(&timeline), api.get(&deliveries));
    let (webhook, timeline, deliveries) = (webhook?["webhook"].clone(), timeline?, deliveries?);
    let here = format!("/webhooks/{}", text(&webhook["id"]));
    let body = html! {
        h1 { (text(&webhook["name"])) }
        @if let Some(notice) = &outcome.notice { (notice) }
        @if let Some(problem) = &outcome.problem { @if outcome.recovery.is_none() {
            div.notice.bad role="alert" { strong { "Not done: " (problem.message) } }
        } }
        p { (standing(&webhook)) }
        (buttons(&webhook, &here))
        div.columns {
            div {
                (health(&webhook))
                h2 { "Latest deliveries" }
                @if list(&deliveries, "deliveries").is_empty() { p.quiet { "None yet." } }
                @else {
                    (delivery_table(list(&deliveries, "deliveries")))
                    p { a.button href={ (here) "/deliveries" } { "All deliveries" } }
                }
                (recovery(&here, outcome))
            }
            div {
                h2 { "What it is" }
                (description(&webhook))
                p { a.button href={ (here) "/edit" } { "Edit" } }
                (rotation(&here))
                (confirmed(
                    &format!("{here}/delete"),
                    "Delete this webhook …",
                    "Nobody is told through it any more, and its deliveries cannot be sent again.",
                    "Delete the webhook",
                ))
                (happened(list(&timeline, "timeline")))
            }
        }
    };
    let page = Page::new(Section::Webhooks, text(&webhook["name"]), body).at(here.clone());
    Ok(page.with_problem(outcome.problem.as_ref()))
}

fn buttons(webhook: &Value, here: &str) -> Markup {
    let first = text(&webhook["events"][0]);
    html! {
        div.row {
            form method="post" action={ (here) "/test" } {
                label.quiet for="event" { "Sample of " }
                select id="event" name="event" {
                    @for event in EventName::ALL {
                        option value=(event.as_str()) selected[event.as_str() == first] { (event.as_str()) }
                    }
                }
                " " button type="submit" { "Send a test" }
            }
            form method="post" action={ (here) "/enabled" } {
                @if webhook["enabled"] == true { button type="submit" name="enabled" value="false" { "Disable" } }
                @else { button.main type="submit" name="enabled" value="true" { "Enable" } }
            }
        }
    }
}

fn health(webhook: &Value) -> Markup {
    let health = &webhook["health"];
    html! {
        @if health["consecutiveFailures"].as_u64() > Some(0) {
            h2 { "Health" }
            (facts(&[
                ("Breaker", html! { @match text(&health["state"]) {
                    "open" => "open: nothing is sent but probes",
                    "probing" => "open: a probe is under way",
                    _ => "closed: everything is sent",
                } }),
                ("Failures in a row", html! { (health["consecutiveFailures"]) }),
                ("Failing since", moment(&health["failingSince"])),
                ("Last error", html! { (text(&health["lastError"])) }),
                ("Next probe", moment(&health["nextProbeAt"])),
                ("Users warned", moment(&health["warnedAt"])),
            ]))
            p.hint { "What is due waits and goes out by itself when it works again. After days of nothing but failures the webhook is disabled." }
        }
    }
}

fn description(webhook: &Value) -> Markup {
    let words = |list: &[Value]| list.iter().map(text).collect::<Vec<_>>().join(", ");
    let filter = &webhook["filter"];
    let or_all = |name: &str| match list(filter, name) {
        [] => "all".to_owned(),
        some => words(some),
    };
    let headers: Vec<&str> = webhook["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    facts(&[
        ("Address", html! { code { (text(&webhook["url"])) } }),
        ("Events", html! { (words(list(webhook, "events"))) }),
        ("Format", html! { (text(&webhook["format"])) }),
        ("Services", html! { (or_all("serviceIds")) }),
        ("Urgencies", html! { (or_all("urgencies")) }),
        (
            "Own headers",
            html! { @if headers.is_empty() { "none" } @else { (headers.join(", ")) } },
        ),
        ("Order", html! { (text(&webhook["ordering"])) }),
        (
            "Old secret valid",
            html! {
                @if webhook["previousSecretValidUntil"].is_string() { "until " (moment(&webhook["previousSecretValidUntil"])) } @else { "no" }
            },
        ),
        ("Changed", moment(&webhook["updatedAt"])),
        ("Id", html! { code { (text(&webhook["id"])) } }),
    ])
}

fn rotation(here: &str) -> Markup {
    let empty = Form::default();
    let fields = Fields::new("rotate", &empty, None);
    html! {
        details.fold {
            summary { "New secret …" }
            form method="post" action={ (here) "/rotate-secret" } {
                (fields.choice("overlapSeconds", "The old one also signs for", "0 after a leak: every older secret is void at once.", &[
                    ("86400", "1 day"), ("3600", "1 hour"), ("604800", "7 days"), ("0", "0: not any more"),
                ]))
                (fields.secret("secret", "Secret", "Empty: one is made and shown once."))
                button type="submit" { "Rotate the secret" }
            }
        }
    }
}

fn recovery(here: &str, outcome: &Outcome) -> Markup {
    let mut own = Form::default();
    let from = clock(Timestamp::now().before(RECOVER_FROM));
    own.set("since", &from.replace(" UTC", "").replace(' ', "T"));
    let form = outcome.recovery.as_ref().unwrap_or(&own);
    let problem = outcome
        .problem
        .as_ref()
        .filter(|_| outcome.recovery.is_some());
    let fields = Fields::new("recover", form, problem);
    html! {
        details.fold open[outcome.recovery.is_some()] {
            summary { "Send again what failed …" }
            form method="post" action={ (here) "/recover" } {
                (fields.summary())
                (fields.moment("since", "Events from (UTC)", ""))
                (fields.moment("until", "Up to (UTC)", "Empty: up to now."))
                (fields.tick("skipped", "Also what was skipped while the webhook was disabled"))
                input type="hidden" name="cursor" value=(form.get("cursor"));
                div.row {
                    button type="submit" name="dryRun" value="true" { "Count only" }
                    button.main type="submit" { @if form.get("cursor").is_empty() { "Send again" } @else { "Go on" } }
                }
            }
        }
    }
}

fn happened(timeline: &[Value]) -> Markup {
    html! {
        h2 { "Timeline" }
        @if timeline.is_empty() { p.quiet { "Nothing in the last 90 days." } }
        ol.timeline {
            @for entry in timeline.iter().rev() {
                li {
                    strong { (text(&entry["happened"])) } " by " (text(&entry["actor"]["name"])) " · "
                    span.quiet { (moment(&entry["at"])) }
                    @if let Some(reason) = entry["reason"].as_str() { p { (reason) } }
                }
            }
        }
    }
}
