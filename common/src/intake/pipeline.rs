//! The way of a request: integration → credentials → normaliser → incidents →
//! answer. The answer is sent right after the durable writes.

use std::collections::HashMap;

use axum::{extract::Request, response::Response};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use serde::Serialize;

use super::{
    Admission, Allowance, Answer, Attempt, Context, Intake, Parsed, Received, Vendor,
    authentication::{Found, authenticate},
    log_answer,
    told::{Cause, tell},
};
use crate::{
    alert::{Action, Alert, DedupKey, Severity},
    http::{ApiError, address, body, json},
    id::IntegrationId,
    incidents::{AlertOutcome, IncidentSummary, Incidents, NOTHING_OPEN, Reporter},
    integration::Integration,
    limits,
    store::{Store, StoreError},
    text,
    time::Timestamp,
};

/// Alerts of one body that are written at the same time; those of one dedup
/// key always go one after the other.
const WRITES_AT_ONCE: usize = 16;

/// What became of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertResult {
    /// What was done.
    pub action: ResultAction,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// What joins the alerts of this problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dedup_key: Option<DedupKey>,
    /// How bad the alert is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub severity: Option<Severity>,
    /// The incident that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub incident: Option<IncidentSummary>,
    /// Why nothing was done, for the metrics.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

/// What was done with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResultAction {
    /// It opened an incident.
    Triggered,
    /// It was counted on an open one.
    Deduplicated,
    /// It acknowledged one.
    Acknowledged,
    /// It resolved one.
    Resolved,
    /// Nothing.
    Ignored,
}

impl ResultAction {
    /// The action as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Deduplicated => "deduplicated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }
}

/// The answer to an accepted request.
#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    result: &'a AlertResult,
    results: &'a [AlertResult],
}

/// A request that was taken.
struct Taken {
    results: Vec<AlertResult>,
    allowance: Allowance,
}

/// Takes a request of this vendor.
pub async fn receive(intake: &Intake, vendor: &'static Vendor, request: Request) -> Response {
    match accept(intake, vendor, request).await {
        Ok(taken) => answer(&taken),
        Err(error) => error.into_response_logged(),
    }
}

fn answer(taken: &Taken) -> Response {
    let Some(result) = taken.results.first() else {
        let error = ApiError::internal("a normaliser answered without a result");
        return error.into_response_logged();
    };
    let accepted = Accepted {
        status: "success",
        result,
        results: &taken.results,
    };
    let mut response = json(StatusCode::OK, &accepted);
    taken.allowance.write(response.headers_mut());
    response
}

async fn accept(
    intake: &Intake,
    vendor: &'static Vendor,
    request: Request,
) -> Result<Taken, ApiError> {
    let received = read(intake, request).await?;
    let integration = find_integration(intake.store(), vendor, &received).await?;
    take(intake, vendor, &integration, &received, Found::ById).await
}

/// Takes a request for the integration whose key it named: the way of a
/// vendor's own addresses, which have no `integrationId`. The caller has looked
/// the integration up ([`Store::integration_by_key`]).
///
/// # Errors
/// Those of an intake request: another provider's integration, a disabled one,
/// a wrong signature, an unreadable body, overload.
pub async fn receive_for(
    intake: &Intake,
    vendor: &'static Vendor,
    integration: &Integration,
    received: &Received,
) -> Result<Vec<AlertResult>, ApiError> {
    check_usable(vendor, integration)?;
    let taken = take(intake, vendor, integration, received, Found::ByKey).await?;
    Ok(taken.results)
}

async fn take(
    intake: &Intake,
    vendor: &Vendor,
    integration: &Integration,
    received: &Received,
    found: Found,
) -> Result<Taken, ApiError> {
    let context = &Context {
        integration,
        now: Timestamp::now(),
        address: received.address,
    };
    let attempt = Attempt {
        received,
        context,
        store: intake.store(),
        outbound: intake.outbound.as_deref(),
    };
    let outcome = match authenticate(vendor, attempt, found).await {
        Ok(admission) => match intake.admit(context) {
            Ok(allowance) => process(intake, vendor, received, context, admission)
                .await
                .map(|results| Taken { results, allowance }),
            Err(over) if over.is_first => Err(over.into_error(vendor.overload)),
            Err(over) => return Err(over.into_error(vendor.overload)),
        },
        Err(error) => Err(error.asking_for_basic()),
    };
    if let Ok(taken) = &outcome {
        tell(context, &taken.results);
    }
    log_request(intake.store(), received, context, &outcome).await;
    outcome
}

