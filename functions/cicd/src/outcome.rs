//! How a build ended, in the words of any tool.

use common::{
    alert::Action,
    intake::{Parsed, value::is_word},
};

/// Failures trigger and successes resolve; every other word (running, skipped,
/// cancelled) is neither.
pub(crate) fn action(state: &str, failures: &[&str], successes: &[&str]) -> Option<Action> {
    if is_word(state, failures) {
        Some(Action::Trigger)
    } else if is_word(state, successes) {
        Some(Action::Resolve)
    } else {
        None
    }
}

/// What happened, for a title.
pub(crate) fn verb(action: Action) -> &'static str {
    match action {
        Action::Resolve => "succeeded",
        _ => "failed",
    }
}

/// A body in which nothing is an alert has exactly one result.
pub(crate) fn one_if_ignored(mut entries: Vec<Parsed>) -> Vec<Parsed> {
    if entries
        .iter()
        .all(|entry| matches!(entry, Parsed::Ignored(_)))
    {
        entries.truncate(1);
    }
    entries
}

/// An environment that customers use, by its name.
pub(crate) fn is_production(environment: &str) -> bool {
    is_word(environment, &["production", "prod"])
}
