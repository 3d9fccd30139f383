//! The services of a document, and which of them an integration or a filter
//! means.

use common::{http::fields::Field, id::ServiceId, incident::ServiceRef, integration::Service};

use super::{
    document,
    plan::{Kind, Reader, Step, Work},
    targets::{self, Target},
};
use crate::{
    service_fields::{Given, Past},
    services,
};

/// What came of the list.
pub(crate) struct Services {
    /// One step per entry, in the document's order.
    pub steps: Vec<Step>,
    /// What the document's list does not name; nothing where it has no list.
    pub unnamed: Vec<Service>,
    /// Every service that there will be.
    known: Vec<ServiceRef>,
}

/// Why a reference to a service leads nowhere.
pub(crate) type Unknown = &'static str;

impl Services {
    /// The service of this id.
    pub(crate) fn by_id(&self, id: ServiceId) -> Result<&ServiceRef, Unknown> {
        let found = self.known.iter().find(|service| service.id == id);
        found.ok_or("there will be no such service after this import")
    }

    /// The only service of this name.
    pub(crate) fn by_name(&self, name: &str) -> Result<&ServiceRef, Unknown> {
        let mut found = self.known.iter().filter(|service| service.name == name);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err("there will be no service of this name after this import"),
            (Some(_), Some(_)) => Err("several services have this name; give the id"),
        }
    }
}

/// Reads the list.
pub(crate) fn read(reader: &mut Reader<'_>) -> Services {
    let Some(entries) = reader.entries("services") else {
        let all = reader.existing.services.iter();
        return Services {
            steps: Vec::new(),
            unnamed: Vec::new(),
            known: all.map(Service::reference).collect(),
        };
    };
    let mut read = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("services[{index}]");
        if let Some(mut fields) = reader.object(&path, entry) {
            let id = fields.word("id", "a service id", |id| id.parse::<ServiceId>().ok());
            let given = Given::read(&mut fields, reader.now, Past::Dropped);
            let key = (id.value(), given.name.clone().value());
            read.push((path, fields, given, key));
        }
    }
    let wanted: Vec<_> = read.iter().map(|(_, _, _, key)| key.clone()).collect();
    let existing = &reader.existing.services;
    let named: Vec<_> = existing
        .iter()
        .map(|one| (one.id, one.name.clone()))
        .collect();
    let targets = targets::find(&wanted, &named);

    let mut steps = Vec::with_capacity(read.len());
    let mut known = Vec::with_capacity(read.len());
    let paths: Vec<String> = read.iter().map(|(path, ..)| path.clone()).collect();
    for ((path, mut fields, given, (id, _)), target) in read.into_iter().zip(&targets) {
        let field = if id.is_some() { "id" } else { "name" };
        let before = match *target {
            Target::Existing(place) => existing.get(place),
            Target::New(_) => None,
            Target::Twice(first) => {
                fields.problem(field, format!("is the same service as {}", paths[first]));
                reader.fields.absorb(&path, fields);
                continue;
            }
            Target::Ambiguous => {
                fields.problem(field, "several services have this name; give the id");
                reader.fields.absorb(&path, fields);
                continue;
            }
        };
        let service = before.cloned().unwrap_or_else(|| {
            fields.must_have("name", &given.name);
            let now = reader.next_moment();
            services::blank(id.unwrap_or_else(|| ServiceId::at(now)), now)
        });
        if given.name == Field::Null && !fields.has_problem("name") {
            fields.problem("name", "cannot be null");
        }
        let service = given.apply(&service, reader.now);
        reader.fields.absorb(&path, fields);
        known.push(service.reference());
        let mut step = Step::of(Kind::Service, &path, service.id, &service.name);
        match before {
            None => step.create(Work::CreateService(service), id.is_none()),
            Some(before) => {
                let changes = document::changes(
                    &document::service(before, reader.now),
                    &document::service(&service, reader.now),
                );
                step.update(changes, || {
                    Work::UpdateService(Box::new((before.clone(), service)))
                });
            }
        }
        steps.push(step);
    }
    let is_named = |service: &&Service| known.iter().any(|one: &ServiceRef| one.id == service.id);
    let unnamed: Vec<Service> = existing
        .iter()
        .filter(|one| !is_named(one))
        .cloned()
        .collect();
    if !reader.prune {
        known.extend(unnamed.iter().map(Service::reference));
    }
    Services {
        steps,
        unnamed,
        known,
    }
}
