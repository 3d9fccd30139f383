//! Alerts of build and deployment tools.

mod bitbucket;
mod branches;
mod github;
mod gitlab;
mod outcome;
#[cfg(test)]
mod properties;
mod vercel;

use axum::Router;
use common::{
    http::finish,
    intake::{self, Intake, Vendor},
};

/// The function's vendors.
pub const VENDORS: &[Vendor] = &[
    github::VENDOR,
    gitlab::VENDOR,
    bitbucket::VENDOR,
    vercel::VENDOR,
];

/// The function's routes, without what [`router`] wraps around them.
pub fn routes(intake: Intake) -> Router {
    intake::router(intake, VENDORS)
}

/// The function's application.
pub fn router(intake: Intake) -> Router {
    finish(routes(intake))
}
