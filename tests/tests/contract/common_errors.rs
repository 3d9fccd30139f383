//! The errors that many operations have, made of a call that succeeds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    document::{Operation, Outcome},
    lab::Call,
};

/// A ULID that nothing has.
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Calls that answer those of the documented errors that are the same
/// everywhere.
pub(crate) fn of(
    operation: &Operation,
    success: &Call,
    documented: &BTreeSet<Outcome>,
) -> Vec<Call> {
    let promises = |status: u16, code: &str| documented.contains(&(status, Some(code.to_owned())));
    let mut calls = Vec::new();
    if operation.needs_api_key() {
        calls.push(success.clone().anonymous());
        let wrong = success.clone().anonymous();
        calls.push(wrong.with("authorization", "Bearer ok_wrong"));
    }
    if operation.has_body() {
        calls.extend(of_body(operation, success));
    }
    if promises(404, "not_found") && operation.needs_api_key() {
        calls.extend(with_unknown_ids(operation, success));
    }
    if promises(400, "invalid_cursor") && operation.method == "GET" {
        let path = success.path.split('?').next().unwrap_or_default();
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=x",
            "%00=%ff&limit=%00",
        ] {
            calls.push(Call::to(format!("{path}?{query}")));
        }
    }
    calls
}

fn of_body(operation: &Operation, success: &Call) -> Vec<Call> {
    let is_ours = operation.needs_api_key();
    let limit = if is_ours {
        1024 * 1024
    } else {
        5 * 1024 * 1024
    };
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(limit));
    let mut calls = vec![
        success.clone().text("application/json", "{"),
        success.clone().text("application/json", "[]"),
        success.clone().text("application/json", large),
    ];
    if is_ours {
        let mut body: Value = serde_json::from_slice(&success.body).expect("JSON");
        body["no such field"] = Value::from(1);
        calls.push(success.clone().json(&body));
        calls.push(success.clone().text("text/plain", success.body.clone()));
    }
    calls
}

/// The call with another id of the same kind at each place of the path.
fn with_unknown_ids(operation: &Operation, success: &Call) -> Vec<Call> {
    let places = operation.path.split('/').enumerate();
    places
        .filter(|(_, part)| part.starts_with('{'))
        .flat_map(|(place, _)| {
            let parts: Vec<&str> = success.path.split('/').collect();
            let prefix = parts[place].split('_').next().unwrap_or_default();
            [
                format!("{prefix}_{UNKNOWN}"),
                "%00".to_owned(),
                "x".to_owned(),
            ]
            .map(|other| {
                let mut parts = parts.clone();
                parts[place] = &other;
                Call {
                    path: parts.join("/"),
                    ..success.clone()
                }
            })
        })
        .collect()
}
