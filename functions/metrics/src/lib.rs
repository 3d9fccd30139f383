//! Alerts of metrics systems.

mod icinga;
mod nagios;
mod plugin;
mod prometheus;
mod zabbix;

#[cfg(test)]
mod properties;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[
    prometheus::VENDOR,
    icinga::VENDOR,
    nagios::VENDOR,
    zabbix::VENDOR,
];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake, VENDORS)
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
