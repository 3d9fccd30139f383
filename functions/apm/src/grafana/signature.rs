//! Grafana's signature: HMAC-SHA256 in hex over the body or, with the timestamp
//! header, over `<timestamp>:<body>` (grafana/alerting, `http/hmac.go`).

use common::intake::{Context, Received, credentials};

const SIGNATURE_HEADERS: &[&str] = &["x-grafana-alerting-signature", "x-grafana-signature"];
const TIMESTAMP_HEADER: &str = "x-grafana-alerting-timestamp";
/// How far the sender's clock may be off, and how old a request may be, seconds.
const TOLERANCE_SECONDS: u64 = 300;

pub(super) fn is_valid(received: &Received, secret: &str, context: &Context<'_>) -> bool {
    let settings = context.settings();
    let timestamp = received.header(settings.text("timestampHeader").unwrap_or(TIMESTAMP_HEADER));
    if timestamp.is_some_and(|timestamp| !is_recent(timestamp, context)) {
        return false;
    }
    let signed = match timestamp {
        Some(timestamp) => [timestamp.as_bytes(), b":", &received.body].concat(),
        None => received.body.to_vec(),
    };
    let is_signature = |name: &str| {
        received
            .header(name)
            .is_some_and(|given| credentials::is_hmac_sha256_hex(given, secret, &signed))
    };
    match settings.text("signatureHeader") {
        Some(name) => is_signature(name.trim()),
        None => SIGNATURE_HEADERS.iter().any(|name| is_signature(name)),
    }
}

/// Whether these unix seconds are near enough; a tolerance of 0 takes any.
fn is_recent(timestamp: &str, context: &Context<'_>) -> bool {
    let tolerance = context
        .settings()
        .number("timestampToleranceSeconds")
        .unwrap_or(TOLERANCE_SECONDS);
    tolerance == 0
        || timestamp
            .parse::<u64>()
            .is_ok_and(|sent| sent.abs_diff(context.now.unix_seconds()) <= tolerance)
}

#[cfg(test)]
mod tests {
    use common::{
        crypto,
        intake::testing::{integration, request},
        time::Timestamp,
    };
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_789_352_540;

    fn is_accepted(headers: &[(&'static str, &str)], settings: serde_json::Value) -> bool {
        let received = request(headers, b"{}");
        let integration = integration("grafana", &settings);
        let context = Context {
            integration: &integration,
            now: Timestamp::from_unix_millis(NOW * 1_000),
            address: None,
        };
        is_valid(&received, "secret", &context)
    }

    fn sign(data: &str) -> String {
        crypto::hmac_sha256(b"secret", data.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn a_timestamp_is_part_of_what_is_signed() {
        let name = SIGNATURE_HEADERS[0];
        for (sent, expected) in [
            (NOW, true),
            (NOW - 300, true),
            (NOW + 300, true),
            (NOW - 301, false),
            (NOW + 301, false),
        ] {
            let timed = sign(&format!("{sent}:{{}}"));
            let sent = sent.to_string();
            let headers = [(name, timed.as_str()), (TIMESTAMP_HEADER, sent.as_str())];
            assert_eq!(is_accepted(&headers, json!({})), expected, "{sent}");
        }
        let body_only = sign("{}");
        let now = NOW.to_string();
        assert!(is_accepted(&[(name, &body_only)], json!({})));
        assert!(!is_accepted(
            &[(name, &body_only), (TIMESTAMP_HEADER, &now)],
            json!({})
        ));
        let old = sign("1:{}");
        let unchecked = json!({"timestampToleranceSeconds": 0});
        assert!(is_accepted(
            &[(name, &old), (TIMESTAMP_HEADER, "1")],
            unchecked
        ));
    }

    #[test]
    fn a_configured_header_is_the_only_one() {
        let signature = sign("{}").to_uppercase();
        let custom = json!({"signatureHeader": "X-Custom"});
        assert!(is_accepted(
            &[("x-grafana-signature", &signature)],
            json!({})
        ));
        assert!(is_accepted(&[("x-custom", &signature)], custom.clone()));
        assert!(!is_accepted(&[(SIGNATURE_HEADERS[0], &signature)], custom));
        let prefixed = format!("sha256={signature}");
        assert!(!is_accepted(
            &[(SIGNATURE_HEADERS[0], &prefixed)],
            json!({})
        ));
        assert!(!is_accepted(
            &[],
            json!({"signatureHeader": "not a header"})
        ));
    }
}
