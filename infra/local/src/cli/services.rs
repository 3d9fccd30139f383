//! `opsknight services`

use clap::Subcommand;
use serde_json::json;

use super::{
    Context,
    client::Request,
    failure::Failure,
    table::{self, Column, column, text_column},
};

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    text_column("NAME", "/name"),
    text_column("DESCRIPTION", "/description"),
    column("CREATED", "/createdAt"),
];

/// Commands about services.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists all services
    List,
    /// Creates a service
    Create {
        /// Its name
        name: String,
        /// More text
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
}

pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = ["api", "services"];
    match command {
        Command::List => {
            let answer = context.client.call(Request::get(&path)).await?;
            if context.output.is_json() {
                context.output.write(&answer.bytes)
            } else {
                context.output.list(&answer.body, "services", COLUMNS)
            }
        }
        Command::Create { name, description } => {
            let body = json!({ "name": name, "description": description });
            let answer = context.client.call(Request::post(&path, &body)).await?;
            context
                .output
                .answer(&answer, |body| table::fields(&body["service"]))
        }
    }
}
