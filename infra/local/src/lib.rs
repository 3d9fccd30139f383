//! OpsKnight Webhooks on one machine: the same routers and handlers as the
//! Lambdas, in one process, on embedded DynamoDB and SQS, with event sources
//! that behave like Lambda's.

mod admin_key;
mod banner;
mod cli;
mod data_dir;
mod demo;
mod embedded;
mod inbox;
pub mod openapi;
mod options;
pub mod program;
mod recovery;
mod sources;
pub mod stack;
mod targets;

pub use options::Options;
