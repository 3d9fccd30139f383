//! What a body may say of a service, and how a service is shown.

use common::{
    alert::Urgency,
    http::fields::{Field, Fields},
    id::ServiceId,
    integration::Service,
    limits,
    service_options::MaintenanceWindow,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What a body says of a service.
pub(crate) struct Given {
    pub(crate) name: Field<String>,
    description: Option<Option<String>>,
    windows: Option<Option<Vec<MaintenanceWindow>>>,
    auto_resolve: Option<Option<u64>>,
    urgency: Option<Option<Urgency>>,
}

/// What becomes of maintenance windows that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// Somebody mistyped: 400.
    Refused,
    /// They were right when the document was written.
    Dropped,
}

impl Given {
    /// Reads the fields; problems are noted in them.
    pub(crate) fn read(fields: &mut Fields, now: Timestamp, past: Past) -> Self {
        Self {
            name: fields.line("name", limits::NAME_CHARS),
            description: fields
                .block("description", limits::DESCRIPTION_CHARS)
                .change(),
            windows: windows(fields, now, past).change(),
            auto_resolve: fields
                .number("autoResolveAfterHours", 1..=limits::AUTO_RESOLVE_HOURS_MAX)
                .change(),
            urgency: fields
                .word("defaultUrgency", "HIGH, MEDIUM or LOW", Urgency::from_word)
                .change(),
        }
    }

    /// The service with what is given; windows that are over are gone.
    pub(crate) fn apply(&self, service: &Service, now: Timestamp) -> Service {
        let mut after = service.clone();
        if let Field::Value(name) = &self.name {
            after.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            after.description.clone_from(description);
        }
        if let Some(windows) = &self.windows {
            after.options.maintenance_windows = windows.clone().unwrap_or_default();
        }
        if let Some(hours) = self.auto_resolve {
            after.options.auto_resolve_after_hours = hours;
        }
        if let Some(urgency) = self.urgency {
            after.options.default_urgency = urgency;
        }
        after.options = after.options.pruned(now);
        after
    }
}

fn windows(fields: &mut Fields, now: Timestamp, past: Past) -> Field<Vec<MaintenanceWindow>> {
    let name = "maintenanceWindows";
    let given = fields.objects(name, limits::MAINTENANCE_WINDOWS);
    let given = match given {
        Field::Absent => return Field::Absent,
        Field::Null => return Field::Null,
        Field::Value(given) => given,
    };
    let mut windows = Vec::with_capacity(given.len());
    for (index, mut entry) in given.into_iter().enumerate() {
        windows.extend(window(&mut entry, now, past));
        fields.absorb(&format!("{name}[{index}]"), entry);
    }
    Field::Value(windows)
}

fn window(fields: &mut Fields, now: Timestamp, past: Past) -> Option<MaintenanceWindow> {
    let expected = "an RFC 3339 timestamp";
    let from = fields.word("from", expected, Timestamp::parse_rfc3339);
    let from = fields.required("from", from);
    let until = fields.word("until", expected, Timestamp::parse_rfc3339);
    let until = fields.required("until", until);
    let reason = fields
        .line("reason", limits::MAINTENANCE_REASON_CHARS)
        .value();
    let (from, until) = (from?, until?);
    if until <= from {
        fields.problem("until", "must be after from");
    } else if until <= now && past == Past::Refused {
        fields.problem("until", "must be in the future");
    }
    Some(MaintenanceWindow {
        from,
        until,
        reason,
    })
}

/// A service.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Service, example = json!({
    "id": "svc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "name": "checkout", "description": null,
    "maintenanceWindows": [{"from": "2026-01-17T22:00:00.000Z", "until": "2026-01-18T02:00:00.000Z", "reason": "database upgrade"}],
    "autoResolveAfterHours": 24, "defaultUrgency": null,
    "createdAt": "2026-01-15T10:30:00.000Z", "updatedAt": "2026-01-15T10:30:00.000Z"
}))]
pub(crate) struct ServiceView {
    id: ServiceId,
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Those that are not over.
    maintenance_windows: Vec<MaintenanceWindow>,
    /// Hours without an alert after which an incident is over.
    #[schema(required)]
    auto_resolve_after_hours: Option<u64>,
    /// The urgency of every incident that an alert opens.
    #[schema(required)]
    default_urgency: Option<Urgency>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A service as callers see it.
pub(crate) fn view(service: &Service, now: Timestamp) -> ServiceView {
    let options = service.options.clone().pruned(now);
    ServiceView {
        id: service.id,
        name: service.name.clone(),
        description: service.description.clone(),
        maintenance_windows: options.maintenance_windows,
        auto_resolve_after_hours: options.auto_resolve_after_hours,
        default_urgency: options.default_urgency,
        created_at: service.created_at,
        updated_at: service.updated_at,
    }
}
