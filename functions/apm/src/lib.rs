//! Alerts of application performance tools.

mod appdynamics;
mod dynatrace;
mod splunk_observability;
#[cfg(test)]
mod template_properties;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

const VENDORS: &[Vendor] = &[
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
