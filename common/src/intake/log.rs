//! An integration's request log: what came in and what was answered.

use http::StatusCode;

use super::{AlertResult, Context, Received, ResultAction};
use crate::{
    crypto,
    id::RequestId,
    limits,
    store::{RequestRecord, Store},
    text,
};

/// What a request was answered with, for the integration's log.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    results: Vec<String>,
    reason: Option<String>,
}

impl Answer {
    /// Accepted, with these results.
    pub fn of(status: StatusCode, results: &[AlertResult]) -> Self {
        Self {
            status,
            results: results
                .iter()
                .map(|result| result.action.as_str().to_owned())
                .collect(),
            reason: results.iter().find_map(|result| result.reason.clone()),
        }
    }

    /// Accepted, and nothing done for this reason.
    pub fn ignored(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            results: vec![ResultAction::Ignored.as_str().to_owned()],
            reason: Some(reason.into()),
        }
    }

    /// Rejected for this reason.
    pub fn rejected(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            results: Vec::new(),
            reason: Some(reason.into()),
        }
    }
}

/// Keeps a request in the integration's log: always where something was
/// ignored or rejected, else a sample. A log that cannot be written is no
/// reason to refuse an alert.
pub async fn log_answer(store: &Store, received: &Received, context: &Context<'_>, answer: Answer) {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let sampled = crypto::random_unit() * (limits::REQUEST_LOG_SAMPLE as f64) < 1.0;
    if answer.reason.is_none() && !sampled {
        return;
    }
    let excerpt = String::from_utf8_lossy(
        &received.body[..received.body.len().min(limits::REQUEST_EXCERPT_CHARS * 4)],
    );
    // Some vendors put the shared secret into the body.
    let excerpt = match &context.integration.signature_secret {
        Some(secret) => excerpt.replace(secret.as_str(), "[secret]"),
        None => excerpt.into_owned(),
    };
    let record = RequestRecord {
        id: RequestId::at(context.now),
        at: context.now,
        status_code: answer.status.as_u16(),
        results: answer.results,
        reason: answer.reason,
        content_type: received.header("content-type").map(str::to_owned),
        size: received.body.len() as u64,
        excerpt: text::block(&excerpt, limits::REQUEST_EXCERPT_CHARS),
    };
    if let Err(error) = store.log_request(context.integration.id, &record).await {
        tracing::warn!(service.id = %context.integration.service.id, %error, "a request was not logged");
    }
}
