//! The AWS services that the product needs, embedded and served on loopback
//! ports, so that the unmodified AWS SDK talks to them.

mod clients;
pub(crate) mod dynamodb;
mod move_tasks;
pub(crate) mod sqs;

pub(crate) use clients::sdk_config;
