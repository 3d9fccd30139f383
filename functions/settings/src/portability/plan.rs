//! What an import is going to do: one step per item, in the order in which the
//! steps have to be taken.

use std::time::Duration;

use common::{
    http::{ApiError, fields::Fields},
    integration::{Integration, Service},
    outbound::Guard,
    time::Timestamp,
    webhook::Webhook,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{document, existing::Existing, integrations, services, webhooks};

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Service,
    Integration,
    Webhook,
}

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Created,
    Updated,
    Unchanged,
    Skipped,
    Deleted,
    /// Not reached in this call.
    Pending,
    /// It did not work, or it is not known whether it did.
    Failed,
}

impl Action {
    const ALL: [Self; 7] = [
        Self::Created,
        Self::Updated,
        Self::Unchanged,
        Self::Skipped,
        Self::Deleted,
        Self::Pending,
        Self::Failed,
    ];
}

/// What a step writes.
#[derive(Debug)]
pub(crate) enum Work {
    Nothing,
    CreateService(Service),
    UpdateService(Box<(Service, Service)>),
    DeleteService(Service),
    CreateIntegration(Box<Integration>),
    UpdateIntegration(Box<(Integration, Integration)>),
    DeleteIntegration(Box<Integration>),
    CreateWebhook(Box<Webhook>),
    UpdateWebhook(Box<(Webhook, Webhook)>),
    DeleteWebhook(Box<Webhook>),
}

/// One item and what becomes of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub kind: Kind,
    pub id: String,
    pub name: String,
    pub action: Action,
    pub work: Work,
    /// Where it stands in the document (`webhooks[2]`).
    pub path: Option<String>,
    /// The fields that change.
    pub changes: Vec<String>,
    /// What the caller has to see to.
    pub warnings: Vec<String>,
    /// Why it is skipped, pending or failed.
    pub reason: Option<String>,
    /// Generated for a created item and shown this once.
    pub secrets: Map<String, Value>,
    /// Whether the id was made up while planning.
    pub has_new_id: bool,
}

impl Step {
    /// A step about an item of the document.
    pub(crate) fn of(kind: Kind, path: &str, id: impl ToString, name: &str) -> Self {
        Self {
            kind,
            id: id.to_string(),
            name: name.to_owned(),
            action: Action::Unchanged,
            work: Work::Nothing,
            path: Some(path.to_owned()),
            changes: Vec::new(),
            warnings: Vec::new(),
            reason: None,
            secrets: Map::new(),
            has_new_id: false,
        }
    }

    /// A step about an item that the document does not name.
    fn unnamed(kind: Kind, id: impl ToString, name: &str, deletion: Option<Work>) -> Self {
        let step = Self {
            path: None,
            ..Self::of(kind, "", id, name)
        };
        match deletion {
            Some(work) => Self {
                action: Action::Deleted,
                work,
                ..step
            },
            None => Self {
                action: Action::Skipped,
                reason: Some("is not in the document; prune=true deletes it".to_owned()),
                ..step
            },
        }
    }

    /// Makes it a creation.
    pub(crate) fn create(&mut self, work: Work, has_new_id: bool) {
        self.action = Action::Created;
        self.work = work;
        self.has_new_id = has_new_id;
    }

    /// Makes it a change of these fields, if there are any.
    pub(crate) fn update(&mut self, changes: Vec<String>, work: impl FnOnce() -> Work) {
        if !changes.is_empty() {
            self.action = Action::Updated;
            self.work = work();
            self.changes = changes;
        }
    }

    /// The step as it is answered; secrets of what is only planned are not.
    fn view(&self, is_dry: bool) -> Value {
        let mut shown = Map::new();
        let mut show = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        show("kind", json!(self.kind));
        show("name", json!(self.name));
        show("action", json!(self.action));
        let has_written = matches!(self.action, Action::Created | Action::Failed);
        if !(self.has_new_id && (is_dry || !has_written)) {
            show("id", json!(self.id));
        }
        if let Some(path) = &self.path {
            show("path", json!(path));
        }
        if let Some(reason) = &self.reason {
            show("reason", json!(reason));
        }
        if !self.changes.is_empty() {
            show("changes", json!(self.changes));
        }
        if !self.warnings.is_empty() {
            show("warnings", json!(self.warnings));
        }
        if has_written && !is_dry {
            shown.extend(self.secrets.clone());
        }
        Value::Object(shown)
    }
}

/// All steps.
#[derive(Debug)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
}

/// What the readers of the three lists share.
pub(crate) struct Reader<'a> {
    /// What is there.
    pub existing: &'a Existing,
    /// Which receivers may be named.
    pub guard: &'a Guard,
    /// The moment that the next made item is of; see [`Self::next_moment`].
    pub now: Timestamp,
    /// Whether what the document does not name is deleted.
    pub prune: bool,
    /// The document, and every problem found in it so far.
    pub fields: Fields,
}

