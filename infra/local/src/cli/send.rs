//! `opsknight send`: the Events API.

use clap::builder::PossibleValuesParser;
use common::{config, crypto};
use serde_json::{Map, Value, json};
use ulid::Ulid;

use super::{Context, client::Request, connection::Secret, failure::Failure, names, output::clean};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do
    #[arg(long, default_value = "trigger",
        value_parser = PossibleValuesParser::new(["trigger", "acknowledge", "resolve"]))]
    action: String,
    /// What is wrong, in one line (for a trigger)
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// How bad it is (for a trigger)
    #[arg(long, value_parser = PossibleValuesParser::new(["critical", "error", "warning", "info"]))]
    severity: Option<String>,
    /// Where it comes from (for a trigger) [default: this host's name]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// What makes alerts the same; a trigger without one gets one of its own
    #[arg(long, value_name = "KEY")]
    dedup_key: Option<String>,
    /// More to know, again and again (for a trigger)
    #[arg(long, value_name = "NAME=VALUE", value_parser = detail)]
    details: Vec<(String, String)>,
    /// The service, by id or name: sends with the token, as an API key
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// The integration key to send with; the variable is better, other users
    /// see command lines
    #[arg(
        long,
        env = "OPSKNIGHT_INTEGRATION_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    key: Option<Secret>,
}

fn detail(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (dedup_key, mut event) = event(&args)?;
    let path = ["api", "events"];
    let request = match (&args.service, args.key) {
        (Some(service), _) => {
            event["service_id"] = names::service(context, service).await?.into();
            Request::post(&path, &event)
        }
        (None, Some(key)) if !key.expose().is_empty() => Request::post(&path, &event).with_key(key),
        (None, _) => {
            let message = "give --service, or the integration key in OPSKNIGHT_INTEGRATION_KEY";
            return Err(Failure::usage(message));
        }
    };
    let answer = context.client.call(request).await?;
    context.output.answer(&answer, |body| {
        let result = &body["result"];
        let text = |value: &Value| clean(value.as_str().unwrap_or_default());
        let about = match result["reason"].as_str() {
            Some(reason) => clean(reason),
            None => text(&result["incident"]["id"]),
        };
        let action = text(&result["action"]);
        format!("{action}  {about}  dedup key {}\n", clean(&dedup_key))
    })
}

/// The event, and its dedup key.
fn event(args: &Args) -> Result<(String, Value), Failure> {
    let missing = |option: &str| Failure::usage(format!("--action {} needs {option}", args.action));
    if args.action != "trigger" {
        let key = args
            .dedup_key
            .clone()
            .ok_or_else(|| missing("--dedup-key"))?;
        let event = json!({ "event_action": args.action, "dedup_key": key });
        return Ok((key, event));
    }
    let summary = args.summary.as_ref().ok_or_else(|| missing("--summary"))?;
    let severity = args
        .severity
        .as_ref()
        .ok_or_else(|| missing("--severity"))?;
    let key = args.dedup_key.clone();
    let key = key.unwrap_or_else(|| format!("cli-{}", Ulid::from(crypto::random_u128())));
    let details: Map<String, Value> = args
        .details
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let event = json!({
        "event_action": args.action,
        "dedup_key": key,
        "payload": {
            "summary": summary,
            "severity": severity,
            "source": args.source.clone().unwrap_or_else(host),
            "custom_details": details,
        },
    });
    Ok((key, event))
}

/// This host, where its environment tells.
fn host() -> String {
    let name = ["HOSTNAME", "COMPUTERNAME"]
        .into_iter()
        .find_map(config::optional);
    let name = name.or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let name = name.map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "opsknight".to_owned())
}
