//! Alerts of uptime monitors.

mod better_uptime;
mod pingdom;
#[cfg(test)]
mod properties;
mod uptime_kuma;
mod uptimerobot;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[
    better_uptime::VENDOR,
    pingdom::VENDOR,
    uptime_kuma::VENDOR,
    uptimerobot::VENDOR,
];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake, VENDORS)
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
