//! Who sends: an SNS envelope proves it by its signature and its topic;
//! everything else by the secret, where there is one.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    intake::{
        Admission, Attempt, Received, Rejection, credentials,
        value::{is_word, text_at},
    },
    integration::Settings,
    time::Timestamp,
};
use serde_json::Value;

use super::{
    certificate::{SignatureVersion, certificate},
    envelope::{Envelope, Kind, is_certificate_url, is_sns_url},
};

/// Seconds after which a signed message is too old; SNS itself stops retrying
/// after an hour.
const MAX_AGE_SECONDS: u64 = 7_200;

pub(super) async fn authenticate(attempt: Attempt<'_>) -> Result<Admission, Rejection> {
    // What is no JSON is no envelope; the normaliser says so to those who may know.
    let body = attempt.received.json().unwrap_or_default();
    let Some(envelope) = Envelope::of(&body) else {
        has_secret(&attempt)?;
        return Ok(Admission {
            message: message_id(attempt.received, &body),
            settled: None,
        });
    };
    let verified = attempt.context.settings().flag("verifySnsSignature", true);
    if verified {
        verify(&attempt, envelope).await?;
    } else {
        has_secret(&attempt)?;
        has_allowed_topic(&attempt, envelope)?;
    }
    let settled = match envelope.kind() {
        Some(Kind::SubscriptionConfirmation) => {
            Some(subscribed(&attempt, envelope, verified).await?)
        }
        Some(Kind::UnsubscribeConfirmation) => Some(format!(
            "the subscription of {} has ended: it sends no more alarms",
            envelope.topic()
        )),
        Some(Kind::Notification) | None => None,
    };
    Ok(Admission {
        message: text_at(&body, "MessageId").map(|id| format!("sns:{id}")),
        settled,
    })
}

/// Raw delivery, bare alarms and EventBridge are not signed.
fn has_secret(attempt: &Attempt<'_>) -> Result<(), Rejection> {
    match attempt.secret() {
        Some(secret) if !credentials::has_shared_secret(attempt.received, secret) => Err(
            Rejection::unproven("the message is not signed, and the secret is missing or wrong"),
        ),
        _ => Ok(()),
    }
}

/// The id that is equal on every copy of an unsigned message.
fn message_id(received: &Received, body: &Value) -> Option<String> {
    let raw = received
        .header("x-amz-sns-rawdelivery")
        .is_some_and(|flag| is_word(flag, &["true"]));
    if raw && let Some(id) = received.header("x-amz-sns-message-id") {
        return Some(format!("sns:{id}"));
    }
    text_at(body, "detail-type")?;
    text_at(body, "id").map(|id| format!("eventbridge:{id}"))
}

/// The signature, over a message that is not too old, of an allowed topic.
/// What costs nothing comes first.
async fn verify(attempt: &Attempt<'_>, envelope: Envelope<'_>) -> Result<(), Rejection> {
    let wrong = || Rejection::unproven("the SNS signature is missing or wrong");
    let text = envelope.signed_text().ok_or_else(wrong)?;
    let signature = envelope
        .text("Signature")
        .and_then(|signature| STANDARD.decode(signature.trim()).ok())
        .ok_or_else(wrong)?;
    let version = match envelope.text("SignatureVersion") {
        Some("1") => SignatureVersion::One,
        Some("2") => SignatureVersion::Two,
        _ => return Err(wrong()),
    };
    let url = envelope.text("SigningCertURL").unwrap_or_default();
    if !is_certificate_url(url) {
        return Err(Rejection::unproven(
            "SigningCertURL is not an address of SNS",
        ));
    }
    let sent = envelope.text("Timestamp").unwrap_or_default();
    if is_too_old(sent, attempt.context.now, attempt.context.settings()) {
        return Err(Rejection::unproven(
            "the message is older than snsMaxAgeSeconds",
        ));
    }
    has_allowed_topic(attempt, envelope)?;
    let certificate = certificate(attempt, url).await?;
    if certificate.verify(version, &text, &signature) {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn is_too_old(sent: &str, now: Timestamp, settings: &Settings) -> bool {
    let seconds = settings
        .number("snsMaxAgeSeconds")
        .unwrap_or(MAX_AGE_SECONDS);
    seconds != 0
        && Timestamp::parse_rfc3339(sent)
            .is_none_or(|sent| now.since(sent) > Duration::from_secs(seconds))
}

/// A signature proves "some topic of some account": the setting, else the
/// first confirmed subscription, says which.
fn has_allowed_topic(attempt: &Attempt<'_>, envelope: Envelope<'_>) -> Result<(), Rejection> {
    let allowed = allowed_topics(attempt).or_else(|| {
        Some(vec![
            attempt.context.integration.pinned_topic_arn.as_deref()?,
        ])
    });
    match allowed {
        Some(topics) if !topics.contains(&envelope.topic()) => {
            Err(Rejection::unproven("the topic is not this integration's"))
        }
        _ => Ok(()),
    }
}

/// The setting `topicArn`; blank entries count as absent.
fn allowed_topics<'a>(attempt: &Attempt<'a>) -> Option<Vec<&'a str>> {
    let topics = attempt.context.settings().list("topicArn")?;
    let topics: Vec<&str> = topics.into_iter().map(str::trim).collect();
    let topics: Vec<&str> = topics.into_iter().filter(|arn| !arn.is_empty()).collect();
    (!topics.is_empty()).then_some(topics)
}

/// Pins the topic and confirms the subscription; says how that went. A failed
/// confirmation leaves the address to the operator, in the request log.
async fn subscribed(
    attempt: &Attempt<'_>,
    envelope: Envelope<'_>,
    verified: bool,
) -> Result<String, Rejection> {
    let topic = envelope.topic();
    let url = envelope.text("SubscribeURL").unwrap_or_default();
    if !verified {
        return Ok(format!(
            "the subscription of {topic} is not verified; to confirm it, open {url}"
        ));
    }
    if allowed_topics(attempt).is_none() && !attempt.pin_topic(topic).await? {
        return Err(Rejection::unproven("the topic is not this integration's"));
    }
    if !attempt.context.settings().flag("autoConfirm", true) {
        return Ok(format!(
            "the subscription of {topic} waits; to confirm it, open {url}"
        ));
    }
    let failure = if is_sns_url(url) {
        match attempt.fetch(url).await {
            Ok(answer) if answer.status.is_success() => {
                return Ok(format!("the subscription of {topic} is confirmed"));
            }
            Ok(answer) => format!("SNS answered {}", answer.status),
            Err(error) => error.to_string(),
        }
    } else {
        "SubscribeURL is not an address of SNS".to_owned()
    };
    Ok(format!(
        "the subscription of {topic} was not confirmed ({failure}); to confirm it, open {url}"
    ))
}
