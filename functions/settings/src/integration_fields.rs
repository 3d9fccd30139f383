//! What a body may say of an integration.

use common::{
    crypto,
    http::fields::{Field, Fields},
    id::IntegrationId,
    incident::ServiceRef,
    integration::{Integration, Settings},
    limits, provider,
    time::Timestamp,
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, Schema, Type, schema::SchemaType};

/// Requests taken in one minute where nothing else is said.
const DEFAULT_RATE_LIMIT: u32 = 1_000;
/// Highest rate limit that can be set, requests a minute.
pub(crate) const MAX_RATE_LIMIT: u64 = 100_000;
/// Length of a signature secret, characters.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 1..=256;

/// What a body may say of an integration.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub provider: Field<String>,
    pub name: Field<String>,
    pub enabled: Field<bool>,
    pub signature_secret: Field<String>,
    pub require_key: Field<bool>,
    pub settings: Field<Settings>,
    pub rate_limit: Field<u64>,
}

/// Reads every field of an integration.
pub(crate) fn read_fields(fields: &mut Fields) -> Given {
    Given {
        provider: fields.word("type", "the name of a provider", |name| {
            provider::is_provider(name).then(|| name.to_owned())
        }),
        name: fields.line("name", limits::NAME_CHARS),
        enabled: fields.flag("enabled"),
        signature_secret: fields.read("signatureSecret", |value| {
            let secret = value
                .as_str()
                .filter(|text| SECRET_CHARS.contains(&text.chars().count()));
            secret
                .map(str::to_owned)
                .ok_or_else(|| "expected text of 1 to 256 characters".to_owned())
        }),
        require_key: fields.flag("requireKey"),
        settings: fields.read("settings", |value| match value {
            Value::Object(options) if value_size(&options) <= limits::SETTINGS_BYTES => {
                Ok(Settings::new(options))
            }
            Value::Object(_) => Err(format!("expected at most {} bytes", limits::SETTINGS_BYTES)),
            _ => Err("expected an object".to_owned()),
        }),
        rate_limit: fields.number("rateLimitPerMinute", 1..=MAX_RATE_LIMIT),
    }
}

/// An integration of which nothing is said yet, without a key.
pub(crate) fn blank(id: IntegrationId, service: ServiceRef, now: Timestamp) -> Integration {
    Integration {
        id,
        service,
        provider: String::new(),
        name: String::new(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::default(),
        rate_limit_per_minute: DEFAULT_RATE_LIMIT,
        key_hash: String::new(),
        service_options: Default::default(),
        service_revision: 0,
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}

/// Puts what a body says into an integration; its type stays.
pub(crate) fn apply(integration: &mut Integration, given: Given) {
    if let Some(name) = given.name.value() {
        integration.name = name;
    }
    if let Some(enabled) = given.enabled.value() {
        integration.enabled = enabled;
    }
    if let Some(secret) = given.signature_secret.change() {
        integration.signature_secret = secret;
    }
    if let Some(require_key) = given.require_key.value() {
        integration.require_key = require_key;
    }
    if let Some(settings) = given.settings.change() {
        integration.settings = settings.unwrap_or_default();
    }
    if let Some(limit) = given.rate_limit.change() {
        integration.rate_limit_per_minute = rate_limit(limit);
    }
}

/// Notes what cannot be changed of an integration: its type, and what has no
/// `null`.
pub(crate) fn must_be_change_of(fields: &mut Fields, given: &Given, integration: &Integration) {
    for (name, is_null) in [
        ("type", given.provider == Field::Null),
        ("name", given.name == Field::Null),
        ("enabled", given.enabled == Field::Null),
        ("requireKey", given.require_key == Field::Null),
    ] {
        if is_null {
            fields.problem(name, "cannot be null");
        }
    }
    let wanted = given.provider.clone().value();
    if wanted.is_some_and(|provider| provider != integration.provider) {
        fields.problem("type", "cannot be changed; create another integration");
    }
}

/// Gives an integration a new key, which it only keeps the digest of.
pub(crate) fn new_key(integration: &mut Integration) -> String {
    let key = crypto::new_integration_key();
    set_key(integration, &key);
    key
}

pub(crate) fn set_key(integration: &mut Integration, key: &str) {
    integration.key_hash = crypto::sha256_hex(key.as_bytes());
}

fn value_size(options: &serde_json::Map<String, Value>) -> usize {
    serde_json::to_string(options).map_or(usize::MAX, |text| text.len())
}

fn rate_limit(given: Option<u64>) -> u32 {
    given
        .and_then(|limit| u32::try_from(limit).ok())
        .unwrap_or(DEFAULT_RATE_LIMIT)
}

/// The names of all providers.
pub(crate) fn provider_name() -> Schema {
    let names = provider::PROVIDERS.iter().map(|(name, _)| *name);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .into()
}

/// The same, or `null`.
pub(crate) fn optional_provider_name() -> Schema {
    let names = provider::PROVIDERS.iter().map(|(name, _)| Some(*name));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(names.chain([None])))
        .into()
}
