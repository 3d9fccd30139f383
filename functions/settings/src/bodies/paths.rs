//! Paths and queries.

use common::{
    id::{ApiKeyId, DeliveryId, IncidentId, IntegrationId, ServiceId, WebhookId},
    time::Timestamp,
    webhook::DeliveryStatus,
};
use utoipa::{IntoParams, ToSchema};

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ServicePath {
    /// The service.
    id: ServiceId,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IntegrationPath {
    /// The service.
    id: ServiceId,
    /// The integration of this service.
    integration: IntegrationId,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct WebhookPath {
    /// The webhook.
    id: WebhookId,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeliveryPath {
    /// The webhook.
    id: WebhookId,
    /// The delivery to this webhook.
    delivery: DeliveryId,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// Only deliveries of this status.
    status: Option<DeliveryStatus>,
    /// Only deliveries of this incident's events.
    #[param(rename = "incidentId")]
    incident_id: Option<IncidentId>,
    /// The time of the first event.
    since: Option<Timestamp>,
    /// The time of the last event.
    until: Option<Timestamp>,
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HealthQuery {
    /// What is asked.
    #[param(inline)]
    mode: Option<HealthMode>,
}

/// What a health check asks.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum HealthMode {
    /// Whether it runs.
    Liveness,
    /// Whether the table and the queue answer.
    Readiness,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ApiKeyPath {
    /// The API key.
    id: ApiKeyId,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// An actor's identifier or name.
    actor: Option<String>,
    /// A thing's identifier, or a kind of things (`webhook`).
    target: Option<String>,
    /// What was done (`webhook.updated`).
    action: Option<String>,
    /// The first moment.
    since: Option<Timestamp>,
    /// The last moment.
    until: Option<Timestamp>,
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}
