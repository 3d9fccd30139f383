//! Intake as the document describes it: one description for all providers.

use utoipa::{
    IntoParams, OpenApi, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    Errors,
    errors::{Flood, FloodOf503, IntakeBody, IntegrationId as ById, OtherMethod, Sender},
};
use crate::{id::IntegrationId, intake::AlertResult, provider};

/// The part of the document about `/api/integrations/{provider}`.
#[derive(Debug, OpenApi)]
#[openapi(paths(receive, receive_by_get, receive_by_put))]
pub struct IntakeApi;

/// A provider of the common pipeline; `pagerduty` has an address of its own.
struct Provider;

impl PartialSchema for Provider {
    fn schema() -> RefOr<Schema> {
        let names = provider::PROVIDERS.iter().map(|(name, _)| *name);
        let names = names.filter(|name| *name != "pagerduty");
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for Provider {}

/// What the query of an intake address carries.
#[expect(dead_code, reason = "only described")]
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Credential {
    /// The integration: unguessable, and the credential where nothing else is
    /// asked for.
    #[param(rename = "integrationId")]
    integration_id: IntegrationId,
}

/// The answer to alerts that were taken.
#[expect(dead_code, reason = "only described; the pipeline writes it")]
#[derive(Debug, ToSchema)]
pub struct AlertAccepted {
    #[schema(pattern = "^success$")]
    status: String,
    /// The first of `results`.
    result: AlertResult,
    /// What became of each alert of the body, in its order.
    #[schema(min_items = 1)]
    results: Vec<AlertResult>,
}

/// Send alerts
///
/// The body is what the tool sends; its page under `docs/integrations` says
/// how to set it up. What is taken is stored before it is answered. A body of
/// unknown shape from an authenticated sender is `ignored`, kept in the
/// integration's request log and told about with one LOW incident.
///
/// A signature secret of the integration makes the tool's own signature or
/// token mandatory; `requireKey` makes the integration key mandatory, in any
/// of the forms of the security schemes.
#[utoipa::path(
    post,
    path = "/api/integrations/{provider}",
    operation_id = "sendAlerts",
    tag = "Intake",
    params(("provider" = inline(Provider), Path, description = "The integration's type."), Credential),
    request_body(
        description = "What the tool sends, up to 5 MiB.",
        content(
            (Value = "application/json", examples(
                ("webhook" = (summary = "Any tool, through `webhook`", value = json!({"title": "Disk full on db-1", "severity": "critical", "source": "db-1", "dedup_key": "disk-db-1", "status": "triggered"}))),
                ("prometheus" = (summary = "Alertmanager, through `prometheus`", value = json!({"version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "status": "firing", "receiver": "opsknight", "alerts": [{"status": "firing", "labels": {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"}, "annotations": {"summary": "Disk full on db-1"}, "startsAt": "2026-01-15T10:30:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "b4d1e5f0c3a29687"}]})))
            )),
            (String = "application/x-www-form-urlencoded"),
            (String = "text/plain")
        )
    ),
    responses(
        (status = 200, description = "Every alert is stored, or ignored for a reason.", body = AlertAccepted,
            headers(
                ("X-RateLimit-Remaining" = u32, description = "Requests that the integration has left in this minute."),
                ("X-RateLimit-Reset" = u64, description = "When the minute ends, in unix seconds.")
            ),
            example = json!({"status": "success", "result": {"action": "triggered", "dedupKey": "webhook:key=disk-db-1", "severity": "critical", "incident": {"id": "inc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "title": "Disk full on db-1", "status": "OPEN", "urgency": "HIGH"}}, "results": [{"action": "triggered", "dedupKey": "webhook:key=disk-db-1", "severity": "critical", "incident": {"id": "inc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "title": "Disk full on db-1", "status": "OPEN", "urgency": "HIGH"}}]})
        ),
        Errors::<(IntakeBody, ById, Sender, Flood, FloodOf503)>,
    ),
    security(("integrationId" = []), ("integrationId" = [], "integrationKeyBearer" = []), ("integrationId" = [], "integrationKeyToken" = []), ("integrationId" = [], "integrationKeyBasic" = []), ("integrationId" = [], "integrationKeyHeader" = []), ("integrationId" = [], "integrationKeyApiHeader" = []), ("integrationId" = [], "integrationKeyQuery" = []))
)]
#[expect(dead_code, reason = "only described")]
fn receive() {}

/// Send alerts in the query
///
/// For the tools that can do so only. Answers as POST does.
#[utoipa::path(
    get,
    path = "/api/integrations/{provider}",
    operation_id = "sendAlertsInQuery",
    tag = "Intake",
    params(("provider" = inline(Provider), Path, description = "The integration's type."), Credential),
    responses(
        (status = 200, description = "Every alert is stored, or ignored for a reason.", body = AlertAccepted),
        Errors::<(IntakeBody, OtherMethod, ById, Sender, Flood)>,
    ),
    security(("integrationId" = []), ("integrationId" = [], "integrationKeyQuery" = []))
)]
#[expect(dead_code, reason = "only described")]
fn receive_by_get() {}

/// Send alerts with PUT
///
/// For the tools that can be set up so. Takes and answers what POST does.
#[utoipa::path(
    put,
    path = "/api/integrations/{provider}",
    operation_id = "putAlerts",
    tag = "Intake",
    params(("provider" = inline(Provider), Path, description = "The integration's type."), Credential),
    request_body(description = "What the tool sends, up to 5 MiB.", content((Value = "application/json"))),
    responses(
        (status = 200, description = "Every alert is stored, or ignored for a reason.", body = AlertAccepted),
        Errors::<(IntakeBody, OtherMethod, ById, Sender, Flood, FloodOf503)>,
    ),
    security(("integrationId" = []), ("integrationId" = [], "integrationKeyBearer" = []))
)]
#[expect(dead_code, reason = "only described")]
fn receive_by_put() {}
