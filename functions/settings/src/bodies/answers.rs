//! What wraps the answers.

use common::store::RequestRecord;
use utoipa::ToSchema;

use crate::{
    api_keys::ApiKeyView, audit::AuditEntry, deliveries::DeliveryView,
    integrations::IntegrationView, service_fields::ServiceView, webhook_health::TimelineEntry,
    webhooks::WebhookView,
};

/// Every service.
#[derive(ToSchema)]
pub(crate) struct ServiceList {
    services: Vec<ServiceView>,
}

/// A service.
#[derive(ToSchema)]
pub(crate) struct ServiceAnswer {
    service: ServiceView,
}

/// The integrations of a service.
#[derive(ToSchema)]
pub(crate) struct IntegrationList {
    integrations: Vec<IntegrationView>,
}

/// An integration.
#[derive(ToSchema)]
pub(crate) struct IntegrationAnswer {
    integration: IntegrationView,
}

/// The requests that an integration received last: at most 100.
#[derive(ToSchema)]
pub(crate) struct ReceivedRequests {
    requests: Vec<RequestRecord>,
}

/// Every webhook.
#[derive(ToSchema)]
pub(crate) struct WebhookList {
    webhooks: Vec<WebhookView>,
}

/// A webhook.
#[derive(ToSchema)]
pub(crate) struct WebhookAnswer {
    webhook: WebhookView,
}

/// What happened to a webhook.
#[derive(ToSchema)]
pub(crate) struct WebhookTimeline {
    timeline: Vec<TimelineEntry>,
}

/// A page of deliveries.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A delivery.
#[derive(ToSchema)]
pub(crate) struct DeliveryAnswer {
    delivery: DeliveryView,
}

/// What a readiness check looks at.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthChecks {
    /// The table answers.
    table: HealthCheck,
    /// The delivery queue answers.
    queue: HealthCheck,
    /// The dead-letter queue answers; how much is in it is no failure.
    dead_letters: HealthCheck,
    /// Events are fanned out in time.
    fan_out: HealthCheck,
    /// Deliveries are attempted in time.
    delivery: HealthCheck,
}

/// What one check found.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthCheck {
    #[schema(inline)]
    status: HealthWord,
    /// Why it fails.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Deliveries that wait.
    #[schema(nullable = false)]
    ready: Option<u64>,
    /// Deliveries that are being tried, or wait for their next attempt.
    #[schema(nullable = false)]
    in_flight: Option<u64>,
    /// Deliveries that were given up.
    #[schema(nullable = false)]
    depth: Option<u64>,
    /// How long the oldest one has waited.
    oldest_seconds: Option<u64>,
}

/// Whether a check passed.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum HealthWord {
    Ok,
    Failing,
}

/// A page of API keys.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyList {
    api_keys: Vec<ApiKeyView>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// An API key.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyAnswer {
    api_key: ApiKeyView,
}

/// An API key and its token.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyCreated {
    api_key: ApiKeyView,
    /// What `Authorization: Bearer` takes; it is shown here only.
    #[schema(pattern = "^ok_[0-9A-Za-z]+$")]
    token: String,
}

/// A page of the audit log.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditLog {
    entries: Vec<AuditEntry>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}
