//! Who sent it: the integration key, and the shared-secret forms that stand in
//! where a vendor has no signature of its own. All comparisons take the same
//! time whatever they compare.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;

use super::Received;
use crate::crypto;

/// Whether the request carries the integration key, whose digest is `key_hash`.
pub fn has_integration_key(received: &Received, key_hash: &str) -> bool {
    let presented = [
        bearer(received),
        pagerduty_token(received),
        received.header("x-integration-key").map(str::to_owned),
        received.header("x-api-key").map(str::to_owned),
        received.query("key").map(str::to_owned),
        // What Google's token channel calls it.
        received.query("auth_token").map(str::to_owned),
        basic_password(received),
    ];
    presented.into_iter().flatten().any(|key| {
        crypto::same_secret(
            crypto::sha256_hex(key.as_bytes()).as_bytes(),
            key_hash.as_bytes(),
        )
    })
}

/// Whether the request presents `secret` in any shared-secret form: bearer
/// token, Basic password, `X-Webhook-Token`, `X-API-Key`, query `token`, or a
/// generic signature over the raw body.
pub fn has_shared_secret(received: &Received, secret: &str) -> bool {
    let presented = [
        bearer(received),
        basic_password(received),
        received.header("x-webhook-token").map(str::to_owned),
        received.header("x-api-key").map(str::to_owned),
        received.query("token").map(str::to_owned),
    ];
    presented
        .into_iter()
        .flatten()
        .any(|given| crypto::same_secret(given.as_bytes(), secret.as_bytes()))
        || has_generic_signature(received, secret)
}

/// Whether `X-Signature` or `X-Webhook-Signature` is the hex HMAC-SHA256 of the
/// raw body, with or without `sha256=`. One valid header is enough.
pub fn has_generic_signature(received: &Received, secret: &str) -> bool {
    ["x-signature", "x-webhook-signature"]
        .into_iter()
        .filter_map(|name| received.header(name))
        .any(|value| {
            is_hmac_sha256_hex(
                value.strip_prefix("sha256=").unwrap_or(value),
                secret,
                &received.body,
            )
        })
}

/// Whether `hex` is the HMAC-SHA256 of `data`, in digits of either case.
pub fn is_hmac_sha256_hex(hex: &str, secret: &str, data: &[u8]) -> bool {
    let expected = crypto::hmac_sha256(secret.as_bytes(), data);
    hex::decode(hex).is_ok_and(|given| crypto::same_secret(&given, &expected))
}

/// The token of `Authorization: Bearer`.
pub fn bearer(received: &Received) -> Option<String> {
    scheme(received, "bearer").map(str::to_owned)
}

/// The password of `Authorization: Basic`, whatever the user.
pub fn basic_password(received: &Received) -> Option<String> {
    let decoded = STANDARD.decode(scheme(received, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// The token of `Authorization: Token token=…`, with or without quotes.
fn pagerduty_token(received: &Received) -> Option<String> {
    let token = scheme(received, "token")?.strip_prefix("token=")?;
    Some(token.trim_matches('"').to_owned())
}

/// What follows this scheme's name in `Authorization`.
fn scheme<'a>(received: &'a Received, name: &str) -> Option<&'a str> {
    let (scheme, rest) = received.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;

    fn request(headers: &[(&'static str, &str)], query: &[(&str, &str)]) -> Received {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Received {
            method: Method::POST,
            headers,
            query,
            body: bytes::Bytes::from_static(b"{\"a\":1}"),
        }
    }

    #[test]
    fn the_integration_key_is_taken_in_every_form() {
        let key = "0123456789abcdef0123456789abcdef";
        let hash = crypto::sha256_hex(key.as_bytes());
        let basic = format!("Basic {}", STANDARD.encode(format!("x:{key}")));
        for received in [
            request(&[("authorization", &format!("Bearer {key}"))], &[]),
            request(&[("authorization", &format!("bearer {key}"))], &[]),
            request(&[("authorization", &format!("Token token={key}"))], &[]),
            request(&[("authorization", &format!("Token token=\"{key}\""))], &[]),
            request(&[("authorization", &basic)], &[]),
            request(&[("x-integration-key", key)], &[]),
            request(&[("x-api-key", key)], &[]),
            request(&[], &[("key", key)]),
            request(&[], &[("auth_token", key)]),
        ] {
            assert!(has_integration_key(&received, &hash), "{received:?}");
        }
        for received in [
            request(&[], &[]),
            request(&[("x-integration-key", "")], &[]),
            request(&[("x-integration-key", &hash)], &[]),
            request(&[("authorization", key)], &[]),
            request(&[("authorization", "Basic !!!")], &[]),
        ] {
            assert!(!has_integration_key(&received, &hash), "{received:?}");
        }
    }

    #[test]
    fn a_generic_signature_is_over_the_raw_body() {
        let signature = hex::encode(crypto::hmac_sha256(b"secret", b"{\"a\":1}"));
        for value in [
            signature.clone(),
            signature.to_uppercase(),
            format!("sha256={signature}"),
        ] {
            assert!(
                has_generic_signature(&request(&[("x-signature", &value)], &[]), "secret"),
                "{value}"
            );
        }
        for value in [
            format!("sha1={signature}"),
            "sha256=".to_owned(),
            "zz".to_owned(),
            String::new(),
        ] {
            assert!(
                !has_generic_signature(&request(&[("x-signature", &value)], &[]), "secret"),
                "{value}"
            );
        }
        let other = hex::encode(crypto::hmac_sha256(b"secret", b"{\"a\": 1}"));
        let both = request(
            &[("x-signature", &other), ("x-webhook-signature", &signature)],
            &[],
        );
        assert!(has_generic_signature(&both, "secret"));
    }
}
