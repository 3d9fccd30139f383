//! `PagerDuty`'s answers, which its clients compare to the letter.

use axum::response::Response;
use common::{
    http::{OVERLOAD_PAUSE, json},
    intake::{AlertResult, Answer},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};

use super::{Api, Door};

const THROTTLED: &str = "Requests for this service are arriving too quickly.  Please retry later.";

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Taken.
    Accepted {
        /// The key by which the alert can be acknowledged and resolved.
        key: String,
        /// What was done.
        results: Vec<AlertResult>,
    },
    /// A change event: taken, and nothing done.
    Change,
    /// Understood, but not valid, for these reasons.
    Invalid(Vec<String>),
    /// Not a JSON object.
    Unrecognised,
    /// To be sent again.
    Throttled,
}

impl Outcome {
    fn status(&self, door: Door) -> StatusCode {
        match (self, door.api) {
            (Self::Accepted { .. } | Self::Change, Api::EventsV1) => StatusCode::OK,
            (Self::Accepted { .. } | Self::Change, _) => StatusCode::ACCEPTED,
            (Self::Invalid(_) | Self::Unrecognised, _) => StatusCode::BAD_REQUEST,
            // What v1 clients take for "try again".
            (Self::Throttled, Api::EventsV1) => StatusCode::FORBIDDEN,
            (Self::Throttled, _) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn body(&self, door: Door) -> Value {
        match self {
            Self::Accepted { key, results } => {
                let mut body = json!({ "status": "success", "message": "Event processed" });
                let key_field = match door.api {
                    Api::EventsV1 => "incident_key",
                    Api::Events | Api::Changes => "dedup_key",
                };
                body[key_field] = json!(key);
                if door.is_ours {
                    body["result"] = json!(results.first());
                    body["results"] = json!(results);
                }
                body
            }
            Self::Change => json!({ "status": "success", "message": "Event processed" }),
            Self::Invalid(errors) => json!({
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": errors,
            }),
            Self::Unrecognised => json!({
                "status": "Unrecognized object",
                "message": "Event object format is unrecognized",
                "errors": ["JSON parse error"],
            }),
            Self::Throttled => json!({
                "status": "throttle exceeded",
                "message": THROTTLED,
                "errors": ["Enhance Your Calm."],
            }),
        }
    }

    /// The answer at this door.
    pub(super) fn response(&self, door: Door) -> Response {
        let mut response = json(self.status(door), &self.body(door));
        if matches!(self, Self::Throttled) {
            let pause = HeaderValue::from(OVERLOAD_PAUSE.as_secs());
            response.headers_mut().insert(RETRY_AFTER, pause);
        }
        response
    }

    /// The same for the integration's request log.
    pub(super) fn logged(&self, door: Door) -> Answer {
        let status = self.status(door);
        match self {
            Self::Accepted { results, .. } => Answer::of(status, results),
            Self::Change => Answer::ignored(status, "a change event"),
            Self::Invalid(errors) => Answer::rejected(status, errors.join("; ")),
            Self::Unrecognised => Answer::rejected(status, "the body is not a JSON object"),
            Self::Throttled => {
                Answer::rejected(status, "throttled: over the rate limit, or not stored")
            }
        }
    }
}