impl Reader<'_> {
    /// The moment of an item that is made: a millisecond after the one before,
    /// because lists go by it and are to keep the document's order.
    pub(crate) fn next_moment(&mut self) -> Timestamp {
        let moment = self.now;
        self.now = moment.after(Duration::from_millis(1));
        moment
    }

    /// The entries of a list; `None` where the document does not have it.
    pub(crate) fn entries(&mut self, name: &'static str) -> Option<Vec<Value>> {
        let list = self.fields.read(name, |value| match value {
            Value::Array(entries) => Ok(entries),
            _ => Err("expected a list".to_owned()),
        });
        list.value()
    }

    /// An entry's fields; notes one that is no object.
    pub(crate) fn object(&mut self, path: &str, entry: Value) -> Option<Fields> {
        let fields = Fields::of(entry).ok();
        if fields.is_none() {
            self.fields.problem(path, "expected an object");
        }
        fields
    }
}

impl Plan {
    /// Reads a document and plans what it asks for.
    ///
    /// # Errors
    /// 400 with everything that is wrong with it.
    pub(crate) fn read(
        body: Value,
        existing: &Existing,
        guard: &Guard,
        prune: bool,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let mut reader = Reader {
            existing,
            guard,
            now,
            prune,
            fields: Fields::of(body)?,
        };
        let version = reader.fields.read("version", |value| {
            let known = value.as_u64() == Some(document::VERSION);
            let expected = || format!("expected {}, the only version there is", document::VERSION);
            known.then_some(()).ok_or_else(expected)
        });
        reader.fields.must_have("version", &version);
        // Said by an export for its readers.
        reader.fields.raw("notIncluded");
        reader.fields.flag("secrets");

        let services = services::read(&mut reader);
        let integrations = integrations::read(&mut reader, &services);
        let webhooks = webhooks::read(&mut reader, &services);
        reader.fields.finish()?;

        let gone = integrations::unnamed(existing, &services, &integrations, prune);
        let mut steps = services.steps;
        steps.extend(integrations.into_iter().flatten());
        let named_webhooks = webhooks.is_some();
        steps.extend(webhooks.into_iter().flatten());
        if named_webhooks {
            let unnamed = unnamed_webhooks(existing, &steps, prune);
            steps.extend(unnamed);
        }
        steps.extend(gone);
        steps.extend(services.unnamed.into_iter().map(|service| {
            let (id, name) = (service.id, service.name.clone());
            let deletion = prune.then_some(Work::DeleteService(service));
            Step::unnamed(Kind::Service, id, &name, deletion)
        }));
        Ok(Self { steps })
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_complete(&self) -> bool {
        let left = |step: &Step| matches!(step.action, Action::Pending | Action::Failed);
        !self.steps.iter().any(left)
    }

    /// The plan, or what became of it.
    pub(crate) fn view(&self, is_dry: bool) -> Map<String, Value> {
        let count = |action| {
            self.steps
                .iter()
                .filter(|step| step.action == action)
                .count()
        };
        let counts: Map<String, Value> = Action::ALL
            .into_iter()
            .filter_map(|action| Some((json!(action).as_str()?.to_owned(), count(action).into())))
            .collect();
        let items: Vec<Value> = self.steps.iter().map(|step| step.view(is_dry)).collect();
        Map::from_iter([
            ("dryRun".to_owned(), is_dry.into()),
            ("complete".to_owned(), self.is_complete().into()),
            ("counts".to_owned(), counts.into()),
            ("items".to_owned(), items.into()),
        ])
    }
}

fn unnamed_webhooks(existing: &Existing, steps: &[Step], prune: bool) -> Vec<Step> {
    let named: std::collections::HashSet<&str> =
        steps.iter().map(|step| step.id.as_str()).collect();
    let all = existing.webhooks.iter();
    all.filter(|webhook| !named.contains(webhook.id.to_string().as_str()))
        .map(|webhook| {
            let deletion = prune.then(|| Work::DeleteWebhook(Box::new(webhook.clone())));
            Step::unnamed(Kind::Webhook, webhook.id, &webhook.name, deletion)
        })
        .collect()
}

/// The step about an integration that the document does not name.
pub(crate) fn unnamed_integration(integration: &Integration, is_deleted: bool) -> Step {
    let deletion = is_deleted.then(|| Work::DeleteIntegration(Box::new(integration.clone())));
    Step::unnamed(
        Kind::Integration,
        integration.id,
        &integration.name,
        deletion,
    )
}
