//! A deployment's services, integrations and webhooks as one JSON document:
//! taken out, kept in git, put into this deployment or another one.
//!
//! An import reads everything first, plans one step per item and then takes the
//! steps in order. It is no transaction, which `DynamoDB` bounds to 100 items:
//! what makes it safe is that the same document may be sent again, and that
//! what is done already is found unchanged then.

mod apply;
mod document;
mod existing;
pub(crate) mod export;
pub(crate) mod import;
mod integrations;
mod plan;
mod services;
mod targets;
mod webhooks;

pub(crate) use plan::{Action, Kind};
