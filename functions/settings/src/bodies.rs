//! What the handlers read, as the document describes it, and what wraps their
//! answers. They read field by field, to tell every problem at once; the
//! contract tests hold these to it.

#![expect(dead_code, reason = "only described")]

mod answers;
mod paths;
mod portability;

use std::collections::BTreeMap;

use common::{
    alert::Urgency,
    api_key::Scope,
    event::EventName,
    id::ServiceId,
    limits,
    openapi::schemas::{line, optional_block, optional_line, optional_number, optional_text},
    time::Timestamp,
    webhook::{DeliveryStatus, Format, Ordering},
};
use utoipa::ToSchema;

use crate::{
    integration_fields,
    webhook_fields::{HEADER_BYTES, HEADERS},
};

pub(crate) use answers::*;
pub(crate) use paths::*;
pub(crate) use portability::*;

/// A service to make.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "checkout", "description": "The web shop's till."}))]
pub(crate) struct NewService {
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: String,
    #[schema(schema_with = optional_block::<{ limits::DESCRIPTION_CHARS }>)]
    description: Option<String>,
    /// Incidents that alerts open in these are suppressed from the start; at
    /// most 26.
    #[schema(max_items = 26)]
    maintenance_windows: Option<Vec<NewMaintenance>>,
    /// Hours without an alert after which an incident is over, where its
    /// integration says nothing else.
    #[schema(schema_with = optional_number::<1, { limits::AUTO_RESOLVE_HOURS_MAX }>)]
    auto_resolve_after_hours: Option<u64>,
    /// The urgency of every incident that an alert opens, whatever its severity.
    default_urgency: Option<Urgency>,
}

/// What is to change of a service; what is left out stays.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"description": "The web shop's till, and its refunds."}))]
pub(crate) struct ServiceChange {
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    #[schema(schema_with = optional_block::<{ limits::DESCRIPTION_CHARS }>)]
    description: Option<String>,
    /// Incidents that alerts open in these are suppressed from the start; at
    /// most 26.
    #[schema(max_items = 26)]
    maintenance_windows: Option<Vec<NewMaintenance>>,
    /// Hours without an alert after which an incident is over, where its
    /// integration says nothing else.
    #[schema(schema_with = optional_number::<1, { limits::AUTO_RESOLVE_HOURS_MAX }>)]
    auto_resolve_after_hours: Option<u64>,
    /// The urgency of every incident that an alert opens, whatever its severity.
    default_urgency: Option<Urgency>,
}

/// A time during which new incidents are expected.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMaintenance {
    from: Timestamp,
    /// After `from`, and in the future.
    until: Timestamp,
    #[schema(schema_with = optional_line::<{ limits::MAINTENANCE_REASON_CHARS }>)]
    reason: Option<String>,
}

/// An integration to make.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"type": "prometheus", "name": "Alertmanager", "requireKey": false, "rateLimitPerMinute": 1000}))]
pub(crate) struct NewIntegration {
    #[serde(rename = "type")]
    #[schema(schema_with = integration_fields::provider_name)]
    provider: String,
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: String,
    /// Whether it takes alerts; `true` where nothing is said.
    enabled: Option<bool>,
    /// Makes the provider's own signature or token mandatory.
    #[schema(schema_with = optional_text::<1, 256>)]
    signature_secret: Option<String>,
    /// Makes the integration key mandatory.
    require_key: Option<bool>,
    /// Options of the provider, at most 16 KiB; its page under
    /// `docs/integrations` names them.
    #[schema(value_type = Option<Object>)]
    settings: Option<BTreeMap<String, String>>,
    /// Requests taken in one minute; 1,000 where nothing is said.
    #[schema(schema_with = optional_number::<1, { integration_fields::MAX_RATE_LIMIT }>)]
    rate_limit_per_minute: Option<u64>,
}

/// What is to change of an integration; what is left out stays, and `null`
/// takes the secret or the settings away, or brings the rate limit's default.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub(crate) struct IntegrationChange {
    /// Cannot change: only the same again is taken.
    #[serde(rename = "type")]
    #[schema(schema_with = integration_fields::optional_provider_name)]
    provider: Option<String>,
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    enabled: Option<bool>,
    #[schema(schema_with = optional_text::<1, 256>)]
    signature_secret: Option<String>,
    require_key: Option<bool>,
    #[schema(value_type = Option<Object>)]
    settings: Option<BTreeMap<String, String>>,
    #[schema(schema_with = optional_number::<1, { integration_fields::MAX_RATE_LIMIT }>)]
    rate_limit_per_minute: Option<u64>,
}

/// Which incidents a webhook hears of; empty lists, or none, let everything pass.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewFilter {
    #[schema(max_items = 100)]
    service_ids: Option<Vec<ServiceId>>,
    #[schema(max_items = 100)]
    urgencies: Option<Vec<Urgency>>,
}

