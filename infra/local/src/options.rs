//! What the command line says of the server.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::{
    data_dir,
    stack::{Settings, Storage},
};

/// Where the server listens unless said.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

/// Options of the server.
#[derive(Debug, Args)]
pub struct Options {
    /// Where to listen for alerts and for the management API.
    #[arg(long, default_value = DEFAULT_LISTEN, value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The folder that everything is kept in.
    #[arg(
        long,
        default_value = data_dir::DEFAULT,
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
