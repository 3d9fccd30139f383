//! What wraps the answers.

use common::{integration::Service, store::RequestRecord};
use utoipa::ToSchema;

use crate::{
    deliveries::DeliveryView, integrations::IntegrationView, webhook_health::TimelineEntry,
    webhooks::WebhookView,
};

/// Every service.
#[derive(ToSchema)]
pub(crate) struct ServiceList {
    services: Vec<Service>,
}

/// A service.
#[derive(ToSchema)]
pub(crate) struct ServiceAnswer {
    service: Service,
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
