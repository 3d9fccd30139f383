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
    openapi::{
        Errors,
        errors::{Body, Concurrent, IncidentRules, Paged, Query, Unknown, Versioned, Works},
    },
    store::IncidentFilter,
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::ETAG};

use crate::{App, bodies, patch, view};

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

/// List incidents
///
/// Newest first. A page may hold fewer than `limit` and still have a
/// `nextCursor`: the work of a page is bounded.
#[utoipa::path(
    get,
    path = "/api/incidents",
    operation_id = "listIncidents",
    tag = "Incidents",
    params(bodies::ListQuery),
    security(("apiKey" = ["incidents:read"])),
    responses(
        (status = 200, description = "A page of incidents.", body = view::IncidentList),
        Errors::<(Caller<IncidentsRead>, Query, Paged, Works)>,
    )
)]
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
    let list = view::IncidentList {
        incidents: page.entries.iter().map(view::IncidentView::from).collect(),
        next_cursor: query.next_cursor(&cursors, page.next.as_deref()),
    };
    Ok(json(StatusCode::OK, &list))
}

/// Open an incident
#[utoipa::path(
    post,
    path = "/api/incidents",
    operation_id = "openIncident",
    tag = "Incidents",
    request_body = bodies::NewIncident,
    security(("apiKey" = ["incidents:write"])),
    responses(
        (status = 201, description = "The incident.", body = view::IncidentAnswer),
        Errors::<(Caller<IncidentsWrite>, Unknown, Body, Works)>,
    )
)]
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
        &view::IncidentAnswer::from(&incident),
    ))
}

/// Read an incident
#[utoipa::path(
    get,
    path = "/api/incidents/{id}",
    operation_id = "readIncident",
    tag = "Incidents",
    params(bodies::IncidentPath),
    security(("apiKey" = ["incidents:read"])),
    responses(
        (status = 200, description = "The incident.", body = view::IncidentAnswer,
            headers(("ETag" = String, description = "Its version in quotes."))),
        Errors::<(Caller<IncidentsRead>, Unknown, Works)>,
    )
)]
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
        json(StatusCode::OK, &view::IncidentAnswer::from(&incident)),
        incident.version,
    ))
}

/// Change an incident
///
/// A change that changes nothing is answered with 200 and tells nobody.
#[utoipa::path(
    patch,
    path = "/api/incidents/{id}",
    operation_id = "changeIncident",
    tag = "Incidents",
    params(
        bodies::IncidentPath,
        ("If-Match" = Option<String>, Header, description = "The version in quotes that the change is meant for; `*`, or nothing, for the latest.", example = "\"3\"")
    ),
    request_body = bodies::IncidentChange,
    security(("apiKey" = ["incidents:write"])),
    responses(
        (status = 200, description = "The incident as it is now.", body = view::IncidentAnswer,
            headers(("ETag" = String, description = "Its version in quotes."))),
        Errors::<(Caller<IncidentsWrite>, Unknown, Versioned, Body, IncidentRules, Concurrent, Works)>,
    )
)]
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
        json(StatusCode::OK, &view::IncidentAnswer::from(&incident)),
        incident.version,
    ))
}

/// Read an incident's timeline
///
/// What happened to it, oldest first, notes included.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/timeline",
    operation_id = "readIncidentTimeline",
    tag = "Incidents",
    params(bodies::IncidentPath, bodies::PageQuery),
    security(("apiKey" = ["incidents:read"])),
    responses(
        (status = 200, description = "The timeline.", body = view::Timeline),
        Errors::<(Caller<IncidentsRead>, Unknown, Query, Paged, Works)>,
    )
)]
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
    let entries = page.entries.into_iter();
    let answer = view::Timeline {
        timeline: entries.map(view::TimelineEntry::from).collect(),
        next_cursor: query.next_cursor(&cursors, page.next.as_deref()),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// Read an incident's raw alerts
///
/// As they were sent, oldest first: the first 50 are kept, then every 100th.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/alerts",
    operation_id = "readIncidentAlerts",
    tag = "Incidents",
    params(bodies::IncidentPath, bodies::PageQuery),
    security(("apiKey" = ["incidents:read"])),
    responses(
        (status = 200, description = "The raw alerts.", body = view::KeptAlerts),
        Errors::<(Caller<IncidentsRead>, Unknown, Query, Paged, Works)>,
    )
)]
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
    let entries = page.entries.into_iter();
    let answer = view::KeptAlerts {
        alerts: entries.map(view::KeptAlert::from).collect(),
        next_cursor: query.next_cursor(&cursors, page.next.as_deref()),
    };
    Ok(json(StatusCode::OK, &answer))
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
