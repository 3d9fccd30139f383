//! Signatures of outgoing deliveries: `X-Webhook-Signature` and Standard
//! Webhooks (<https://github.com/standard-webhooks/standard-webhooks>).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::crypto;

/// `sha256=` and the hex HMAC-SHA256 of the body, keyed with the secret's text.
pub fn body_signature(secret: &str, body: &[u8]) -> String {
    format!(
        "sha256={}",
        hex::encode(crypto::hmac_sha256(secret.as_bytes(), body))
    )
}

/// The `webhook-signature` header: one `v1,…` per secret over
/// `id.timestamp.body`. A secret of the form `whsec_…` is used decoded, any
/// other as its text.
pub fn standard_signature<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    id: &str,
    unix_seconds: u64,
    body: &[u8],
) -> String {
    let head = format!("{id}.{unix_seconds}.");
    let signatures: Vec<String> = secrets
        .into_iter()
        .map(|secret| {
            let mac = crypto::hmac_sha256_parts(&standard_key(secret), &[head.as_bytes(), body]);
            format!("v1,{}", STANDARD.encode(mac))
        })
        .collect();
    signatures.join(" ")
}

fn standard_key(secret: &str) -> Vec<u8> {
    secret
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_standard_webhooks_vector() {
        let signature = standard_signature(
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn matches_openssl() {
        // printf '{"event":"incident.created"}' | openssl dgst -sha256 -hmac 'a-secret-of-16-chars'
        assert_eq!(
            body_signature("a-secret-of-16-chars", br#"{"event":"incident.created"}"#),
            "sha256=7bee46b7db9843210f2f01c39200aa3c8a8c9e54018d14c44a1d1bffed6c718c"
        );
    }

    #[test]
    fn signs_once_per_valid_secret() {
        let signature = standard_signature(
            ["new-secret-new-secret", "old-secret-old-secret"],
            "evt_1",
            1,
            b"{}",
        );
        assert_eq!(
            signature
                .split(' ')
                .filter(|part| part.starts_with("v1,"))
                .count(),
            2
        );
    }
}
