//! The audit log.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    audit::Entry,
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json, page,
    },
    store::AuditFilter,
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::App;

/// `GET /api/audit`, newest first. `actor` and `target` are identifiers, or an
/// actor's name and a kind of thing; `since` and `until` are both included. A
/// page may hold fewer than `limit` and still have a `nextCursor`: the work of a
/// page is bounded.
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
    let entries: Vec<Value> = page.entries.iter().map(view).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    let answer = json!({ "entries": entries, "nextCursor": next });
    Ok(json(StatusCode::OK, &answer))
}

fn view(entry: &Entry) -> Value {
    let actor = &entry.actor;
    json!({
        "id": entry.id,
        "at": entry.at,
        "actor": {
            "kind": actor.kind,
            "id": actor.id,
            "name": actor.name,
            "address": actor.address,
        },
        "action": entry.action,
        "target": entry.target,
        "changes": entry.changes,
    })
}
