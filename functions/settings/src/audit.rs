//! The audit log.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    audit::{Entry, Target},
    event::ActorKind,
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json, page,
    },
    id::AuditId,
    incident::FieldChange,
    openapi::{
        Errors,
        errors::{Paged, Query, Works},
    },
    store::AuditFilter,
    time::Timestamp,
};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{App, bodies};

/// Read the audit log
///
/// Who changed which setting, when, and from where; newest first. A page may hold
/// fewer than `limit` and still have a `nextCursor`: the work of a page is bounded.
#[utoipa::path(
    get,
    path = "/api/audit",
    operation_id = "listAudit",
    tag = "API keys and audit",
    params(bodies::AuditQuery),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "A page of entries.", body = bodies::AuditLog),
        Errors::<(Caller<SettingsRead>, Query, Paged, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let text = |name| query.get(name).map(str::to_owned);
    let time = |name| query.parsed(name, "a time in RFC 3339", Timestamp::parse_rfc3339);
    let filter = AuditFilter {
        actor: text("actor"),
        target: text("target"),
        action: text("action"),
        since: time("since")?,
        until: time("until")?,
    };
    let before = query.cursor(&cursors)?;
    let page = app.store.audit_log(&filter, before, query.limit()?).await?;
    let entries: Vec<AuditEntry> = page.entries.iter().map(view).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    let answer = json!({ "entries": entries, "nextCursor": next });
    Ok(json(StatusCode::OK, &answer))
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry, example = json!({
    "id": "aud_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "at": "2026-01-15T10:30:00.000Z",
    "actor": {"kind": "api", "id": null, "name": "admin", "address": "203.0.113.7"},
    "action": "webhook.updated", "target": {"type": "webhook", "id": "whk_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "name": "pager"},
    "changes": [{"field": "enabled", "from": "true", "to": "false"}]
}))]
pub(crate) struct AuditEntry {
    id: AuditId,
    at: Timestamp,
    actor: AuditActor,
    /// The kind of thing and a verb (`webhook.updated`).
    action: String,
    target: Target,
    /// What changed; secrets are never shown.
    changes: Vec<FieldChange>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
struct AuditActor {
    kind: ActorKind,
    #[schema(required)]
    id: Option<String>,
    name: String,
    /// Where it called from.
    #[schema(required, value_type = Option<String>)]
    address: Option<IpAddr>,
}

fn view(entry: &Entry) -> AuditEntry {
    let actor = &entry.actor;
    AuditEntry {
        id: entry.id,
        at: entry.at,
        actor: AuditActor {
            kind: actor.kind,
            id: actor.id.clone(),
            name: actor.name.clone(),
            address: actor.address,
        },
        action: entry.action.clone(),
        target: entry.target.clone(),
        changes: entry.changes.clone(),
    }
}
