//! Who sent it: the integration key, and the shared-secret forms that stand in
//! where a vendor has no signature of its own. All comparisons take the same
//! time whatever they compare.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;

use super::Received;
use crate::{crypto, time::Timestamp};

/// Whether the request carries the integration key, whose digest is `key_hash`.
pub fn has_integration_key(received: &Received, key_hash: &str) -> bool {
    let presented = [
        bearer(received),
        authorization_token(received).map(str::to_owned),
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

/// Whether `base64` is the HMAC-SHA1 of `data`.
pub fn is_hmac_sha1_base64(base64: &str, secret: &str, data: &[u8]) -> bool {
    let expected = crypto::hmac_sha1(secret.as_bytes(), data);
    crypto::from_base64(base64).is_some_and(|given| crypto::same_secret(&given, &expected))
}

/// Whether `hex` is the HMAC-SHA1 of `data`, in digits of either case.
pub fn is_hmac_sha1_hex(hex: &str, secret: &str, data: &[u8]) -> bool {
    let expected = crypto::hmac_sha1(secret.as_bytes(), data);
    hex::decode(hex).is_ok_and(|given| crypto::same_secret(&given, &expected))
}

/// Whether `base64` (with padding) is the HMAC-SHA256 of `data`.
pub fn is_hmac_sha256_base64(base64: &str, secret: &str, data: &[u8]) -> bool {
    let expected = crypto::hmac_sha256(secret.as_bytes(), data);
    crypto::from_base64(base64).is_some_and(|given| crypto::same_secret(&given, &expected))
}

/// Whether the header is `sha256=` and the hex HMAC-SHA256 of the raw body; any
/// other method before the `=` is wrong.
pub fn has_sha256_header(received: &Received, name: &str, secret: &str) -> bool {
    received
        .header(name)
        .and_then(|value| value.strip_prefix("sha256="))
        .is_some_and(|hex| is_hmac_sha256_hex(hex, secret, &received.body))
}

/// Whether the request is signed as Standard Webhooks says: one `v1,<base64>`
/// of `webhook-signature` is the HMAC-SHA256 over `id.timestamp.body`. A
/// `timestamp` (unix seconds) further than `tolerance_seconds` from now is
/// refused; 0 turns that check off.
pub fn has_standard_signature(
    received: &Received,
    secret: &str,
    tolerance_seconds: u64,
    now: Timestamp,
) -> bool {
    let (Some(id), Some(sent_at), Some(signatures)) = (
        received.header("webhook-id"),
        received.header("webhook-timestamp"),
        received.header("webhook-signature"),
    ) else {
        return false;
    };
    let is_fresh = tolerance_seconds == 0
        || sent_at
            .parse::<u64>()
            .is_ok_and(|at| at.abs_diff(now.unix_seconds()) <= tolerance_seconds);
    let Some(key) = secret
        .strip_prefix("whsec_")
        .and_then(crypto::from_base64)
        .filter(|_| is_fresh)
    else {
        return false;
    };
    let head = format!("{id}.{sent_at}.");
    let expected = crypto::hmac_sha256_parts(&key, &[head.as_bytes(), &received.body]);
    signatures
        .split_ascii_whitespace()
        .filter_map(|signature| crypto::from_base64(signature.strip_prefix("v1,")?))
        .any(|given| crypto::same_secret(&given, &expected))
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
pub fn authorization_token(received: &Received) -> Option<&str> {
    let token = scheme(received, "token")?.strip_prefix("token=")?;
    Some(token.trim_matches('"'))
}

/// What follows this scheme's name in `Authorization`.
fn scheme<'a>(received: &'a Received, name: &str) -> Option<&'a str> {
    let (scheme, rest) = received.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::testing;

    fn request(headers: &[(&str, &str)], query: &[(&str, &str)]) -> Received {
        testing::request(headers, b"{\"a\":1}").with_query(query)
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

    #[test]
    fn the_published_standard_webhooks_vector_is_accepted() {
        const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        const RIGHT: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |signature: &str| {
            let headers = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", signature),
            ];
            testing::request(&headers, br#"{"test": 2432232314}"#)
        };
        let at = |seconds: u64| Timestamp::from_unix_millis(seconds * 1_000);
        let verify = |signature: &str, seconds: u64, tolerance: u64| {
            has_standard_signature(&signed(signature), SECRET, tolerance, at(seconds))
        };
        assert!(verify(RIGHT, 1_614_265_330 + 300, 300));
        assert!(verify(RIGHT, 1_614_265_330 - 300, 300));
        assert!(!verify(RIGHT, 1_614_265_330 + 301, 300));
        assert!(!verify(RIGHT, 1_614_265_330 - 301, 300));
        assert!(verify(RIGHT, 0, 0));
        assert!(verify(&format!("v1a,x v1,AAAA {RIGHT}"), 0, 0));
        for wrong in [
            "",
            "v1,",
            "v1,AAAA",
            &RIGHT[3..],
            &RIGHT.replace("v1", "v2"),
        ] {
            assert!(!verify(wrong, 0, 0), "{wrong}");
        }
        let right = signed(RIGHT);
        for secret in ["whsec_", "whsec_***", &SECRET[6..]] {
            assert!(
                !has_standard_signature(&right, secret, 0, at(0)),
                "{secret}"
            );
        }
    }

    #[test]
    fn a_method_before_the_signature_is_read() {
        // GitHub's published vector.
        const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed =
            |value: &str| testing::request(&[("x-hub-signature-256", value)], b"Hello, World!");
        let verify = |value: &str| {
            has_sha256_header(
                &signed(value),
                "x-hub-signature-256",
                "It's a Secret to Everybody",
            )
        };
        assert!(verify(&format!("sha256={HEX}")));
        for wrong in [
            HEX.to_owned(),
            format!("sha1={HEX}"),
            format!("={HEX}"),
            "sha256=".to_owned(),
        ] {
            assert!(!verify(&wrong), "{wrong}");
        }
    }

    #[test]
    fn base64_and_hex_are_not_the_same() {
        let mac = crypto::hmac_sha256(b"secret", b"{}");
        assert!(is_hmac_sha256_base64(
            &STANDARD.encode(mac),
            "secret",
            b"{}"
        ));
        assert!(!is_hmac_sha256_base64(&hex::encode(mac), "secret", b"{}"));
        assert!(!is_hmac_sha256_base64(
            STANDARD.encode(mac).trim_end_matches('='),
            "secret",
            b"{}"
        ));
        assert!(!is_hmac_sha256_base64("", "secret", b"{}"));
        let mac = hex::encode(crypto::hmac_sha1(b"secret", b"{}"));
        assert!(is_hmac_sha1_hex(&mac, "secret", b"{}"));
        assert!(!is_hmac_sha1_hex(&mac, "other", b"{}"));
    }
}
