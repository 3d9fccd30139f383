//! The audit log: who changed which setting, when, and from where.
//!
//! To log a new kind of change, make an [`Entry`] and hand it to the store
//! function that writes the change, which writes both in one transaction:
//! - something made, changed or deleted: [`Entry::created`],
//!   [`Entry::updated`], [`Entry::deleted`], which find out by themselves what
//!   changed. A new kind of thing implements [`Audited`].
//! - anything else (a redrive, an import): [`Entry::of`], and
//!   [`Store::log_change`](crate::store::Store::log_change) before it starts
//!   where it is no write of the table.
//!
//! No secret gets into the log by being forgotten: texts, lists and objects are
//! shown only where [`Audited::shown`] says so. Of everything else the log says
//! that it was set, changed or removed. Numbers and yes-or-no are always shown.

mod kinds;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{event::Actor, id::AuditId, incident::FieldChange, limits, text, time::Timestamp};

/// One change of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Identifier.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who did it, and from where.
    pub actor: Actor,
    /// What was done: the kind of thing and a verb (`webhook.updated`).
    pub action: String,
    /// To what.
    pub target: Target,
    /// What changed.
    #[serde(default)]
    pub changes: Vec<FieldChange>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AuditTarget)]
pub struct Target {
    /// Its kind (`webhook`).
    #[serde(rename = "type")]
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// Its name at that time.
    pub name: String,
}

/// Something whose changes are logged.
pub trait Audited: Serialize {
    /// Its kind, as actions and targets name it.
    const KIND: &'static str;

    /// Its identifier.
    fn id(&self) -> String;

    /// Its name.
    fn name(&self) -> String;

    /// Its fields, as they are serialised unless a kind knows better.
    fn fields(&self) -> Map<String, Value> {
        object(self)
    }

    /// A field's value where the log may show it, with [`plain`] for example;
    /// `None` for secrets, and for whatever nobody has thought about.
    fn shown(field: &str, value: &Value) -> Option<String>;
}

/// What every thing has and no user sets.
const OWN: [&str; 4] = ["id", "createdAt", "updatedAt", "revision"];

impl Entry {
    /// Something was made.
    pub fn created<T: Audited>(actor: &Actor, made: &T) -> Self {
        Self::diff(actor, "created", None, made, Some(made))
    }

    /// Something was changed. Where nothing is different, nothing is logged.
    pub fn updated<T: Audited>(actor: &Actor, before: &T, after: &T) -> Self {
        Self::diff(actor, "updated", Some(before), after, Some(after))
    }

    /// Something was deleted.
    pub fn deleted<T: Audited>(actor: &Actor, deleted: &T) -> Self {
        Self::diff(actor, "deleted", Some(deleted), deleted, None)
    }

    /// Something else was done to something.
    pub fn of(actor: &Actor, verb: &str, target: Target) -> Self {
        let at = Timestamp::now();
        Self {
            id: AuditId::at(at),
            at,
            actor: actor.clone(),
            action: format!("{}.{verb}", target.kind),
            target,
            changes: Vec::new(),
        }
    }

    /// The same under another verb (`key_rotated`).
    #[must_use]
    pub fn called(mut self, verb: &str) -> Self {
        self.action = format!("{}.{verb}", self.target.kind);
        self
    }

    /// The same with something that it was done with, which is no secret.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        if let Some(to) = plain(&value.into()) {
            self.changes.push(FieldChange {
                field: field.to_owned(),
                from: None,
                to: Some(to),
            });
        }
        self
    }

    /// Whether it tells of a change that changed nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.action.ends_with(".updated")
    }

    fn diff<T: Audited>(
        actor: &Actor,
        verb: &str,
        before: Option<&T>,
        target: &T,
        after: Option<&T>,
    ) -> Self {
        let fields = |side: Option<&T>| side.map(T::fields).unwrap_or_default();
        Self {
            changes: changes::<T>(&fields(before), &fields(after)),
            ..Self::of(actor, verb, Target::from(target))
        }
    }
}

impl<T: Audited> From<&T> for Target {
    fn from(target: &T) -> Self {
        Self {
            kind: T::KIND.to_owned(),
            id: target.id(),
            name: target.name(),
        }
    }
}

/// A value as text: texts as they are, the rest as JSON, both cut.
pub fn plain(value: &Value) -> Option<String> {
    let written = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cut = text::cut(&written, limits::AUDIT_VALUE_CHARS);
    let is_whole = cut.len() == written.len();
    Some(if is_whole {
        written
    } else {
        format!("{cut}…")
    })
}

fn object<T: Serialize + ?Sized>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn changes<T: Audited>(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let names = names
        .into_iter()
        .filter(|name| !OWN.contains(&name.as_str()));
    let mut changes: Vec<FieldChange> = names
        .filter_map(|name| {
            let side = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
            let (from, to) = (side(before), side(after));
            (from != to).then(|| change::<T>(name, &from, &to))
        })
        .collect();
    let more = changes.len().saturating_sub(limits::AUDIT_CHANGES);
    if more > 0 {
        changes.truncate(limits::AUDIT_CHANGES);
        changes.push(FieldChange {
            field: "…".to_owned(),
            from: None,
            to: Some(format!("{more} more")),
        });
    }
    changes
}

fn change<T: Audited>(field: &str, from: &Value, to: &Value) -> FieldChange {
    let shown = |value: &Value| match value {
        Value::Bool(_) | Value::Number(_) => plain(value),
        _ => T::shown(field, value),
    };
    let is_shown = |value: &Value| value.is_null() || shown(value).is_some();
    let (from, to) = if is_shown(from) && is_shown(to) {
        (shown(from), shown(to))
    } else {
        let happened = match (from.is_null(), to.is_null()) {
            (true, _) => "set",
            (_, true) => "removed",
            _ => "changed",
        };
        (None, Some(happened.to_owned()))
    };
    FieldChange {
        field: text::cut(field, limits::AUDIT_VALUE_CHARS).to_owned(),
        from,
        to,
    }
}
