//! Alerts of log analysis and on-call systems.

mod elastic;
mod native;
mod splunk_oncall;

#[cfg(test)]
mod properties;

pub use native::VictorOpsApi;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[elastic::VENDOR, splunk_oncall::VENDOR];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake.clone(), VENDORS).merge(native::router(intake))
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
