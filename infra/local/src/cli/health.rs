//! `opsknight health`

use super::{
    Context,
    client::Request,
    failure::{Failure, Kind},
    table,
};

/// Arguments of `health`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask for its table and its queue as well
    #[arg(long)]
    ready: bool,
}

pub(crate) async fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let mode = args.ready.then(|| "readiness".to_owned());
    let request = Request::get(&["api", "health"])
        .query(&[("mode", mode)])
        .anonymous();
    let answer = context.client.exchange(&request).await?;
    let status = answer.body["status"].as_str();
    if status.is_none() {
        let other = || Failure::failed("the answer is not one of this API");
        return Err(answer.failure().unwrap_or_else(other));
    }
    context.output.answer(&answer, table::fields)?;
    if answer.status.is_success() && matches!(status, Some("healthy" | "ready")) {
        Ok(())
    } else {
        Err(Failure::new(
            Kind::Unavailable,
            "the deployment is not healthy",
        ))
    }
}
