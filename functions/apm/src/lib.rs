//! Alerts of application performance tools.

mod datadog;
mod grafana;
mod honeycomb;
mod newrelic;
mod sentry;

mod appdynamics;
mod dynatrace;
#[cfg(test)]
mod properties;
mod splunk_observability;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[
    grafana::VENDOR,
    datadog::VENDOR,
    newrelic::VENDOR,
    sentry::VENDOR,
    honeycomb::VENDOR,
    appdynamics::VENDOR,
    dynatrace::VENDOR,
    splunk_observability::VENDOR,
];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake, VENDORS)
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
