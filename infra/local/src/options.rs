//! What the command line says.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

use crate::stack::{Settings, Storage};

/// OpsKnight Webhooks on one machine: alert intake, incidents and signed
/// outgoing webhooks.
#[derive(Debug, Parser)]
#[command(name = "opsknight", version)]
pub struct Options {
    /// Where to listen for alerts and for the management API.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The folder that everything is kept in.
    #[arg(
        long,
        default_value = ".opsknight",
        value_name = "DIR",
        conflicts_with = "ephemeral"
    )]
    pub data: PathBuf,
    /// Where the embedded DynamoDB listens; a free port unless told. For
    /// functions that run elsewhere, such as under `sam local`.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub dynamodb: SocketAddr,
    /// Where the embedded SQS listens; a free port unless told.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub sqs: SocketAddr,
    /// Keep nothing: all data goes when the program ends.
    #[arg(long)]
    pub ephemeral: bool,
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        Self {
            listen: options.listen,
            dynamodb: options.dynamodb,
            sqs: options.sqs,
            storage: if options.ephemeral {
                Storage::Ephemeral
            } else {
                Storage::Folder(options.data)
            },
            demo: true,
            ..Self::default()
        }
    }
}