async fn process(
    intake: &Intake,
    vendor: &Vendor,
    received: &Received,
    context: &Context<'_>,
    admission: Admission,
) -> Result<Vec<AlertResult>, ApiError> {
    let store = intake.store();
    let is_copy = admission.is_copy(store, context).await;
    if is_copy.map_err(|error| overloaded(vendor, &error))? {
        let copy = ignored("duplicate delivery".to_owned(), Cause::Duplicate);
        return Ok(vec![copy]);
    }
    let parsed = match &admission.settled {
        Some(reason) => vec![Parsed::ignored(reason)],
        None => (vendor.normalise)(received, context)
            .map_err(|error| ApiError::bad_request("unreadable_body", error.to_string()))?,
    };
    let mut results = apply_alerts(intake.incidents(), vendor.name, context, parsed)
        .await
        .map_err(|error| overloaded(vendor, &error))?;
    if admission.settled.is_some() {
        for result in &mut results {
            result.cause = Some(Cause::Confirmation);
        }
    }
    admission.remember(store, context).await;
    Ok(results)
}

/// Reads a request as intake needs it.
///
/// # Errors
/// 413 over the limit, 400 where the connection breaks.
pub async fn read(intake: &Intake, request: Request) -> Result<Received, ApiError> {
    let (parts, payload) = request.into_parts();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let body = body::read(payload, limits::INTAKE_BODY_BYTES).await?;
    Ok(Received {
        method: parts.method,
        headers: parts.headers,
        query,
        url: intake.public_url().map(|base| format!("{base}{target}")),
        address: address::of(&parts.extensions),
        body,
    })
}

async fn find_integration(
    store: &Store,
    vendor: &Vendor,
    received: &Received,
) -> Result<Integration, ApiError> {
    let given = received
        .query("integrationId")
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| {
            ApiError::bad_request("missing_integration_id", "the query has no integrationId")
        })?;
    let id: IntegrationId = given.parse().map_err(|_| unknown_integration())?;
    let found = store
        .integration(id)
        .await
        .map_err(|error| overloaded(vendor, &error))?;
    let integration = found.ok_or_else(unknown_integration)?;
    check_usable(vendor, &integration)?;
    Ok(integration)
}

fn unknown_integration() -> ApiError {
    ApiError::not_found("there is no such integration of this provider")
}

fn check_usable(vendor: &Vendor, integration: &Integration) -> Result<(), ApiError> {
    if integration.provider != vendor.name {
        return Err(unknown_integration());
    }
    if !integration.enabled {
        return Err(ApiError::forbidden(
            "integration_disabled",
            "the integration is disabled",
        ));
    }
    Ok(())
}

fn overloaded(vendor: &Vendor, error: &StoreError) -> ApiError {
    tracing::error!(provider = vendor.name, %error, "an alert could not be stored");
    ApiError::overloaded(vendor.overload)
}

