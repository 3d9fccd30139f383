//! The error answers of a handler, as lists of codes: `Errors::<(
//! Caller<SettingsRead>, Unknown)>` among the responses of a `#[utoipa::path]`.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
};

use utoipa::{
    IntoResponses,
    openapi::{Ref, RefOr, Response},
};

use crate::http::auth::Caller;

/// An error code and the status that it comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The status code.
    pub status: u16,
    /// The value of `code`.
    pub code: &'static str,
    /// When it is answered, in a sentence.
    pub meaning: &'static str,
}

/// Codes that come together.
pub trait Group {
    /// Adds them.
    fn add_to(codes: &mut Vec<Code>);
}

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident { $($status:literal $code:literal $meaning:literal;)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Group for $name {
                fn add_to(codes: &mut Vec<Code>) {
                    codes.extend([$(Code { status: $status, code: $code, meaning: $meaning }),+]);
                }
            }
        )+

        /// Every code that an answer can have.
        pub fn catalogue() -> Vec<Code> {
            let mut codes = Vec::new();
            $($name::add_to(&mut codes);)+
            codes.sort_unstable();
            codes.dedup();
            codes
        }
    };
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Group),+> Group for ($($name,)+) {
            fn add_to(codes: &mut Vec<Code>) {
                $($name::add_to(codes);)+
            }
        }
    )+};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) }

groups! {
    /// Whatever asks the table or a queue.
    Works {
        500 "internal_error" "Something went wrong on our side; the log has it under the request id.";
        503 "overloaded" "The table or a queue does not answer; try again after `Retry-After` seconds.";
    }
    /// What a [`Caller`] refuses.
    Credential {
        401 "missing_credential" "There is no credential: `Authorization: Bearer` with an API key.";
        401 "invalid_credential" "The API key, or the integration key, is not valid.";
        403 "missing_scope" "The API key does not have the scope that this needs.";
    }
    /// A list in pages.
    Paged {
        400 "invalid_cursor" "The cursor is not the `nextCursor` of an earlier answer to the same request.";
    }
    /// A path that names something.
    Unknown {
        404 "not_found" "There is nothing with this id.";
    }
    /// A query that is read.
    Query {
        400 "validation_failed" "A parameter or a field is not valid; `details` names each of them.";
    }
    /// A JSON body that is read.
    Body {
        400 "invalid_json" "The body is not a JSON object.";
        400 "incomplete_body" "The connection broke before the body's end.";
        400 "validation_failed" "A parameter or a field is not valid; `details` names each of them.";
        413 "body_too_large" "The body is larger than 1 MiB, or than 5 MiB where alerts are taken.";
        415 "unsupported_media_type" "The `Content-Type` is another than `application/json`.";
    }
    /// A change that two callers make at the same time.
    Concurrent {
        409 "changed_meanwhile" "Somebody else changed it at the same moment; read it again.";
    }
    /// A change under `If-Match`.
    Versioned {
        400 "invalid_if_match" "`If-Match` is not a version in quotes.";
        412 "version_mismatch" "`If-Match` names another version than the latest.";
    }
    /// A change of an incident's status.
    IncidentRules {
        409 "incident_resolved" "The incident is resolved, and only the status OPEN reopens it.";
        409 "dedup_key_taken" "Another incident of the same problem is open: this one cannot be reopened.";
    }
    /// One integration more.
    ManyIntegrations {
        409 "too_many_integrations" "The service has 99 integrations already.";
    }
    /// A rotation of a webhook's secret.
    Rotation {
        409 "too_many_secrets" "Four older secrets are still valid; wait, or end them with `overlapSeconds` 0.";
    }
    /// What a disabled webhook does not allow.
    Enabled {
        409 "webhook_disabled" "The webhook is disabled; enable it first.";
    }
    /// A delivery sent again.
    Redelivery {
        409 "too_many_attempts" "The delivery was tried 100 times already.";
    }
    /// A redrive of the dead-letter queue.
    Redrive {
        409 "redrive_running" "The dead-letter queue is being moved back already.";
    }
    /// A health check.
    Mode {
        400 "invalid_mode" "`mode` is neither `liveness` nor `readiness`.";
    }
    /// A body of any kind, up to 5 MiB.
    IntakeBody {
        400 "unreadable_body" "The body cannot be read as anything that this sender sends.";
        400 "incomplete_body" "The connection broke before the body's end.";
        413 "body_too_large" "The body is larger than 1 MiB, or than 5 MiB where alerts are taken.";
    }
    /// An integration named by its id.
    IntegrationId {
        400 "missing_integration_id" "There is no `integrationId` in the query.";
        404 "not_found" "There is nothing with this id.";
    }
    /// What an integration asks of its sender.
    Sender {
        401 "invalid_key" "The integration key is missing or wrong.";
        401 "invalid_signature" "The signature or token is missing or wrong.";
        403 "integration_disabled" "The integration is disabled.";
    }
    /// A sender named by its key.
    SenderByKey {
        401 "missing_credential" "There is no credential: `Authorization: Bearer` with an API key.";
        401 "invalid_credential" "The API key, or the integration key, is not valid.";
        403 "integration_disabled" "The integration is disabled.";
        403 "missing_scope" "The API key does not have the scope that this needs.";
        404 "not_found" "There is nothing with this id.";
    }
    /// A provider that does not send with this method.
    OtherMethod {
        405 "method_not_allowed" "The provider does not send with this method.";
    }
    /// The body of an event.
    EventBody {
        400 "invalid_json" "The body is not a JSON object.";
        400 "incomplete_body" "The connection broke before the body's end.";
        400 "validation_failed" "A parameter or a field is not valid; `details` names each of them.";
        413 "body_too_large" "The body is larger than 1 MiB, or than 5 MiB where alerts are taken.";
    }
    /// A body of a vendor's own address, whose other refusals are the vendor's.
    DropInBody {
        413 "body_too_large" "The body is larger than 1 MiB, or than 5 MiB where alerts are taken.";
        500 "internal_error" "Something went wrong on our side; the log has it under the request id.";
    }
    /// A key in the path.
    KeyInPath {
        401 "invalid_key" "The integration key is missing or wrong.";
        401 "invalid_signature" "The signature or token is missing or wrong.";
        403 "integration_disabled" "The integration is disabled.";
    }
    /// Too much at once.
    Flood {
        429 "rate_limited" "The integration has used up its requests of this minute; try again after `Retry-After` seconds.";
        429 "overloaded" "The table or a queue does not answer; try again after `Retry-After` seconds.";
        500 "internal_error" "Something went wrong on our side; the log has it under the request id.";
    }
    /// The same for senders that come back after a 503 only.
    FloodOf503 {
        503 "rate_limited" "The integration has used up its requests of this minute; try again after `Retry-After` seconds.";
        503 "overloaded" "The table or a queue does not answer; try again after `Retry-After` seconds.";
    }
}

