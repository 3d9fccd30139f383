//! Incidents: what is open, why, and what to do about it.

mod actions;
mod create;
mod list;
mod one;

use axum::{Router, routing::get};
use maud::Markup;
use serde_json::Value;

use crate::{
    App, action,
    show::{Tone, badge, text},
};

pub(crate) use list::home;

/// The pages of incidents.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list::all).post(create::create))
        .route("/new", get(create::form))
        .route("/{id}", get(one::page))
        .route("/{id}/deliveries", get(one::deliveries))
        .route("/{id}/status", action(actions::status))
        .route("/{id}/edit", get(one::edit).post(actions::edit))
        .route("/{id}/note", action(actions::note))
}

/// The statuses, and how people call them.
const STATUSES: [(&str, &str); 5] = [
    ("OPEN", "Open"),
    ("ACKNOWLEDGED", "Acknowledged"),
    ("SNOOZED", "Snoozed"),
    ("SUPPRESSED", "Suppressed"),
    ("RESOLVED", "Resolved"),
];

/// The urgencies.
const URGENCIES: [(&str, &str); 3] = [("HIGH", "High"), ("MEDIUM", "Medium"), ("LOW", "Low")];

/// How long people snooze, minutes.
const SNOOZES: [(&str, &str); 6] = [
    ("15", "15 minutes"),
    ("60", "1 hour"),
    ("240", "4 hours"),
    ("480", "8 hours"),
    ("1440", "1 day"),
    ("10080", "7 days"),
];

fn status_badge(incident: &Value) -> Markup {
    let status = text(&incident["status"]);
    let tone = match status {
        "OPEN" => Tone::Bad,
        "ACKNOWLEDGED" => Tone::Warn,
        "RESOLVED" => Tone::Good,
        _ => Tone::Calm,
    };
    badge(tone, word(&STATUSES, status))
}

fn urgency_badge(incident: &Value) -> Markup {
    let urgency = text(&incident["urgency"]);
    let tone = match urgency {
        "HIGH" => Tone::Bad,
        "MEDIUM" => Tone::Warn,
        _ => Tone::Calm,
    };
    badge(tone, word(&URGENCIES, urgency))
}

/// How people call this; itself where it has no other name.
fn word<'a>(words: &[(&str, &'a str)], value: &'a str) -> &'a str {
    let found = words.iter().find(|(name, _)| *name == value);
    found.map_or(value, |(_, word)| word)
}
