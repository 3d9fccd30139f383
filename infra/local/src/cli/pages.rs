//! Lists that come in pages.

use clap::Args;
use serde_json::{Value, json};

use super::{Context, client::Request, failure::Failure, table::Column};

/// Pages that `--all` follows, with 100 entries each.
const PAGES: usize = 10_000;

/// Options of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Entries of a page
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    limit: Option<u16>,
    /// Start where an earlier page ended
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    cursor: Option<String>,
    /// Follow the list to its end
    #[arg(long)]
    all: bool,
}

/// Prints a list: one page of it, or all.
pub(crate) async fn print(
    context: &Context,
    path: &[&str],
    mut parameters: Vec<(&str, Option<String>)>,
    page: &PageArgs,
    field: &str,
    columns: &[Column],
) -> Result<(), Failure> {
    let largest = page.all.then_some(100);
    let limit = page.limit.or(largest).map(|limit| limit.to_string());
    parameters.push(("limit", limit));
    let place = parameters.len();
    parameters.push(("cursor", page.cursor.clone()));
    if !page.all {
        let request = Request::get(path).query(&parameters);
        let answer = context.client.call(request).await?;
        if context.output.is_json() {
            return context.output.write(&answer.bytes);
        }
        context.output.list(&answer.body, field, columns)?;
        if let Some(next) = answer.body["nextCursor"].as_str() {
            eprintln!("There is more: --cursor {next}, or --all");
        }
        return Ok(());
    }
    let mut entries: Vec<Value> = Vec::new();
    for _ in 0..PAGES {
        let request = Request::get(path).query(&parameters);
        let mut answer = context.client.call(request).await?;
        if let Value::Array(page) = answer.body[field].take() {
            entries.extend(page);
        }
        context.progress.show(&format!("{} read", entries.len()));
        match answer.body["nextCursor"].as_str() {
            Some(next) if parameters[place].1.as_deref() != Some(next) => {
                parameters[place].1 = Some(next.to_owned());
            }
            Some(_) => return Err(Failure::failed("the server's list does not get further")),
            None => {
                context.progress.clear();
                // The shape of one page, with all entries in it.
                let whole = json!({ field: entries, "nextCursor": null });
                return if context.output.is_json() {
                    context.output.print(&whole.to_string())
                } else {
                    context.output.list(&whole, field, columns)
                };
            }
        }
    }
    Err(Failure::failed(
        "the list is longer than this program follows",
    ))
}
