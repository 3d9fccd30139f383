//! What the metrics are told of a request with alerts.

use super::{AlertResult, Context, ResultAction};
use crate::telemetry::{self, Metric};

/// Why an alert changed nothing, in a word: the reasons themselves quote what
/// was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A test, a ping, a progress report.
    NotAnAlert,
    /// Of no known shape.
    Unrecognised,
    /// A copy of a message that was taken.
    Duplicate,
    /// The check of its sender has dealt with it: a subscription to confirm.
    Confirmation,
    /// There is no open incident that it could be about.
    NoOpenIncident,
    /// Older than the end of its problem.
    AlreadyResolved,
}

impl Cause {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnAlert => "not_an_alert",
            Self::Unrecognised => "unrecognised",
            Self::Duplicate => "duplicate",
            Self::Confirmation => "confirmation",
            Self::NoOpenIncident => "no_open_incident",
            Self::AlreadyResolved => "already_resolved",
        }
    }
}

/// Counts the alerts of a request that was taken.
pub fn tell(context: &Context<'_>, results: &[AlertResult]) {
    let integration = context.integration;
    // The id of an integration is the credential of its intake URL: not for logs.
    telemetry::field("service.id", integration.service.id.to_string());
    if let Some(incident) = results.iter().find_map(|result| result.incident.as_ref()) {
        telemetry::field("incident.id", incident.id.to_string());
    }
    telemetry::count_by(
        Metric::Alerts,
        "Provider",
        &integration.provider,
        results.len(),
    );
    for result in results {
        telemetry::count(metric(result.action), 1);
        if result.action == ResultAction::Ignored {
            let cause = result.cause.unwrap_or(Cause::NotAnAlert);
            telemetry::count_by(Metric::AlertsIgnored, "Reason", cause.as_str(), 1);
        }
    }
    telemetry::measure_work(Metric::IntakeDuration);
}

fn metric(action: ResultAction) -> Metric {
    match action {
        ResultAction::Triggered => Metric::AlertsTriggered,
        ResultAction::Deduplicated => Metric::AlertsDeduplicated,
        ResultAction::Acknowledged => Metric::AlertsAcknowledged,
        ResultAction::Resolved => Metric::AlertsResolved,
        ResultAction::Ignored => Metric::AlertsIgnored,
    }
}
