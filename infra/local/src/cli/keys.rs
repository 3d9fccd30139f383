//! `opsknight keys`

use clap::Subcommand;
use http::Method;
use serde_json::json;

use super::{
    Context,
    client::Request,
    failure::Failure,
    output::clean,
    pages::{self, PageArgs},
    table::{self, Column, column, text_column},
};

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    text_column("NAME", "/name"),
    text_column("SCOPES", "/scopes"),
    column("CREATED", "/createdAt"),
    column("EXPIRES", "/expiresAt"),
    column("LAST USED", "/lastUsedAt"),
];

/// Commands about API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists API keys, oldest first
    List(PageArgs),
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
        /// When it ends by itself (2026-01-15T10:30:00Z)
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
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
        Command::List(page) => {
            pages::print(context, &path, Vec::new(), &page, "apiKeys", COLUMNS).await
        }
        Command::Create {
            name,
            scopes,
            expires,
        } => {
            let mut body = json!({ "name": name, "scopes": scopes });
            if let Some(expires) = expires {
                body["expiresAt"] = expires.into();
            }
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