impl<S> Group for Caller<S> {
    fn add_to(codes: &mut Vec<Code>) {
        Credential::add_to(codes);
    }
}

/// The error answers of these groups.
#[derive(Debug)]
pub struct Errors<G>(PhantomData<G>);

impl<G: Group> IntoResponses for Errors<G> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut codes = Vec::new();
        G::add_to(&mut codes);
        let mut by_status: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status).or_default().insert(code.code);
        }
        by_status
            .into_iter()
            .map(|(status, codes)| {
                let name = component_name(status, codes);
                let reference = Ref::from_response_name(name);
                (status.to_string(), RefOr::Ref(reference))
            })
            .collect()
    }
}

/// The name of the component that describes these codes: it says them all, so
/// that [`codes_of`] finds them again.
fn component_name(status: u16, codes: impl IntoIterator<Item = &'static str>) -> String {
    codes
        .into_iter()
        .fold(status.to_string(), |name, code| format!("{name}.{code}"))
}

/// The codes of the component of this name; `None` where it is of another kind.
pub fn codes_of(component: &str) -> Option<Vec<Code>> {
    let mut parts = component.split('.');
    let status: u16 = parts.next()?.parse().ok()?;
    let known = catalogue();
    parts
        .map(|code| {
            known
                .iter()
                .find(|one| one.status == status && one.code == code)
                .copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_handler_become_one_answer_per_status() {
        let responses = Errors::<(Versioned, Body)>::responses();
        let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["400", "412", "413", "415"]);
        let RefOr::Ref(reference) = &responses["400"] else {
            panic!("a component")
        };
        let name = reference.ref_location.rsplit('/').next().unwrap();
        let codes = codes_of(name).unwrap();
        let codes: Vec<_> = codes.iter().map(|code| code.code).collect();
        assert_eq!(
            codes,
            [
                "incomplete_body",
                "invalid_if_match",
                "invalid_json",
                "validation_failed"
            ]
        );
    }

    #[test]
    fn a_code_means_the_same_everywhere() {
        let codes = catalogue();
        for pair in codes.windows(2) {
            assert_ne!(
                (pair[0].status, pair[0].code),
                (pair[1].status, pair[1].code)
            );
        }
        assert_eq!(codes_of("404.nope"), None);
        assert_eq!(codes_of("Health"), None);
    }
}
