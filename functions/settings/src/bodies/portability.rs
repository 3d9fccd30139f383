//! The document of export and import.

use std::collections::BTreeMap;

use common::{
    alert::Urgency,
    event::EventName,
    id::{IntegrationId, ServiceId, WebhookId},
    incident::ServiceRef,
    limits,
    openapi::schemas::{line, optional_block, optional_line, optional_number, optional_text},
    service_options::MaintenanceWindow,
    webhook::{Filter, Format, Ordering},
};
use utoipa::{IntoParams, ToSchema};

use super::NewMaintenance;
use crate::{
    integration_fields,
    portability::{Action, Kind},
};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Also what is hidden otherwise; this needs `settings:write`.
    secrets: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Only says what would be done.
    #[param(rename = "dryRun")]
    dry_run: Option<bool>,
    /// Deletes what the document does not name, of the lists that it has.
    prune: Option<bool>,
}

/// Services, integrations and webhooks, as a file to keep.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exported {
    #[schema(minimum = 1, maximum = 1)]
    version: u64,
    /// Whether secrets are in it.
    secrets: bool,
    /// What no document can hold.
    not_included: Vec<String>,
    services: Vec<ExportedService>,
    integrations: Vec<ExportedIntegration>,
    webhooks: Vec<ExportedWebhook>,
}

/// A service of the document.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportedService {
    id: ServiceId,
    name: String,
    #[schema(required)]
    description: Option<String>,
    maintenance_windows: Vec<MaintenanceWindow>,
    #[schema(required)]
    auto_resolve_after_hours: Option<u64>,
    #[schema(required)]
    default_urgency: Option<Urgency>,
}

/// An integration of the document.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportedIntegration {
    id: IntegrationId,
    service: ServiceRef,
    #[serde(rename = "type")]
    #[schema(schema_with = integration_fields::provider_name)]
    provider: String,
    name: String,
    enabled: bool,
    has_signature_secret: bool,
    /// With secrets only.
    signature_secret: Option<String>,
    require_key: bool,
    #[schema(value_type = Object)]
    settings: BTreeMap<String, String>,
    rate_limit_per_minute: u32,
}

/// A webhook of the document.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportedWebhook {
    id: WebhookId,
    name: String,
    url: String,
    events: Vec<EventName>,
    enabled: bool,
    /// With secrets only.
    #[schema(nullable = false)]
    secret: Option<String>,
    format: Format,
    #[schema(required)]
    template: Option<String>,
    filter: Filter,
    /// Values with secrets only, else `null`.
    headers: BTreeMap<String, Option<String>>,
    ordering: Ordering,
}

/// What there is to be: lists that are left out stay as they are.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Configuration, example = json!({
    "version": 1,
    "services": [{"name": "checkout"}],
    "integrations": [{"service": {"name": "checkout"}, "type": "prometheus", "name": "Alertmanager"}],
    "webhooks": [{"name": "pager", "url": "https://example.com/hook", "events": ["incident.created"], "filter": {"services": ["checkout"]}}]
}))]
pub(crate) struct Imported {
    #[schema(minimum = 1, maximum = 1)]
    version: u64,
    /// Said by an export, and not used.
    secrets: Option<bool>,
    /// The same; it may be anything.
    not_included: Option<serde_json::Value>,
    services: Option<Vec<ImportedService>>,
    integrations: Option<Vec<ImportedIntegration>>,
    webhooks: Option<Vec<ImportedWebhook>>,
}

/// A service: the one with this id, else the only one of this name, else a
/// new one.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportedService {
    id: Option<ServiceId>,
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    #[schema(schema_with = optional_block::<{ limits::DESCRIPTION_CHARS }>)]
    description: Option<String>,
    #[schema(max_items = 26)]
    maintenance_windows: Option<Vec<NewMaintenance>>,
    #[schema(schema_with = optional_number::<1, { limits::AUTO_RESOLVE_HOURS_MAX }>)]
    auto_resolve_after_hours: Option<u64>,
    default_urgency: Option<Urgency>,
}

/// The service of an integration: by its id, else by its name.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportedServiceRef {
    id: Option<ServiceId>,
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
}

/// An integration: the one with this id, else the service's only one of this
/// name, else a new one.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportedIntegration {
    id: Option<IntegrationId>,
    service: Option<ImportedServiceRef>,
    #[serde(rename = "type")]
    #[schema(schema_with = integration_fields::optional_provider_name)]
    provider: Option<String>,
    #[schema(schema_with = optional_line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    enabled: Option<bool>,
    #[schema(schema_with = optional_text::<1, 256>)]
    signature_secret: Option<String>,
    /// Where it is `true` without a `signatureSecret`, a new integration gets
    /// a generated one.
    has_signature_secret: Option<bool>,
    require_key: Option<bool>,
    #[schema(value_type = Option<Object>)]
    settings: Option<BTreeMap<String, String>>,
    #[schema(schema_with = optional_number::<1, { integration_fields::MAX_RATE_LIMIT }>)]
    rate_limit_per_minute: Option<u64>,
}

/// Which incidents a webhook hears of; services by id, by name, or both.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportedFilter {
    #[schema(max_items = 100)]
    service_ids: Option<Vec<ServiceId>>,
    #[schema(max_items = 100)]
    services: Option<Vec<String>>,
    #[schema(max_items = 100)]
    urgencies: Option<Vec<Urgency>>,
}

/// A webhook: the one with this id, else the only one of this name, else a
/// new one.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportedWebhook {
    id: Option<WebhookId>,
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: Option<String>,
    #[schema(format = "uri", max_length = 2048, nullable = false)]
    url: Option<String>,
    #[schema(min_items = 1, max_items = 100, nullable = false)]
    events: Option<Vec<EventName>>,
    enabled: Option<bool>,
    #[schema(schema_with = optional_text::<16, 256>)]
    secret: Option<String>,
    format: Option<Format>,
    #[schema(schema_with = optional_text::<1, { limits::TEMPLATE_BYTES }>)]
    template: Option<String>,
    filter: Option<ImportedFilter>,
    /// `null` for a value that stays as it is.
    headers: Option<BTreeMap<String, Option<String>>>,
    ordering: Option<Ordering>,
}

/// What an import did, or would do.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportOutcome, example = json!({
    "dryRun": true, "complete": true,
    "counts": {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "deleted": 0, "pending": 0, "failed": 0},
    "items": [{"kind": "service", "name": "checkout", "action": "created", "path": "services[0]"}]
}))]
pub(crate) struct ImportOutcome {
    dry_run: bool,
    /// Whether nothing is left to do; else send the document again.
    complete: bool,
    /// How many items each action was taken with.
    counts: BTreeMap<String, u64>,
    items: Vec<ImportedItem>,
}

/// An item and what became of it.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportedItem {
    kind: Kind,
    name: String,
    action: Action,
    #[schema(nullable = false)]
    id: Option<String>,
    /// Where it stands in the document; absent where it does not.
    #[schema(nullable = false)]
    path: Option<String>,
    /// Why it is skipped, pending or failed.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The fields that change.
    #[schema(nullable = false)]
    changes: Option<Vec<String>>,
    /// What somebody has to see to.
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
    /// Where a new integration takes alerts.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The key of a new integration, shown here only.
    #[schema(nullable = false)]
    key: Option<String>,
    /// What was generated for a new integration, shown here only.
    #[schema(nullable = false)]
    signature_secret: Option<String>,
    /// What was generated for a new webhook, shown here only.
    #[schema(nullable = false)]
    secret: Option<String>,
}
