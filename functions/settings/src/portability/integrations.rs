//! The integrations of a document.

use std::collections::{HashMap, HashSet};

use common::{
    crypto,
    http::fields::{Field, Fields},
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    integration::Integration,
    limits,
};
use serde_json::Value;

use super::{
    document::{self, Secrets},
    existing::Existing,
    plan::{Kind, Reader, Step, Work, unnamed_integration},
    services::Services,
    targets::{self, Target},
};
use crate::integration_fields;

/// An entry, read as far as it can be before it is known which one it means.
struct Entry {
    path: String,
    fields: Fields,
    given: integration_fields::Given,
    id: Option<IntegrationId>,
    service: Option<ServiceRef>,
    has_signature_secret: Option<bool>,
}

/// Reads the list; `None` where the document has none.
pub(crate) fn read(reader: &mut Reader<'_>, services: &Services) -> Option<Vec<Step>> {
    let entries = reader.entries("integrations")?;
    let mut read = Vec::with_capacity(entries.len());
    for (index, value) in entries.into_iter().enumerate() {
        let path = format!("integrations[{index}]");
        if let Some(fields) = reader.object(&path, value) {
            read.push(entry(path, fields, services));
        }
    }
    let wanted: Vec<_> = read
        .iter()
        .map(|entry| {
            let service = entry.service.as_ref().map(|service| service.id);
            (entry.id, service.zip(entry.given.name.clone().value()))
        })
        .collect();
    let existing = &reader.existing.integrations;
    let named: Vec<_> = existing
        .iter()
        .map(|one| (one.id, (one.service.id, one.name.clone())))
        .collect();
    let targets = targets::find(&wanted, &named);
    let paths: Vec<String> = read.iter().map(|entry| entry.path.clone()).collect();
    let mut steps = Vec::with_capacity(read.len());
    for (mut entry, target) in read.into_iter().zip(targets) {
        let field = if entry.id.is_some() { "id" } else { "name" };
        let fields = &mut entry.fields;
        let before = match target {
            Target::Existing(place) => existing.get(place),
            Target::New(_) => None,
            Target::Twice(first) => {
                fields.problem(
                    field,
                    format!("is the same integration as {}", paths[first]),
                );
                reader.fields.absorb(&entry.path, entry.fields);
                continue;
            }
            Target::Ambiguous => {
                fields.problem(field, "several integrations have this name; give the id");
                reader.fields.absorb(&entry.path, entry.fields);
                continue;
            }
        };
        steps.extend(match before {
            Some(before) => change(reader, entry, before),
            None => creation(reader, entry),
        });
    }
    bound(reader, services, &steps);
    Some(steps)
}

/// Notes services that would have more integrations than they may. Those that
/// the document leaves out count: they are deleted last.
fn bound(reader: &mut Reader<'_>, services: &Services, steps: &[Step]) {
    let mut counts: HashMap<ServiceId, usize> = HashMap::new();
    for one in &reader.existing.integrations {
        *counts.entry(one.service.id).or_default() += 1;
    }
    for step in steps {
        if let Work::CreateIntegration(made) = &step.work {
            *counts.entry(made.service.id).or_default() += 1;
        }
    }
    for (id, count) in counts {
        if count > limits::INTEGRATIONS_PER_SERVICE {
            let name = services.by_id(id).map_or("a service", |one| &one.name);
            let most = limits::INTEGRATIONS_PER_SERVICE;
            let message = format!("{name} would have {count}; a service has at most {most}");
            reader.fields.problem("integrations", message);
        }
    }
}

fn entry(path: String, mut fields: Fields, services: &Services) -> Entry {
    let expected = "an integration id";
    let id = fields.word("id", expected, |id| id.parse::<IntegrationId>().ok());
    let given = integration_fields::read_fields(&mut fields);
    let service = service(&mut fields, services);
    let has_signature_secret = fields.flag("hasSignatureSecret").value();
    Entry {
        path,
        fields,
        given,
        id: id.value(),
        service,
        has_signature_secret,
    }
}

