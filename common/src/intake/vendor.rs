//! What a vendor's file provides: a name, how its requests are authenticated,
//! and a pure normaliser.

use std::net::IpAddr;

use futures_util::future::BoxFuture;
use http::StatusCode;

use super::{Admission, Attempt, Received, Rejection, Unreadable};
use crate::{
    alert::Alert,
    integration::{Integration, Settings},
    time::Timestamp,
};

/// One provider, registered in its group's router.
#[derive(Debug)]
pub struct Vendor {
    /// Its name in the path and in an integration's `type`.
    pub name: &'static str,
    /// The methods that it sends with.
    pub methods: Methods,
    /// How a signature secret is checked, where the integration has one.
    pub authentication: Authentication,
    /// The status that makes the vendor send again when we cannot take it.
    pub overload: StatusCode,
    /// Reads a request: one entry per alert, in body order.
    pub normalise: fn(&Received, &Context<'_>) -> Result<Vec<Parsed>, Unreadable>,
}

/// The HTTP methods that a vendor sends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// POST only.
    Post,
    /// POST, and PUT where the sender was set up so.
    PostAndPut,
    /// POST, and GET with everything in the query.
    GetAndPost,
}

/// How a request proves that it knows the integration's signature secret.
#[derive(Debug, Clone, Copy)]
pub enum Authentication {
    /// The vendor's own scheme, and nothing else.
    Native(fn(&Received, &str, &Context<'_>) -> bool),
    /// No scheme of its own: any of the shared-secret forms of
    /// `vendors/README.md`.
    SharedSecret,
    /// A check of the vendor's that may wait for others; always made, also
    /// where the integration has no secret.
    Interactive(for<'a> fn(Attempt<'a>) -> BoxFuture<'a, Result<Admission, Rejection>>),
}

/// What a normaliser may know besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The integration that the request came in by.
    pub integration: &'a Integration,
    /// When it came.
    pub now: Timestamp,
    /// The network address that it came from.
    pub address: Option<IpAddr>,
}

impl<'a> Context<'a> {
    /// The integration's options.
    pub fn settings(&self) -> &'a Settings {
        &self.integration.settings
    }
}

/// What one entry of a body says.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// An alert.
    Alert(Box<Alert>),
    /// Nothing to do, for this reason: tests, pings, progress reports.
    Ignored(String),
    /// Not of any known shape: kept, and told about once.
    Unrecognised(String),
}

impl Parsed {
    /// An entry that changes nothing.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self::Ignored(reason.into())
    }

    /// An entry of no known shape.
    pub fn unrecognised(what: impl Into<String>) -> Self {
        Self::Unrecognised(what.into())
    }
}

impl From<Alert> for Parsed {
    fn from(alert: Alert) -> Self {
        Self::Alert(Box::new(alert))
    }
}