/// A webhook to make.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "pager", "url": "https://example.com/hook", "events": ["incident.created", "incident.resolved"], "filter": {"urgencies": ["HIGH"]}, "headers": {"X-Team": "checkout"}}))]
pub(crate) struct NewWebhook {
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: String,
    /// Where events are posted: https, a host with public addresses only,
    /// without user name and password, port 443 or from 1024 on.
    #[schema(format = "uri", max_length = 2048)]
    url: String,
    #[schema(min_items = 1, max_items = 100)]
    events: Vec<EventName>,
    /// `true` where nothing is said.
    enabled: Option<bool>,
    /// Signs the deliveries; generated where nothing is said.
    #[schema(schema_with = optional_text::<16, 256>)]
    secret: Option<String>,
    /// `opsknight` where nothing is said.
    format: Option<Format>,
    /// Makes the body of the format `template`, and goes with it only; see
    /// `docs/formats.md`.
    #[schema(schema_with = optional_text::<1, { limits::TEMPLATE_BYTES }>)]
    template: Option<String>,
    filter: Option<NewFilter>,
    /// Sent with every delivery: at most 20, values of at most 4,096 bytes,
    /// none of the headers that we set.
    #[schema(schema_with = custom_headers)]
    headers: Option<BTreeMap<String, String>>,
    /// `incident` where nothing is said.
    ordering: Option<Ordering>,
}

/// What is to change of a webhook; what is left out stays, and `null` takes
/// the filter, the headers or the template away.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({"enabled": true}), json!({"events": ["incident.created"], "filter": null})))]
pub(crate) struct WebhookChange {
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    #[schema(format = "uri", max_length = 2048)]
    url: Option<String>,
    #[schema(min_items = 1, max_items = 100)]
    events: Option<Vec<EventName>>,
    enabled: Option<bool>,
    #[schema(schema_with = optional_text::<16, 256>)]
    secret: Option<String>,
    format: Option<Format>,
    #[schema(schema_with = optional_text::<1, { limits::TEMPLATE_BYTES }>)]
    template: Option<String>,
    filter: Option<NewFilter>,
    #[schema(schema_with = custom_headers)]
    headers: Option<BTreeMap<String, String>>,
    ordering: Option<Ordering>,
}

/// What a preview is to show.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"format": "slack", "event": "incident.created"}))]
pub(crate) struct PreviewWanted {
    format: Format,
    #[schema(schema_with = optional_text::<1, { limits::TEMPLATE_BYTES }>)]
    template: Option<String>,
    /// `incident.created` where nothing is said.
    event: Option<EventName>,
    /// The webhook's URL: Telegram's names the chat.
    url: Option<String>,
}

/// A rotation of a webhook's secret.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"overlapSeconds": 3600}))]
pub(crate) struct RotationWanted {
    /// How long the old secret signs beside the new one; a day where nothing
    /// is said, and with 0 every older secret is void at once.
    #[schema(schema_with = optional_number::<0, { limits::SECRET_OVERLAP_MAX_SECONDS }>)]
    overlap_seconds: Option<u64>,
    /// The new secret; generated where nothing is said.
    #[schema(schema_with = optional_text::<16, 256>)]
    secret: Option<String>,
}

/// A test of a webhook.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"event": "incident.resolved"}))]
pub(crate) struct TestWanted {
    /// The webhook's first one where nothing is said.
    event: Option<EventName>,
}

/// The deliveries to queue anew.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"since": "2026-01-15T10:00:00.000Z", "until": "2026-01-15T12:00:00.000Z", "dryRun": true}))]
pub(crate) struct RecoveryWanted {
    /// The time of the first event.
    since: Timestamp,
    /// The time of the last event; now where nothing is said.
    until: Option<Timestamp>,
    /// FAILED where nothing is said.
    #[schema(schema_with = finished_statuses)]
    statuses: Option<Vec<DeliveryStatus>>,
    /// Only counts them.
    dry_run: Option<bool>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}

fn custom_headers() -> utoipa::openapi::Schema {
    use utoipa::openapi::{ObjectBuilder, Type, schema::SchemaType};
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[0-9A-Za-z!#$%&'*+.^_`|~-]+$"));
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[\t\x20-\x7e]*$"))
        .max_length(Some(HEADER_BYTES));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property_names(Some(name.build()))
        .additional_properties(Some(value))
        .max_properties(Some(HEADERS))
        .into()
}

fn finished_statuses() -> utoipa::openapi::Schema {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Type, schema::SchemaType};
    let words = [DeliveryStatus::Failed, DeliveryStatus::Skipped].map(DeliveryStatus::as_str);
    let word = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(word.build())
        .max_items(Some(2))
        .into()
}

/// An API key to make.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "deploy pipeline", "scopes": ["events:write"]}))]
pub(crate) struct NewApiKey {
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: String,
    #[schema(min_items = 1, max_items = 5)]
    scopes: Vec<Scope>,
    /// In the future; for ever where nothing is said, as far as the key that
    /// makes it goes.
    expires_at: Option<Timestamp>,
}
