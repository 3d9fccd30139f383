//! `opsknight webhooks`

use clap::{Subcommand, builder::PossibleValuesParser};
use common::{
    event::EventName,
    webhook::{DeliveryStatus, Format},
};
use serde_json::{Map, Value, json};

use super::{
    Context,
    client::Request,
    connection::Secret,
    failure::{Failure, Kind},
    names::{self, id},
    output::clean,
    pages::{self, PageArgs},
    recovery::{self, RecoverArgs},
    table::{self, Column, column, text_column},
};

/// The API's path.
pub(crate) const PATH: &[&str] = &["api", "status-page", "webhooks"];

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    text_column("NAME", "/name"),
    column("ENABLED", "/enabled"),
    column("HEALTH", "/health/state"),
    column("FORMAT", "/format"),
    text_column("URL", "/url"),
    text_column("EVENTS", "/events"),
];

const DELIVERIES: &[Column] = &[
    column("ID", "/id"),
    column("STATUS", "/status"),
    column("EVENT", "/event"),
    column("INCIDENT", "/incidentId"),
    column("CREATED", "/createdAt"),
    column("NEXT ATTEMPT", "/nextAttemptAt"),
];

/// Commands about webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists all webhooks
    List,
    /// Shows a webhook
    Show {
        /// The webhook, by id or name
        webhook: String,
    },
    /// Creates a webhook; prints its secret, this once
    Create(Box<CreateArgs>),
    /// Sends a sample event and tells what came of it
    Test {
        /// The webhook, by id or name
        webhook: String,
        /// The event [default: the first one that it subscribed to]
        #[arg(long, value_parser = PossibleValuesParser::new(EventName::ALL.map(EventName::as_str)))]
        event: Option<String>,
    },
    /// Lists the deliveries of a webhook, newest first, or shows one
    Deliveries {
        /// The webhook, by id or name
        webhook: String,
        /// One delivery's id: shows its request and every attempt
        #[arg(conflicts_with_all = ["status", "incident", "since", "until", "limit", "cursor", "all"])]
        delivery: Option<String>,
        /// Only those of this status
        #[arg(long, ignore_case = true,
            value_parser = PossibleValuesParser::new(DeliveryStatus::ALL.map(DeliveryStatus::as_str)))]
        status: Option<String>,
        /// Only those of this incident
        #[arg(long, value_name = "ID")]
        incident: Option<String>,
        /// Only events from this time on (2026-01-15T10:30:00Z)
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only events up to this time
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Sends a delivery again
    Redeliver {
        /// The webhook, by id or name
        webhook: String,
        /// The delivery's id
        delivery: String,
    },
    /// Sends everything again that failed in a time
    Recover(RecoverArgs),
}

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// Its name
    #[arg(long)]
    name: String,
    /// Where events are posted
    #[arg(long, value_name = "URL")]
    to: String,
    /// An event that it wants; again and again, or with commas
    #[arg(long = "event", required = true, value_delimiter = ',', value_name = "EVENT",
        value_parser = PossibleValuesParser::new(EventName::ALL.map(EventName::as_str)))]
    events: Vec<String>,
    /// The body's form
    #[arg(long, value_parser = PossibleValuesParser::new(Format::ALL.map(Format::as_str)))]
    format: Option<String>,
    /// The file with the template, for the format template
    #[arg(long, value_name = "FILE")]
    template: Option<std::path::PathBuf>,
    /// Only incidents of this service (id or name); again and again
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
    /// Only incidents of this urgency; again and again
    #[arg(long = "urgency", ignore_case = true, value_delimiter = ',',
        value_parser = PossibleValuesParser::new(["HIGH", "MEDIUM", "LOW"]))]
    urgencies: Vec<String>,
    /// Sent with every delivery; again and again
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Whether the events of one incident wait for those before them
    #[arg(long, value_parser = PossibleValuesParser::new(["incident", "none"]))]
    ordering: Option<String>,
    /// Signs deliveries [default: a generated one]; the variable is better,
    /// other users see command lines
    #[arg(
        long,
        env = "OPSKNIGHT_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    secret: Option<Secret>,
    /// Create it without switching it on
    #[arg(long)]
    disabled: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List => {
            let answer = context.client.call(Request::get(PATH)).await?;
            if context.output.is_json() {
                context.output.write(&answer.bytes)
            } else {
                context.output.list(&answer.body, "webhooks", COLUMNS)
            }
        }
        Command::Show { webhook } => {
            let webhook = names::webhook(context, &webhook).await?;
            let request = Request::get(&path(&[&webhook]));
            let answer = context.client.call(request).await?;
            let show = |body: &Value| table::fields(&body["webhook"]);
            context.output.answer(&answer, show)
        }
        Command::Create(args) => create(context, *args).await,
        Command::Test { webhook, event } => test(context, &webhook, event).await,
        Command::Deliveries {
            webhook,
            delivery: Some(delivery),
            ..
        } => {
            let webhook = names::webhook(context, &webhook).await?;
            let request = Request::get(&path(&[&webhook, "deliveries", &delivery]));
            let answer = context.client.call(request).await?;
            let show = |body: &Value| table::fields(&body["delivery"]);
            context.output.answer(&answer, show)
        }
        Command::Deliveries {
            webhook,
            delivery: None,
            status,
            incident,
            since,
            until,
            page,
        } => {
            let webhook = names::webhook(context, &webhook).await?;
            let parameters = vec![
                ("status", status.map(|word| word.to_ascii_uppercase())),
                ("incidentId", incident),
                ("since", since),
                ("until", until),
            ];
            let path = path(&[&webhook, "deliveries"]);
            pages::print(context, &path, parameters, &page, "deliveries", DELIVERIES).await
        }
        Command::Redeliver { webhook, delivery } => {
            let webhook = names::webhook(context, &webhook).await?;
            let path = path(&[&webhook, "deliveries", &delivery, "redeliver"]);
            let answer = context
                .client
                .call(Request::post(&path, &json!({})))
                .await?;
            context.output.answer(&answer, |body| {
                let said = if body["queued"] == true {
                    "queued"
                } else {
                    "queued already:"
                };
                format!("{said} {}\n", clean(id(&body["delivery"])))
            })
        }
        Command::Recover(args) => recovery::run(context, args).await,
    }
}

