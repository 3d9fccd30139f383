//! Headers that nobody but us sets.

use http::{HeaderMap, HeaderName};

/// Headers of the connection: they say where a message goes and where it ends.
/// A second opinion about that is how requests are smuggled.
const CONNECTION: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that the product's contract with receivers speaks of.
const OURS: &[&str] = &[
    "accept-encoding",
    "content-encoding",
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Whether a webhook's custom headers may not have this name.
pub fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    is_connection(name) || OURS.contains(&name) || name.starts_with("x-webhook-")
}

fn is_connection(name: &str) -> bool {
    CONNECTION.contains(&name) || name.starts_with("proxy-")
}

/// Takes out what only the HTTP client itself may say, whoever put it in.
pub(super) fn without_connection_headers(mut headers: HeaderMap) -> HeaderMap {
    let names = headers.keys();
    let taken: Vec<HeaderName> = names
        .filter(|name| is_connection(name.as_str()))
        .cloned()
        .collect();
    for name in taken {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_connection_is_the_clients_own() {
        let mut headers = HeaderMap::new();
        for name in [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "proxy-authorization",
            "x-token",
        ] {
            headers.append(name, HeaderValue::from_static("a"));
            headers.append(name, HeaderValue::from_static("b"));
        }
        let left = without_connection_headers(headers);
        assert_eq!(left.keys().collect::<Vec<_>>(), ["x-token"]);
        assert_eq!(left.get_all("x-token").iter().count(), 2);
    }

    #[test]
    fn what_we_sign_and_say_cannot_be_set() {
        for name in [
            "Host",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "User-Agent",
            "X-Webhook-Signature",
            "X-Webhook-Anything",
            "webhook-id",
            "Proxy-Authorization",
            "Accept-Encoding",
        ] {
            let name: HeaderName = name.parse().unwrap();
            assert!(is_reserved(&name), "{name}");
        }
        for name in ["authorization", "cookie", "x-token", "x-webhooks"] {
            assert!(!is_reserved(&HeaderName::from_static(name)), "{name}");
        }
    }
}