/// `{id}` or `{name}`; of both, the id decides.
fn service(fields: &mut Fields, services: &Services) -> Option<ServiceRef> {
    let mut inner = fields.object("service").value()?;
    let id = inner.word("id", "a service id", |id| id.parse().ok());
    let name = inner.line("name", common::limits::NAME_CHARS);
    let (field, found) = match (id.value(), name.value()) {
        (Some(id), _) => ("id", services.by_id(id)),
        (None, Some(name)) => ("name", services.by_name(&name)),
        (None, None) => ("id", Err("give the service's id or its name")),
    };
    if let Err(unknown) = found
        && !inner.has_problem("")
    {
        inner.problem(field, unknown);
    }
    fields.absorb("service", inner);
    found.ok().cloned()
}

fn change(reader: &mut Reader<'_>, mut entry: Entry, before: &Integration) -> Option<Step> {
    let mut after = before.clone();
    if let Some(service) = entry.service {
        if service.id != before.service.id {
            let message = "is another service: an integration cannot be moved";
            entry.fields.problem("service", message);
        }
        after.service = service;
    }
    integration_fields::must_be_change_of(&mut entry.fields, &entry.given, before);
    let names_secret = entry.given.signature_secret != Field::Absent;
    integration_fields::apply(&mut after, entry.given);
    reader.fields.absorb(&entry.path, entry.fields);

    let mut step = Step::of(Kind::Integration, &entry.path, after.id, &after.name);
    if !names_secret {
        step.warnings
            .extend(warning(entry.has_signature_secret, &after));
    }
    let mut changes = document::changes(
        &document::integration(before, Secrets::Shown),
        &document::integration(&after, Secrets::Shown),
    );
    // A service's own change brings its new name to its integrations.
    changes.retain(|name| name != "service" && name != "hasSignatureSecret");
    step.update(changes, || {
        Work::UpdateIntegration(Box::new((before.clone(), after)))
    });
    Some(step)
}

/// Whether an existing integration is signed is not changed unasked, neither
/// way.
fn warning(should_have_secret: Option<bool>, integration: &Integration) -> Option<String> {
    match (should_have_secret, &integration.signature_secret) {
        (Some(true), None) => Some("has no signature secret here; set one".to_owned()),
        (Some(false), Some(_)) => {
            Some("has a signature secret here; \"signatureSecret\": null takes it away".to_owned())
        }
        _ => None,
    }
}

fn creation(reader: &mut Reader<'_>, mut entry: Entry) -> Option<Step> {
    entry.fields.must_have("type", &entry.given.provider);
    entry.fields.must_have("name", &entry.given.name);
    if entry.service.is_none() && !entry.fields.has_problem("service") {
        entry.fields.problem("service", "is required");
    }
    reader.fields.absorb(&entry.path, entry.fields);
    let now = reader.next_moment();
    let id = entry.id.unwrap_or_else(|| IntegrationId::at(now));
    let mut integration = integration_fields::blank(id, entry.service?, now);
    integration.provider = entry.given.provider.clone().value()?;
    integration_fields::apply(&mut integration, entry.given);
    let key = integration_fields::new_key(&mut integration);
    let mut step = Step::of(Kind::Integration, &entry.path, id, &integration.name);
    step.secrets.insert("key".to_owned(), Value::from(key));
    if entry.has_signature_secret == Some(true) && integration.signature_secret.is_none() {
        // Without one it would take alerts of anybody who knows its address.
        let secret = crypto::new_webhook_secret();
        step.secrets
            .insert("signatureSecret".to_owned(), Value::from(secret.as_str()));
        step.warnings.push(
            "its signature secret was not in the document; a generated one keeps it shut until \
             both sides have the same"
                .to_owned(),
        );
        integration.signature_secret = Some(secret);
    }
    step.create(
        Work::CreateIntegration(Box::new(integration)),
        entry.id.is_none(),
    );
    Some(step)
}

/// What becomes of the integrations that the document does not name: those of
/// a deleted service go with it.
pub(crate) fn unnamed(
    existing: &Existing,
    services: &Services,
    steps: &Option<Vec<Step>>,
    prune: bool,
) -> Vec<Step> {
    let named: HashSet<&str> = (steps.iter().flatten())
        .map(|step| step.id.as_str())
        .collect();
    let is_of_gone_service = |integration: &Integration| {
        let mut gone = services.unnamed.iter();
        gone.any(|service| service.id == integration.service.id)
    };
    let all = existing.integrations.iter();
    all.filter(|one| !named.contains(one.id.to_string().as_str()))
        .filter(|one| steps.is_some() || (prune && is_of_gone_service(one)))
        .map(|one| unnamed_integration(one, prune))
        .collect()
}