/// Applies the alerts of one body, one result each, in body order.
///
/// # Errors
/// Where any alert could not be stored. Nothing accepted may be lost, so the
/// sender has to send the whole body again; what was stored deduplicates then.
pub async fn apply_alerts(
    incidents: &Incidents,
    provider: &str,
    context: &Context<'_>,
    parsed: Vec<Parsed>,
) -> Result<Vec<AlertResult>, StoreError> {
    let mut reporter = Reporter::from(context.integration);
    reporter.actor.address = context.address;
    let prefix = context.settings().text("keyPrefix").unwrap_or_default();
    let mut results: Vec<Option<AlertResult>> = Vec::with_capacity(parsed.len());
    let mut by_key: HashMap<DedupKey, Vec<(usize, Box<Alert>)>> = HashMap::new();
    let mut unrecognised = None;
    for (index, entry) in parsed.into_iter().enumerate() {
        results.push(match entry {
            Parsed::Alert(alert) => {
                let key = DedupKey::of_vendor(provider, prefix, &alert.identity);
                by_key.entry(key).or_default().push((index, alert));
                None
            }
            Parsed::Ignored(reason) => Some(ignored(reason, Cause::NotAnAlert)),
            Parsed::Unrecognised(what) => {
                let reason = format!("unrecognised {what}");
                unrecognised.get_or_insert_with(|| reason.clone());
                Some(ignored(reason, Cause::Unrecognised))
            }
        });
    }
    let reporter = &reporter;
    let mut applied = stream::iter(by_key)
        .map(|(key, alerts)| async move {
            let mut done = Vec::with_capacity(alerts.len());
            for (index, alert) in alerts {
                let outcome = incidents
                    .apply_alert(reporter, &key, &alert, context.now)
                    .await?;
                done.push((index, result_of(outcome, &key, &alert)));
            }
            Ok::<_, StoreError>(done)
        })
        .buffer_unordered(WRITES_AT_ONCE);
    let mut failure = None;
    while let Some(done) = applied.next().await {
        match done {
            Ok(done) => done
                .into_iter()
                .for_each(|(index, result)| results[index] = Some(result)),
            Err(error) => failure = Some(error),
        }
    }
    drop(applied);
    if let Some(error) = failure {
        return Err(error);
    }
    if let Some(reason) = unrecognised {
        tell_unrecognised(incidents, reporter, context, &reason).await?;
    }
    Ok(results.into_iter().flatten().collect())
}

/// One LOW incident per integration: nothing is lost silently, and nobody is
/// woken by a change of format.
async fn tell_unrecognised(
    incidents: &Incidents,
    reporter: &Reporter,
    context: &Context<'_>,
    reason: &str,
) -> Result<(), StoreError> {
    let integration = context.integration;
    let reporter = &Reporter {
        default_urgency: None,
        ..reporter.clone()
    };
    let key = DedupKey::new(format!("opsknight:unrecognised:{}", integration.id));
    let alert = Alert {
        action: Action::Trigger,
        identity: String::new(),
        title: format!(
            "Unrecognised payload from {} ({})",
            integration.name, integration.provider
        ),
        description: Some(format!(
            "{} sent something that is not one of its known formats ({reason}). \
             The integration's request log has it. This incident is opened once.",
            integration.name
        )),
        source: integration.name.clone(),
        severity: Severity::Info,
        details: serde_json::Value::Null,
        occurred_at: None,
        link: None,
    };
    incidents
        .apply_alert(reporter, &key, &alert, context.now)
        .await
        .map(|_| ())
}

fn ignored(reason: String, cause: Cause) -> AlertResult {
    AlertResult {
        action: ResultAction::Ignored,
        // Reasons quote what was sent.
        reason: Some(text::line(&reason, limits::REASON_CHARS)),
        dedup_key: None,
        severity: None,
        incident: None,
        cause: Some(cause),
    }
}

/// The result of an alert with this key.
pub fn result_of(outcome: AlertOutcome, key: &DedupKey, alert: &Alert) -> AlertResult {
    let (action, reason, incident) = match outcome {
        AlertOutcome::Triggered(incident) => (ResultAction::Triggered, None, Some(incident)),
        AlertOutcome::Deduplicated(incident) => (ResultAction::Deduplicated, None, Some(incident)),
        AlertOutcome::Acknowledged(incident) => (ResultAction::Acknowledged, None, Some(incident)),
        AlertOutcome::Resolved(incident) => (ResultAction::Resolved, None, Some(incident)),
        AlertOutcome::Ignored(reason) => (ResultAction::Ignored, Some(reason), None),
    };
    let cause = reason.as_deref().map(|reason| match reason {
        NOTHING_OPEN => Cause::NoOpenIncident,
        _ => Cause::AlreadyResolved,
    });
    AlertResult {
        action,
        reason,
        dedup_key: Some(key.clone()),
        severity: Some(alert.severity),
        incident,
        cause,
    }
}

/// Keeps the request in the integration's log, see [`log_answer`].
async fn log_request(
    store: &Store,
    received: &Received,
    context: &Context<'_>,
    outcome: &Result<Taken, ApiError>,
) {
    let answer = match outcome {
        Ok(taken) => Answer::of(StatusCode::OK, &taken.results),
        Err(error) => Answer::rejected(error.status(), error.message()),
    };
    log_answer(store, received, context, answer).await;
}
