//! Alerts of the clouds' own monitoring.

mod azure;
mod cloudwatch;
mod google_cloud_monitoring;
#[cfg(test)]
mod properties;
mod tokens;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[
    azure::VENDOR,
    cloudwatch::VENDOR,
    google_cloud_monitoring::VENDOR,
];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake, VENDORS)
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
