//! `opsknight keys`

use clap::Subcommand;
use http::Method;
use serde_json::json;

use super::{
    Context,
    client::Request,
    failure::Failure,
    output::clean,
    table::{self, Column, column, text_column},
};

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    text_column("NAME", "/name"),
    text_column("SCOPES", "/scopes"),
    column("CREATED", "/createdAt"),
];

/// Commands about API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists all API keys
    List,
    /// Creates an API key; prints its token, this once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, such as incidents:read; again and again, or with
        /// commas
        #[arg(
            long = "scope",
            required = true,
            value_delimiter = ',',
            value_name = "SCOPE"
        )]
        scopes: Vec<String>,
    },
    /// Ends an API key at once
    Revoke {
        /// The key's id
        id: String,
    },
}

pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = ["api", "api-keys"];
    match command {
        Command::List => {
            let answer = context.client.call(Request::get(&path)).await?;
            if context.output.is_json() {
                context.output.write(&answer.bytes)
            } else {
                context.output.list(&answer.body, "apiKeys", COLUMNS)
            }
        }
        Command::Create { name, scopes } => {
            let body = json!({ "name": name, "scopes": scopes });
            let answer = context.client.call(Request::post(&path, &body)).await?;
            context.output.answer(&answer, |body| {
                let token = table::shown(&body["token"]);
                format!("{}token  {token}\n", table::fields(&body["apiKey"]))
            })
        }
        Command::Revoke { id } => {
            let request = Request::new(Method::DELETE, &["api", "api-keys", &id]);
            let answer = context.client.call(request).await?;
            context
                .output
                .answer(&answer, |_| format!("revoked {}\n", clean(&id)))
        }
    }
}
