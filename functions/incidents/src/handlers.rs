//! The handlers: check the caller, read the request, ask the rules, answer.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    alert::Urgency,
    http::{
        ApiError,
        auth::{Caller, IncidentsRead, IncidentsWrite},
        body,
        fields::Fields,
        json, page,
    },
    id::{IncidentId, ServiceId},
    incident::Status,
    incidents::{ChangeError, NewIncident, Precondition},
    limits,
    store::IncidentFilter,
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::ETAG};
use serde_json::{Value, json};

use crate::{App, patch, view};

const STATUSES_EXPECTED: &str = "incident statuses, separated by commas, or unresolved";

/// `OPEN,ACKNOWLEDGED`, or `unresolved` for all but RESOLVED.
fn statuses(text: &str) -> Option<Vec<Status>> {
    if text == "unresolved" {
        let all = Status::ALL.into_iter();
        return Some(all.filter(|status| *status != Status::Resolved).collect());
    }
    let mut statuses = Vec::new();
    for word in text.split(',') {
        let status = Status::from_word(word)?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    Some(statuses)
}

/// `GET /api/incidents`
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<IncidentsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let filter = IncidentFilter {
        statuses: query
            .parsed("status", STATUSES_EXPECTED, statuses)?
            .unwrap_or_default(),
        service: query.parsed("serviceId", "a service id", |id| {
            id.parse::<ServiceId>().ok()
        })?,
        urgency: query.parsed("urgency", "HIGH, MEDIUM or LOW", Urgency::from_word)?,
    };
    let page = app
        .incidents
        .store()
        .incidents(&filter, query.cursor(&cursors)?, query.limit()?)
        .await?;
    let incidents: Vec<Value> = page.entries.iter().map(view::incident).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    Ok(json(
        StatusCode::OK,
        &json!({ "incidents": incidents, "nextCursor": next }),
    ))
}

/// `POST /api/incidents`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<IncidentsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let title = fields.line("title", limits::TITLE_CHARS);
    let title = fields.required("title", title);
    let service = fields.word("serviceId", "a service id", |id| {
        id.parse::<ServiceId>().ok()
    });
    let service = fields.required("serviceId", service);
    let urgency = fields.word("urgency", "HIGH, MEDIUM or LOW", Urgency::from_word);
    let urgency = fields.required("urgency", urgency);
    let description = fields
        .block("description", limits::DESCRIPTION_CHARS)
        .value();
    let priority = fields.line("priority", patch::PRIORITY_CHARS).value();
    let assignee = patch::assignee(&mut fields).value();
    fields.finish()?;
    let (Some(title), Some(service), Some(urgency)) = (title, service, urgency) else {
        return Err(ApiError::internal(
            "a required field passed validation without a value",
        ));
    };
    let service = app
        .incidents
        .store()
        .service(service)
        .await?
        .ok_or_else(|| ApiError::not_found("there is no such service"))?;
    let new = NewIncident {
        title,
        description,
        service: service.reference(),
        urgency,
        priority,
        assignee,
    };
    let incident = app
        .incidents
        .create(new, caller.actor().clone(), Timestamp::now())
        .await?;
    Ok(json(
        StatusCode::CREATED,
        &json!({ "incident": view::incident(&incident) }),
    ))
}

/// `GET /api/incidents/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<IncidentsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let incident = app
        .incidents
        .store()
        .incident_with_count(parse_id(&id)?)
        .await?
        .ok_or_else(unknown)?;
    Ok(with_version(
        json(
            StatusCode::OK,
            &json!({ "incident": view::incident(&incident) }),
        ),
        incident.version,
    ))
}

/// `PATCH /api/incidents/{id}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<IncidentsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let (parts, payload) = request.into_parts();
    let precondition = precondition(&parts.headers)?;
    let wanted = patch::read(
        body::read_json(&parts.headers, payload).await?,
        Timestamp::now(),
    )?;
    let incident = app
        .incidents
        .change(
            id,
            &wanted.change,
            wanted.note.as_deref(),
            precondition,
            caller.actor(),
        )
        .await
        .map_err(refused)?;
    Ok(with_version(
        json(
            StatusCode::OK,
            &json!({ "incident": view::incident(&incident) }),
        ),
        incident.version,
    ))
}

/// `GET /api/incidents/{id}/timeline`: oldest first.
pub(crate) async fn timeline(
    State(app): State<App>,
    _: Caller<IncidentsRead>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let (after, limit) = (query.cursor(&cursors)?, query.limit()?);
    let id = existing(&app, &id).await?;
    let page = app.incidents.store().timeline(id, after, limit).await?;
    let timeline: Vec<Value> = page.entries.iter().map(view::event).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    Ok(json(
        StatusCode::OK,
        &json!({ "timeline": timeline, "nextCursor": next }),
    ))
}

/// `GET /api/incidents/{id}/alerts`: oldest first.
pub(crate) async fn alerts(
    State(app): State<App>,
    _: Caller<IncidentsRead>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let (after, limit) = (query.cursor(&cursors)?, query.limit()?);
    let id = existing(&app, &id).await?;
    let page = app.incidents.store().raw_alerts(id, after, limit).await?;
    let alerts: Vec<Value> = page.entries.iter().map(view::raw_alert).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    Ok(json(
        StatusCode::OK,
        &json!({ "alerts": alerts, "nextCursor": next }),
    ))
}

async fn existing(app: &App, id: &str) -> Result<IncidentId, ApiError> {
    let id = parse_id(id)?;
    app.incidents
        .store()
        .incident(id)
        .await?
        .map(|_| id)
        .ok_or_else(unknown)
}

fn parse_id(id: &str) -> Result<IncidentId, ApiError> {
    id.parse().map_err(|_| unknown())
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such incident")
}

/// `If-Match: "<version>"`; `*` and its absence mean the latest.
fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    let Some(value) = headers.get(http::header::IF_MATCH) else {
        return Ok(Precondition::Latest);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(Precondition::Latest);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse();
    version.map(Precondition::Version).map_err(|_| {
        ApiError::bad_request(
            "invalid_if_match",
            "If-Match must be an incident's version in quotes",
        )
    })
}

fn with_version(mut response: Response, version: u64) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

fn refused(error: ChangeError) -> ApiError {
    match error {
        ChangeError::NotFound => unknown(),
        ChangeError::VersionMismatch(_) => ApiError::precondition_failed(error.to_string()),
        ChangeError::Refused(_) => ApiError::conflict("incident_resolved", error.to_string()),
        ChangeError::KeyTaken => ApiError::conflict("dedup_key_taken", error.to_string()),
        ChangeError::Store(error) => error.into(),
    }
}
