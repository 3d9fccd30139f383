//! `opsknight webhooks recover`

use serde_json::{Value, json};

use super::{Context, client::Request, failure::Failure, names, webhooks::path};

/// Calls of one recovery, each of which queues up to 500 deliveries.
const CALLS: usize = 10_000;

/// Arguments of `recover`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    /// The webhook, by id or name
    webhook: String,
    /// Events from this time on (2026-01-15T10:30:00Z)
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Events up to this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What to send again [default: FAILED]
    #[arg(long = "status", ignore_case = true, value_delimiter = ',',
        value_parser = clap::builder::PossibleValuesParser::new(["FAILED", "SKIPPED"]))]
    statuses: Vec<String>,
    /// Only count
    #[arg(long)]
    dry_run: bool,
}

/// Works through the whole time, call by call.
pub(crate) async fn run(context: &Context, args: RecoverArgs) -> Result<(), Failure> {
    let webhook = names::webhook(context, &args.webhook).await?;
    let path = path(&[&webhook, "recover"]);
    let mut body = json!({ "since": args.since, "dryRun": args.dry_run });
    if let Some(until) = args.until {
        body["until"] = until.into();
    }
    if !args.statuses.is_empty() {
        let upper = args.statuses.iter().map(|word| word.to_ascii_uppercase());
        body["statuses"] = upper.collect::<Vec<_>>().into();
    }
    let mut total = Total::default();
    for _ in 0..CALLS {
        let answer = context.client.call(Request::post(&path, &body)).await;
        let answer = answer.inspect_err(|_| {
            context.progress.clear();
            if total.done() > 0 {
                eprintln!("{} so far; the same command goes on.", total.text());
            }
        })?;
        total.add(&answer.body);
        context.progress.show(&total.text());
        let next = answer.body["nextCursor"].clone();
        if next.is_null() {
            context.progress.clear();
            return if context.output.is_json() {
                context.output.print(&total.json(args.dry_run).to_string())
            } else {
                context.output.print(&format!("{}\n", total.text()))
            };
        }
        if next == body["cursor"] {
            return Err(Failure::failed("the recovery does not get further"));
        }
        body["cursor"] = next;
    }
    Err(Failure::failed(
        "the recovery takes too many calls; choose a shorter time",
    ))
}

/// What all calls did together.
#[derive(Debug, Default)]
struct Total {
    matching: Option<u64>,
    queued: u64,
    skipped: u64,
}

impl Total {
    fn add(&mut self, answer: &Value) {
        if let Some(matching) = answer["matching"].as_u64() {
            *self.matching.get_or_insert(0) += matching;
        }
        self.queued += answer["queued"].as_u64().unwrap_or(0);
        self.skipped += answer["skipped"].as_u64().unwrap_or(0);
    }

    fn done(&self) -> u64 {
        self.queued + self.skipped
    }

    fn text(&self) -> String {
        match self.matching {
            Some(matching) => format!("{matching} would be sent again"),
            None => format!("{} queued, {} skipped", self.queued, self.skipped),
        }
    }

    /// The shape of one call's answer.
    fn json(&self, is_dry: bool) -> Value {
        match self.matching {
            Some(matching) => json!({ "dryRun": is_dry, "matching": matching, "nextCursor": null }),
            None => json!({
                "dryRun": is_dry,
                "queued": self.queued,
                "skipped": self.skipped,
                "nextCursor": null,
            }),
        }
    }
}
