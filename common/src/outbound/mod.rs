//! Requests to addresses that users give: every one goes through the guard.

mod addresses;
mod client;
mod connection;
mod guard;
mod headers;
mod resolver;

pub use client::{Answer, Fetch, Options, Outbound, OutboundError, Outgoing};
pub use guard::{Guard, Refused};
pub use headers::is_reserved;
pub use resolver::{Resolver, SystemResolver};
