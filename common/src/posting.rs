//! One attempt to deliver: headers and signatures as API.md says, one POST, a
//! verdict.

use std::time::{Duration, Instant};

use crate::{
    limits,
    outbound::{Answer, Outbound, OutboundError, Outgoing},
    retry::parse_retry_after,
    signing, text,
    time::Timestamp,
    webhook::{Attempt, Delivery, DeliveryMessage, Webhook},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};

/// The product's user agent, as its page says.
const AGENT: HeaderValue = HeaderValue::from_static("OpsKnight-StatusPage/1.0");

/// Says that a request is a test.
const TEST: HeaderName = HeaderName::from_static("x-webhook-test");

/// What an attempt came to.
#[derive(Debug)]
pub enum Verdict {
    /// Accepted.
    Delivered,
    /// The receiver is gone for good.
    Gone,
    /// To be tried again, not before what the receiver asked for.
    Failed {
        /// How long the receiver asked us to wait.
        retry_after: Option<Duration>,
    },
}

/// An attempt and its verdict.
#[derive(Debug)]
pub struct Tried {
    /// The attempt, for the delivery's record.
    pub attempt: Attempt,
    /// What it came to.
    pub verdict: Verdict,
}

/// Posts a delivery once.
pub async fn try_delivery(
    outbound: &Outbound,
    webhook: &Webhook,
    delivery: &Delivery,
    message: &DeliveryMessage,
) -> Tried {
    let number = u32::try_from(delivery.attempts.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let at = Timestamp::now();
    let headers = headers(webhook, message, number, at);
    post(outbound, webhook, message, (number, at), headers).await
}

/// Posts a test once: signed like any delivery, and said to be a test.
pub async fn try_test(
    outbound: &Outbound,
    webhook: &Webhook,
    message: &DeliveryMessage,
) -> Attempt {
    let (number, at) = (1, Timestamp::now());
    let mut headers = headers(webhook, message, number, at);
    headers.insert(TEST, HeaderValue::from_static("true"));
    post(outbound, webhook, message, (number, at), headers)
        .await
        .attempt
}

async fn post(
    outbound: &Outbound,
    webhook: &Webhook,
    message: &DeliveryMessage,
    (number, at): (u32, Timestamp),
    headers: HeaderMap,
) -> Tried {
    let started = Instant::now();
    let answered = outbound
        .send(Outgoing {
            url: webhook.url.clone(),
            method: Method::POST,
            headers,
            body: message.body.clone().into_bytes(),
        })
        .await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let verdict = verdict(&answered, at);
    let attempt = Attempt {
        number,
        at,
        duration_ms,
        status_code: answered.as_ref().ok().map(|answer| answer.status.as_u16()),
        error: failure(&answered),
        response: answered.as_ref().ok().map(response_text),
    };
    Tried { attempt, verdict }
}

/// The headers of an attempt. The webhook's own go first: ours replace any of
/// the same name.
pub fn headers(
    webhook: &Webhook,
    message: &DeliveryMessage,
    attempt: u32,
    at: Timestamp,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &webhook.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let id = message.event_id.to_string();
    let body = message.body.as_bytes();
    let standard =
        signing::standard_signature(webhook.secrets_at(at), &id, at.unix_seconds(), body);
    let ours = [
        (
            "x-webhook-signature",
            signing::body_signature(&webhook.secret, body),
        ),
        ("x-webhook-event", message.event.as_str().to_owned()),
        ("x-webhook-id", id.clone()),
        ("x-webhook-attempt", attempt.to_string()),
        ("webhook-id", id),
        ("webhook-timestamp", at.unix_seconds().to_string()),
        ("webhook-signature", standard),
    ];
    for (name, value) in ours {
        // Hex, base64, digits and identifiers: always valid header text.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, AGENT);
    headers
}

fn verdict(answered: &Result<Answer, OutboundError>, now: Timestamp) -> Verdict {
    match answered {
        // A receiver whose answer breaks off may have stopped half-way: it gets
        // the event again rather than never.
        Ok(answer) if answer.status.is_success() && answer.cut_short.is_none() => {
            Verdict::Delivered
        }
        Ok(answer) if answer.status == StatusCode::GONE => Verdict::Gone,
        Ok(answer) => Verdict::Failed {
            retry_after: asked_pause(&answer.headers, now),
        },
        Err(_) => Verdict::Failed { retry_after: None },
    }
}

/// The longest pause that the receiver asked for: it is never undercut.
fn asked_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let asked = headers.get_all(RETRY_AFTER).into_iter();
    asked
        .filter_map(|value| parse_retry_after(value.to_str().ok()?, now))
        .max()
}

fn failure(answered: &Result<Answer, OutboundError>) -> Option<String> {
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    let status = answer.status.as_u16();
    match &answer.cut_short {
        Some(error) => Some(format!("answered {status}, but not to its end: {error}")),
        None if answer.status.is_success() => None,
        None if answer.status.is_redirection() => {
            Some(format!("answered {status}: redirects are not followed"))
        }
        None => Some(format!("answered {status}")),
    }
}

/// The start of the answer as text. Bytes that are none take three each.
fn response_text(answer: &Answer) -> String {
    let mut text = text::block(&String::from_utf8_lossy(&answer.body), usize::MAX);
    text.truncate(text.floor_char_boundary(limits::RESPONSE_KEPT_BYTES));
    text
}
