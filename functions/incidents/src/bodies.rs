//! What the handlers read, as the document describes it. They read field by
//! field, to tell every problem at once; the contract tests hold these to it.

#![expect(dead_code, reason = "only described")]

use common::{
    alert::Urgency,
    id::{IncidentId, ServiceId},
    incident::Status,
    limits,
    openapi::schemas::{line, optional_block, optional_line, optional_number},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use crate::patch;

/// The incident of the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IncidentPath {
    id: IncidentId,
}

/// Which incidents, and how many.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only incidents of these statuses, separated by commas; `unresolved` for
    /// all but RESOLVED.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Only incidents of this service.
    #[param(rename = "serviceId")]
    service_id: Option<ServiceId>,
    /// Only incidents of this urgency.
    urgency: Option<Urgency>,
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `nextCursor` of an earlier answer.
    cursor: Option<String>,
}

fn statuses() -> utoipa::openapi::Schema {
    let words = Status::ALL.map(Status::as_str).join("|");
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .pattern(Some(format!("^(unresolved|({words})(,({words}))*)$")))
        .into()
}

/// Who is to work on an incident.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAssignee)]
pub(crate) struct Assignee {
    #[schema(schema_with = line::<{ limits::NAME_CHARS }>)]
    name: String,
    #[schema(schema_with = optional_line::<254>)]
    email: Option<String>,
}

/// An incident to open.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"title": "Checkout is slow", "serviceId": "svc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "urgency": "HIGH", "priority": "P2", "assignee": {"name": "Ada", "email": "ada@example.com"}}))]
pub(crate) struct NewIncident {
    #[schema(schema_with = line::<{ limits::TITLE_CHARS }>)]
    title: String,
    service_id: ServiceId,
    urgency: Urgency,
    #[schema(schema_with = optional_block::<{ limits::DESCRIPTION_CHARS }>)]
    description: Option<String>,
    #[schema(schema_with = optional_line::<{ patch::PRIORITY_CHARS }>)]
    priority: Option<String>,
    assignee: Option<Assignee>,
}

/// What is to change of an incident: any of these. What is left out stays, and
/// `null` takes a description, priority or assignee away.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(
    json!({"status": "ACKNOWLEDGED", "note": "Looking into it."}),
    json!({"status": "SNOOZED", "snoozeMinutes": 30}),
    json!({"urgency": "LOW", "assignee": null})
))]
pub(crate) struct IncidentChange {
    #[schema(nullable = false)]
    status: Option<Status>,
    /// With the status SNOOZED, instead of `snoozeMinutes`: a moment in the
    /// future, at most 30 days ahead.
    snoozed_until: Option<Timestamp>,
    /// With the status SNOOZED, instead of `snoozedUntil`: at most 30 days.
    #[schema(schema_with = optional_number::<1, { patch::SNOOZE_MINUTES }>)]
    snooze_minutes: Option<u64>,
    #[schema(schema_with = line::<{ limits::TITLE_CHARS }>)]
    title: Option<String>,
    #[schema(schema_with = optional_block::<{ limits::DESCRIPTION_CHARS }>)]
    description: Option<String>,
    #[schema(nullable = false)]
    urgency: Option<Urgency>,
    #[schema(schema_with = optional_line::<{ patch::PRIORITY_CHARS }>)]
    priority: Option<String>,
    assignee: Option<Assignee>,
    /// For the timeline; receivers do not get it.
    #[schema(schema_with = optional_block::<{ limits::NOTE_CHARS }>)]
    note: Option<String>,
}
