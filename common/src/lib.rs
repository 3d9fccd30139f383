//! What several functions of OpsKnight Webhooks need.
//!
//! An alert walks through it as data: [`intake`] (who sent it, is it signed,
//! what does it say) → [`incidents`] (what changes) → [`store`] (one
//! conditional write). Its [`event`] then goes out through [`queue`],
//! [`signing`] and [`outbound`].

pub mod alert;
pub mod api_key;
pub mod audit;
pub mod aws;
pub mod breaker;
pub mod config;
pub mod crypto;
pub mod event;
pub mod format;
pub mod http;
mod http_date;
pub mod id;
pub mod incident;
pub mod incidents;
pub mod intake;
pub mod integration;
pub mod limits;
pub mod openapi;
pub mod outbound;
pub mod overdue;
pub mod posting;
pub mod provider;
pub mod queue;
pub mod retry;
pub mod rotation;
pub mod sample;
pub mod service_options;
pub mod signing;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod watch;
pub mod webhook;
pub mod webhook_event;
