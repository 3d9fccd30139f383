//! `opsknight incidents`

use clap::{Subcommand, builder::PossibleValuesParser};
use common::incident::Status;
use http::Method;
use serde_json::{Value, json};

use super::{
    Context,
    client::Request,
    failure::Failure,
    names::{self, id},
    pages::{self, PageArgs},
    table::{self, Column, column, text_column},
};

const COLUMNS: &[Column] = &[
    column("ID", "/id"),
    column("STATUS", "/status"),
    column("URGENCY", "/urgency"),
    text_column("SERVICE", "/service/name"),
    text_column("TITLE", "/title"),
    column("ALERTS", "/alertCount"),
    column("CREATED", "/createdAt"),
];

const TIMELINE: &[Column] = &[
    column("AT", "/at"),
    column("EVENT", "/event"),
    text_column("WHO", "/actor/name"),
    text_column("NOTE", "/note"),
    text_column("CHANGES", "/changes"),
];

/// The list's word for everything that is not RESOLVED.
const UNRESOLVED: &str = "unresolved";

/// Commands about incidents.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists incidents, newest first
    List {
        /// Only those of this status, or of all but RESOLVED
        #[arg(long, ignore_case = true,
            value_parser = PossibleValuesParser::new(
                Status::ALL.map(Status::as_str).into_iter().chain([UNRESOLVED])))]
        status: Option<String>,
        /// Only those of this service (id or name)
        #[arg(long)]
        service: Option<String>,
        /// Only those of this urgency
        #[arg(long, ignore_case = true,
            value_parser = PossibleValuesParser::new(["HIGH", "MEDIUM", "LOW"]))]
        urgency: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Shows an incident
    Show {
        /// The incident's id
        id: String,
    },
    /// Shows what happened to an incident, oldest first
    Timeline {
        /// The incident's id
        id: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Acknowledges incidents
    Ack(ChangeArgs),
    /// Resolves incidents
    Resolve(ChangeArgs),
    /// Keeps incidents quiet for a while
    Snooze {
        #[command(flatten)]
        change: ChangeArgs,
        /// For so many minutes
        #[arg(long, required_unless_present = "until", conflicts_with = "until")]
        minutes: Option<u64>,
        /// Until this time (2026-01-15T10:30:00Z)
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Adds a note to an incident
    Note {
        /// The incident's id
        id: String,
        /// The note
        text: String,
    },
}

/// Arguments of a change.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    /// The incidents' ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

fn as_status(word: String) -> String {
    if word.eq_ignore_ascii_case(UNRESOLVED) {
        UNRESOLVED.to_owned()
    } else {
        word.to_ascii_uppercase()
    }
}

pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List {
            status,
            service,
            urgency,
            page,
        } => {
            let service = match service {
                Some(given) => Some(names::service(context, &given).await?),
                None => None,
            };
            let upper = |word: Option<String>| word.map(|word| word.to_ascii_uppercase());
            let parameters = vec![
                ("status", status.map(as_status)),
                ("serviceId", service),
                ("urgency", upper(urgency)),
            ];
            let path = ["api", "incidents"];
            pages::print(context, &path, parameters, &page, "incidents", COLUMNS).await
        }
        Command::Show { id } => {
            let request = Request::get(&["api", "incidents", &id]);
            let answer = context.client.call(request).await?;
            let show = |body: &Value| table::fields(&body["incident"]);
            context.output.answer(&answer, show)
        }
        Command::Timeline { id, page } => {
            let path = ["api", "incidents", &id, "timeline"];
            pages::print(context, &path, Vec::new(), &page, "timeline", TIMELINE).await
        }
        Command::Ack(args) => change(context, &args, &json!({ "status": "ACKNOWLEDGED" })).await,
        Command::Resolve(args) => change(context, &args, &json!({ "status": "RESOLVED" })).await,
        Command::Snooze {
            change: args,
            minutes,
            until,
        } => {
            let mut body = json!({ "status": "SNOOZED" });
            if let Some(minutes) = minutes {
                body["snoozeMinutes"] = minutes.into();
            }
            if let Some(until) = until {
                body["snoozedUntil"] = until.into();
            }
            change(context, &args, &body).await
        }
        Command::Note { id, text } => {
            let args = ChangeArgs {
                ids: vec![id],
                note: Some(text),
            };
            change(context, &args, &json!({})).await
        }
    }
}

/// Changes one after the other. What fails does not keep the others from being
/// changed; the first failure is the command's.
async fn change(context: &Context, args: &ChangeArgs, change: &Value) -> Result<(), Failure> {
    let mut body = change.clone();
    if let Some(note) = &args.note {
        body["note"] = note.as_str().into();
    }
    let mut first = Ok(());
    for incident in &args.ids {
        let path = ["api", "incidents", incident.as_str()];
        let request = Request::new(Method::PATCH, &path).json(&body);
        match context.client.call(request).await {
            Ok(answer) => context.output.answer(&answer, |body| {
                let incident = &body["incident"];
                let shown = |name: &str| table::shown(&incident[name]);
                format!(
                    "{}  {}  {}\n",
                    id(incident),
                    shown("status"),
                    shown("title")
                )
            })?,
            Err(failure) if first.is_ok() => first = Err(failure),
            Err(failure) => {
                failure.report();
            }
        }
    }
    first
}