/// The path of something below the webhooks.
pub(crate) fn path<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [PATH, rest].concat()
}

async fn create(context: &Context, args: CreateArgs) -> Result<(), Failure> {
    let mut services = Vec::with_capacity(args.services.len());
    for service in &args.services {
        services.push(names::service(context, service).await?);
    }
    let urgencies = args.urgencies.iter().map(|word| word.to_ascii_uppercase());
    let headers: Map<String, Value> = args
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let template = match &args.template {
        None => None,
        Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
            Failure::failed(format!("{} cannot be read: {error}", file.display()))
        })?),
    };
    let body = json!({
        "name": args.name,
        "url": args.to,
        "events": args.events,
        "enabled": !args.disabled,
        "format": args.format,
        "template": template,
        "filter": { "serviceIds": services, "urgencies": urgencies.collect::<Vec<_>>() },
        "headers": headers,
        "ordering": args.ordering,
        "secret": args.secret.as_ref().map(Secret::expose),
    });
    let answer = context.client.call(Request::post(PATH, &body)).await?;
    context
        .output
        .answer(&answer, |body| table::fields(&body["webhook"]))
}

async fn test(context: &Context, webhook: &str, event: Option<String>) -> Result<(), Failure> {
    let webhook = names::webhook(context, webhook).await?;
    let request = Request::post(&path(&[&webhook, "test"]), &json!({ "event": event }));
    let answer = context.client.call(request).await?;
    context.output.answer(&answer, |body| {
        let shown = |name: &str| table::shown(&body[name]);
        let (status, duration) = (shown("statusCode"), shown("durationMs"));
        if body["delivered"] == true {
            format!("delivered: {status} in {duration} ms\n")
        } else {
            format!("not delivered: {} ({duration} ms)\n", shown("error"))
        }
    })?;
    if answer.body["delivered"] == true {
        Ok(())
    } else {
        Err(Failure::new(
            Kind::NotDelivered,
            "the test was not delivered",
        ))
    }
}
