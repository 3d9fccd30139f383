//! Alerts of tools without a file of their own, and of programs that speak
//! `PagerDuty`'s Events API or ours.

mod events;
mod openapi;
mod pagerduty;
#[cfg(test)]
mod properties;
mod webhook;

pub use openapi::CustomApi;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[webhook::VENDOR];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake.clone(), VENDORS)
        .merge(pagerduty::routes(intake.clone()))
        .merge(events::routes(intake))
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
