//! Webhooks: who is told, whether that works, and what to do where it does not.

mod actions;
mod deliveries;
mod edit;
mod list;
mod one;

use axum::{Router, routing::get};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    App, action,
    api::{WEBHOOKS, segment},
    show::{self, Tone, ago, badge, text},
};

/// The pages of webhooks.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list::all).post(edit::create))
        .route("/new", get(edit::new))
        .route("/{id}", get(one::page))
        .route("/{id}/edit", get(edit::form).post(edit::save))
        .route("/{id}/enabled", action(actions::enable))
        .route("/{id}/test", action(actions::test))
        .route("/{id}/rotate-secret", action(actions::rotate_secret))
        .route("/{id}/recover", action(actions::recover))
        .route("/{id}/delete", action(actions::delete))
        .route("/{id}/deliveries", get(deliveries::all))
        .route("/{id}/deliveries/{delivery}", get(deliveries::one))
        .route(
            "/{id}/deliveries/{delivery}/redeliver",
            action(deliveries::redeliver),
        )
}

/// Where the API knows a webhook.
fn api_path(id: &str) -> String {
    format!("{WEBHOOKS}/{}", segment(id))
}

/// Whether somebody should look at it: it fails, or the system disabled it.
pub(crate) fn is_in_trouble(webhook: &Value) -> bool {
    let is_failing =
        webhook["enabled"] == true && webhook["health"]["consecutiveFailures"].as_u64() > Some(0);
    is_failing || webhook["disabledReason"].is_string()
}

/// How a webhook stands, in a line.
pub(crate) fn standing(webhook: &Value) -> Markup {
    let health = &webhook["health"];
    let failures = health["consecutiveFailures"].as_u64().unwrap_or_default();
    html! {
        @if webhook["enabled"] != true {
            @match webhook["disabledReason"].as_str() {
                Some(reason) => { (badge(Tone::Bad, "Disabled by the system")) " " (reason) }
                None => (badge(Tone::Calm, "Disabled")),
            }
        } @else if failures == 0 {
            (badge(Tone::Good, "Works"))
        } @else {
            @match text(&health["state"]) {
                "open" => { (badge(Tone::Bad, "Breaker open")) " next probe " (show::due(&health["nextProbeAt"])) ", " }
                "probing" => { (badge(Tone::Bad, "Breaker open")) " probing now, " }
                _ => { (badge(Tone::Warn, "Failing")) " " }
            }
            (failures) " failures in a row since " (ago(&health["failingSince"]))
            @if let Some(error) = health["lastError"].as_str() { ", the last: " (error) }
            @if health["warnedAt"].is_string() { " " (badge(Tone::Bad, "Warned")) }
        }
    }
}

fn delivery_badge(delivery: &Value) -> Markup {
    let status = text(&delivery["status"]);
    let (tone, word) = match status {
        "DELIVERED" => (Tone::Good, "Delivered"),
        "FAILED" => (Tone::Bad, "Failed"),
        "RETRYING" => (Tone::Warn, "Retrying"),
        "PENDING" => (Tone::Calm, "Waiting"),
        "SKIPPED" => (Tone::Calm, "Skipped"),
        other => (Tone::Calm, other),
    };
    badge(tone, word)
}

/// Deliveries, one a row.
pub(crate) fn delivery_table(deliveries: &[Value]) -> Markup {
    let rows = deliveries.iter().map(row).collect();
    show::table(
        "Deliveries, newest first",
        &[
            "Status",
            "Event",
            "When",
            "Attempts",
            "Latest answer",
            "Next",
        ],
        rows,
    )
}

fn row(delivery: &Value) -> Vec<Markup> {
    let attempts = show::list(delivery, "attempts");
    let path = format!(
        "/webhooks/{}/deliveries/{}",
        text(&delivery["webhookId"]),
        text(&delivery["id"])
    );
    vec![
        delivery_badge(delivery),
        html! { a href=(path) { (text(&delivery["event"])) } },
        ago(&delivery["createdAt"]),
        html! { (attempts.len()) },
        html! { @if let Some(latest) = attempts.last() { (outcome(latest)) } },
        html! { (show::due(&delivery["nextAttemptAt"])) },
    ]
}

/// What came of an attempt.
fn outcome(attempt: &Value) -> Markup {
    html! {
        @match (attempt["error"].as_str(), attempt["statusCode"].as_u64()) {
            (Some(error), _) => (error),
            (None, Some(code)) => { "answered " (code) }
            (None, None) => "accepted",
        }
    }
}
