//! Services and webhooks may be named by their id or by their name.

use serde_json::Value;

use super::{
    Context,
    client::Request,
    failure::{Failure, Kind},
    webhooks,
};

/// The id of a service.
pub(crate) async fn service(context: &Context, given: &str) -> Result<String, Failure> {
    find(context, given, "svc_", &["api", "services"], "services").await
}

/// The id of a webhook.
pub(crate) async fn webhook(context: &Context, given: &str) -> Result<String, Failure> {
    find(context, given, "whk_", webhooks::PATH, "webhooks").await
}

async fn find(
    context: &Context,
    given: &str,
    prefix: &str,
    path: &[&str],
    field: &str,
) -> Result<String, Failure> {
    if given.starts_with(prefix) {
        return Ok(given.to_owned());
    }
    let answer = context.client.call(Request::get(path)).await?;
    let listed = answer.body[field].as_array().into_iter().flatten();
    let ids: Vec<&str> = listed
        .filter(|one| one["name"].as_str() == Some(given))
        .filter_map(|one| one["id"].as_str())
        .collect();
    let what = field.trim_end_matches('s');
    match ids.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Failure::new(
            Kind::NotFound,
            format!("there is no {what} {given}"),
        )),
        several => Err(Failure::failed(format!(
            "several {field} are named {given}: {}",
            several.join(", ")
        ))),
    }
}

/// The id that an answer gives a thing.
pub(crate) fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap_or("-")
}
