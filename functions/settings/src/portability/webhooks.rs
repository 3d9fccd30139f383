//! The webhooks of a document.

use common::{http::fields::Fields, id::WebhookId, webhook::Webhook};
use serde_json::{Map, Value};

use super::{
    document::{self, Secrets},
    plan::{Kind, Reader, Step, Work},
    services::Services,
    targets::{self, Target},
};
use crate::{formats, webhook_fields, webhooks};

/// Reads the list; `None` where the document has none.
pub(crate) fn read(reader: &mut Reader<'_>, services: &Services) -> Option<Vec<Step>> {
    let entries = reader.entries("webhooks")?;
    let mut read = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("webhooks[{index}]");
        if let Some(mut fields) = reader.object(&path, entry.clone()) {
            let name = fields.line("name", common::limits::NAME_CHARS).value();
            read.push((path, entry, (id(&mut fields), name)));
        }
    }
    let wanted: Vec<_> = read.iter().map(|(_, _, key)| key.clone()).collect();
    let existing = &reader.existing.webhooks;
    let named: Vec<_> = existing
        .iter()
        .map(|one| (one.id, one.name.clone()))
        .collect();
    let targets = targets::find(&wanted, &named);
    let paths: Vec<String> = read.iter().map(|(path, ..)| path.clone()).collect();
    let mut steps = Vec::with_capacity(read.len());
    for ((path, entry, (id, _)), target) in read.into_iter().zip(targets) {
        let field = if id.is_some() { "id" } else { "name" };
        let before = match target {
            Target::Existing(place) => existing.get(place),
            Target::New(_) => None,
            Target::Twice(first) => {
                let message = format!("is the same webhook as {}", paths[first]);
                reader.fields.problem(format!("{path}.{field}"), message);
                continue;
            }
            Target::Ambiguous => {
                let message = "several webhooks have this name; give the id";
                reader.fields.problem(format!("{path}.{field}"), message);
                continue;
            }
        };
        steps.extend(step(reader, services, &path, entry, before));
    }
    Some(steps)
}

fn id(fields: &mut Fields) -> Option<WebhookId> {
    fields
        .word("id", "a webhook id", |id| id.parse().ok())
        .value()
}

fn step(
    reader: &mut Reader<'_>,
    services: &Services,
    path: &str,
    mut entry: Value,
    before: Option<&Webhook>,
) -> Option<Step> {
    let mut warnings = Vec::new();
    if let Value::Object(entry) = &mut entry {
        warnings = fill_in_headers(entry, before);
        name_services(reader, services, path, entry);
    }
    let mut fields = reader.object(path, entry)?;
    let id = id(&mut fields);
    let given = webhook_fields::read(&mut fields, reader.guard);
    if before.is_some() {
        given.refuse_nulls(&mut fields);
    }
    let has_secret = given.secret.clone().value().is_some();
    let mut webhook = before.cloned().unwrap_or_else(|| {
        fields.must_have("name", &given.name);
        fields.must_have("url", &given.url);
        fields.must_have("events", &given.events);
        let now = reader.next_moment();
        webhooks::blank(id.unwrap_or_else(|| WebhookId::at(now)), now)
    });
    webhooks::apply(&mut webhook, given);
    if let Some(before) = before
        && before.enabled == webhook.enabled
    {
        // Naming the state that it is in does not wipe out who put it there.
        webhook.disabled_reason.clone_from(&before.disabled_reason);
    }
    if !fields.has_problem("")
        && let Err(error) = formats::check(&webhook)
    {
        for detail in error.details() {
            fields.problem(detail.path.clone(), detail.message.clone());
        }
    }
    reader.fields.absorb(path, fields);

    let mut step = Step::of(Kind::Webhook, path, webhook.id, &webhook.name);
    step.warnings = warnings;
    match before {
        None => {
            if !has_secret {
                let secret = Value::from(webhook.secret.as_str());
                step.secrets.insert("secret".to_owned(), secret);
            }
            step.create(Work::CreateWebhook(Box::new(webhook)), id.is_none());
        }
        Some(before) => {
            let changes = document::changes(
                &document::webhook(before, Secrets::Shown),
                &document::webhook(&webhook, Secrets::Shown),
            );
            step.update(changes, || {
                Work::UpdateWebhook(Box::new((before.clone(), webhook)))
            });
        }
    }
    Some(step)
}

/// Gives the headers whose values the document does not have (`null`) those
/// that they have here, and leaves out the rest. Answers a warning for each of
/// those.
fn fill_in_headers(entry: &mut Map<String, Value>, before: Option<&Webhook>) -> Vec<String> {
    let Some(Value::Object(headers)) = entry.get_mut("headers") else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    headers.retain(|name, value| {
        if !value.is_null() {
            return true;
        }
        match before.and_then(|before| before.headers.get(name)) {
            Some(known) => {
                *value = Value::from(known.as_str());
                true
            }
            None => {
                let shown: String = name.chars().take(100).collect();
                warnings.push(format!(
                    "the value of the header {shown} is not in the document; it is left out"
                ));
                false
            }
        }
    });
    warnings
}

/// Turns the names in `filter.services` into ids in `filter.serviceIds`: a
/// document without ids has no others to name its services by.
fn name_services(
    reader: &mut Reader<'_>,
    services: &Services,
    path: &str,
    entry: &mut Map<String, Value>,
) {
    let Some(Value::Object(filter)) = entry.get_mut("filter") else {
        return;
    };
    let names = match filter.remove("services") {
        None | Some(Value::Null) => return,
        Some(Value::Array(names)) => names,
        Some(_) => {
            let message = "expected a list of names of services";
            return reader
                .fields
                .problem(format!("{path}.filter.services"), message);
        }
    };
    let mut ids = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let found = name.as_str().ok_or("expected the name of a service");
        match found.and_then(|name| services.by_name(name)) {
            Ok(service) => ids.push(Value::from(service.id.to_string())),
            Err(unknown) => reader
                .fields
                .problem(format!("{path}.filter.services[{index}]"), unknown),
        }
    }
    let listed = filter
        .entry("serviceIds")
        .or_insert_with(|| Value::Array(Vec::new()));
    match listed {
        Value::Array(listed) => listed.extend(ids),
        Value::Null => *listed = Value::Array(ids),
        // Told where the field is read.
        _ => {}
    }
}
