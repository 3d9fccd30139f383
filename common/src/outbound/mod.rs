//! Requests to addresses that users give: every one goes through the guard.

mod client;
mod guard;

pub use client::{Answer, Fetch, Outbound, OutboundError, Outgoing};
pub use guard::{Guard, Refused};
