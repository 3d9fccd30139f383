//! `opsknight integrations`

use clap::{Subcommand, builder::PossibleValuesParser};
use common::provider::PROVIDERS;
use serde_json::{Value, json};

use super::{
    Context,
    client::Request,
    connection::Secret,
    failure::Failure,
    names,
    table::{self, Column, column, text_column},
};

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    column("SERVICE", "/serviceId"),
    column("TYPE", "/type"),
    text_column("NAME", "/name"),
    column("ENABLED", "/enabled"),
    column("SIGNED", "/hasSignatureSecret"),
    column("KEY REQUIRED", "/requireKey"),
];

/// Commands about integrations.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the integrations of a service, or of all
    List {
        /// The service, by id or name
        service: Option<String>,
    },
    /// Creates an integration; prints its address and, this once, its key
    Create {
        /// The service, by id or name
        service: String,
        /// The tool
        #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(providers()))]
        provider: String,
        /// Its name [default: the type]
        #[arg(long)]
        name: Option<String>,
        /// Makes the tool's signature or token mandatory; the variable is
        /// better, other users see command lines
        #[arg(
            long,
            env = "OPSKNIGHT_SIGNATURE_SECRET",
            hide_env_values = true,
            value_name = "SECRET"
        )]
        signature_secret: Option<Secret>,
        /// Ask for the integration key as well
        #[arg(long)]
        require_key: bool,
        /// Requests taken in a minute
        #[arg(long, value_name = "N")]
        rate_limit: Option<u32>,
    },
}

fn providers() -> Vec<&'static str> {
    let mut names: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}

pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List {
            service: Some(given),
        } => {
            let service = names::service(context, &given).await?;
            let answer = context.client.call(Request::get(&path(&service))).await?;
            if context.output.is_json() {
                return context.output.write(&answer.bytes);
            }
            context.output.list(&answer.body, "integrations", COLUMNS)
        }
        Command::List { service: None } => list_all(context).await,
        Command::Create {
            service,
            provider,
            name,
            signature_secret,
            require_key,
            rate_limit,
        } => {
            let service = names::service(context, &service).await?;
            let body = json!({
                "type": provider,
                "name": name.unwrap_or(provider),
                "signatureSecret": signature_secret.as_ref().map(Secret::expose),
                "requireKey": require_key,
                "rateLimitPerMinute": rate_limit,
            });
            let request = Request::post(&path(&service), &body);
            let answer = context.client.call(request).await?;
            let show = |body: &Value| table::fields(&body["integration"]);
            context.output.answer(&answer, show)
        }
    }
}

fn path(service: &str) -> [&str; 4] {
    ["api", "services", service, "integrations"]
}

/// The integrations of every service, in the shape of one service's list.
async fn list_all(context: &Context) -> Result<(), Failure> {
    let request = Request::get(&["api", "services"]);
    let services = context.client.call(request).await?;
    let mut all: Vec<Value> = Vec::new();
    for service in services.body["services"].as_array().into_iter().flatten() {
        let request = Request::get(&path(names::id(service)));
        let mut answer = context.client.call(request).await?;
        if let Value::Array(integrations) = answer.body["integrations"].take() {
            all.extend(integrations);
        }
        context.progress.show(&format!("{} read", all.len()));
    }
    context.progress.clear();
    let whole = json!({ "integrations": all });
    if context.output.is_json() {
        context.output.print(&whole.to_string())
    } else {
        context.output.list(&whole, "integrations", COLUMNS)
    }
}
