//! What is logged of each kind of thing.

use serde_json::{Map, Value};

use super::{Audited, object, plain};
use crate::{
    api_key::ApiKey,
    integration::{Integration, Service},
    webhook::Webhook,
};

impl Audited for Service {
    const KIND: &'static str = "service";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = object(self);
        if let Some(Value::Object(options)) = fields.remove("options") {
            // No windows is nothing to tell.
            let told =
                |(_, value): &(String, Value)| value.as_array().is_none_or(|list| !list.is_empty());
            fields.extend(options.into_iter().filter(told));
        }
        fields
    }

    fn shown(field: &str, value: &Value) -> Option<String> {
        [
            "name",
            "description",
            "maintenanceWindows",
            "autoResolveAfterHours",
            "defaultUrgency",
        ]
        .contains(&field)
        .then(|| plain(value))?
    }
}

impl Audited for Integration {
    const KIND: &'static str = "integration";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = object(self);
        // A service that changes changes none of its integrations, whatever
        // they repeat of it.
        for repeated in ["service", "serviceOptions", "serviceRevision"] {
            fields.remove(repeated);
        }
        fields.insert("serviceId".to_owned(), self.service.id.to_string().into());
        let key = fields.remove("keyHash").unwrap_or_default();
        fields.insert("key".to_owned(), key);
        fields.remove("settings");
        spread(&mut fields, "settings", self.settings.as_map());
        fields
    }

    fn shown(field: &str, value: &Value) -> Option<String> {
        ["name", "serviceId", "type"]
            .contains(&field)
            .then(|| plain(value))?
    }
}

impl Audited for Webhook {
    const KIND: &'static str = "webhook";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = object(self);
        if let Some(Value::Object(headers)) = fields.remove("headers") {
            spread(&mut fields, "headers", &headers);
        }
        if self.previous_secrets.is_empty() {
            fields.remove("previousSecrets");
        }
        fields
    }

    fn shown(field: &str, value: &Value) -> Option<String> {
        const SHOWN: [&str; 6] = [
            "name",
            "events",
            "disabledReason",
            "format",
            "filter",
            "ordering",
        ];
        match field {
            "url" => origin(value.as_str()?),
            _ => SHOWN.contains(&field).then(|| plain(value))?,
        }
    }
}

impl Audited for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = object(self);
        // Not settings: who made it is the actor of its first entry.
        fields.remove("createdBy");
        fields.remove("lastUsedAt");
        fields
    }

    fn shown(field: &str, value: &Value) -> Option<String> {
        ["name", "scopes", "expiresAt"]
            .contains(&field)
            .then(|| plain(value))?
    }
}

/// The members of an object, each as a field of its own.
fn spread(fields: &mut Map<String, Value>, name: &str, object: &Map<String, Value>) {
    for (key, value) in object {
        fields.insert(format!("{name}.{key}"), value.clone());
    }
}

/// Scheme and host: paths and queries of webhook addresses carry secrets.
fn origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(format!("{}/…", url.origin().ascii_serialization()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{audit::Entry, event::Actor, intake::testing::integration, integration::Settings};

    #[test]
    fn of_a_change_only_what_may_be_shown_is_shown() {
        let before = integration(
            "webhook",
            &json!({"token": "t0p", "strict": false, "old": "x"}),
        );
        let mut after = before.clone();
        after.name = "renamed".to_owned();
        after.enabled = false;
        after.key_hash = "new".to_owned();
        after.signature_secret = Some("s3cret".to_owned());
        let settings = json!({"token": "t1p", "strict": true});
        after.settings = Settings::new(settings.as_object().cloned().unwrap());
        after.service.name = "renamed too".to_owned();
        let entry = Entry::updated(&Actor::schedule(), &before, &after);
        let changes: Vec<_> = entry
            .changes
            .iter()
            .map(|one| (one.field.as_str(), one.from.as_deref(), one.to.as_deref()))
            .collect();
        assert_eq!(
            changes,
            [
                ("enabled", Some("true"), Some("false")),
                ("key", None, Some("changed")),
                ("name", Some("webhook"), Some("renamed")),
                ("settings.old", None, Some("removed")),
                ("settings.strict", Some("false"), Some("true")),
                ("settings.token", None, Some("changed")),
                ("signatureSecret", None, Some("set")),
            ]
        );
        assert_eq!(entry.action, "integration.updated");
        assert!(Entry::updated(&Actor::schedule(), &after, &after).is_empty());
        assert!(!Entry::created(&Actor::schedule(), &after).is_empty());
    }
}
