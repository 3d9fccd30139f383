//! The routing key: an integration's key, wherever a client puts it.

use common::{
    intake::{Received, credentials},
    integration::Integration,
    store::{Store, StoreError},
};
use serde_json::{Map, Value};

use super::{Api, Door, NAME, event::text};

/// Characters of a routing key.
const LENGTH: usize = 32;

/// The key of a request: in the body, else in `X-Routing-Key` (Kibana sends it
/// only there), `Authorization: Token token=`, or the query.
pub(super) fn find(
    api: Api,
    body: Option<&Map<String, Value>>,
    received: &Received,
) -> Option<String> {
    let field = match api {
        Api::EventsV1 => "service_key",
        Api::Events | Api::Changes => "routing_key",
    };
    let elsewhere = [
        received.header("x-routing-key"),
        credentials::authorization_token(received),
        received.query("routing_key"),
        received.query("key"),
    ];
    body.and_then(|body| text(body.get(field)?)).or_else(|| {
        elsewhere
            .into_iter()
            .flatten()
            .map(str::trim)
            .find(|key| !key.is_empty())
            .map(str::to_owned)
    })
}

/// The integration that a key belongs to, or what is wrong with the key.
///
/// # Errors
/// [`StoreError`] where it could not be looked up.
pub(super) async fn owner(
    store: &Store,
    door: Door,
    key: Option<&str>,
    received: &Received,
) -> Result<Result<Integration, Vec<String>>, StoreError> {
    let Some(key) = key else {
        return Ok(Err(vec!["'routing_key' is missing or blank".to_owned()]));
    };
    let errors = errors(door.api, key);
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let named = received
        .query("integrationId")
        .map(str::trim)
        .filter(|id| door.is_ours && !id.is_empty());
    let owner = store
        .integration_by_key(key)
        .await?
        .filter(|integration| integration.provider == NAME && integration.enabled)
        .filter(|integration| named.is_none_or(|id| id == integration.id.to_string()));
    Ok(owner.ok_or_else(|| vec!["Invalid routing key".to_owned()]))
}

fn errors(api: Api, key: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if key.chars().count() != LENGTH {
        errors.push(match api {
            Api::EventsV1 => "Service key is the wrong length (should be 32 characters)",
            Api::Events | Api::Changes => {
                "Length of 'routing_key' is incorrect (should be 32 characters)"
            }
        });
    }
    if !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        errors.push("'routing_key' cannot contain non-alphanumeric characters.");
    }
    errors.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_with_a_key_is_told_at_once() {
        assert_eq!(errors(Api::Events, "e+short").len(), 2);
        assert_eq!(
            errors(Api::EventsV1, "abc"),
            ["Service key is the wrong length (should be 32 characters)"]
        );
        assert_eq!(
            errors(Api::Changes, "a1b2c3d4e5f60718293a4b5c6d7e8f9-"),
            ["'routing_key' cannot contain non-alphanumeric characters."]
        );
        assert!(errors(Api::Events, "a1b2c3d4e5f60718293a4b5c6d7e8f90").is_empty());
    }
}
