//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::Extensions;
use lambda_http::request::RequestContext;

/// The network address of the caller: what API Gateway saw, or the other end of
/// the connection on one machine. `X-Forwarded-For` says what its sender wants
/// and is not read; behind a proxy of one's own this is the proxy.
pub fn of(extensions: &Extensions) -> Option<IpAddr> {
    let address = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.http.source_ip.as_deref()?.parse().ok()?
        }
        // Nothing else calls our functions.
        Some(_) => return None,
        None => extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip(),
    };
    // A socket that takes both families shows IPv4 as part of IPv6.
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_gateway_is_believed_and_else_the_connection() {
        let mut extensions = Extensions::new();
        assert_eq!(of(&extensions), None);
        let peer: SocketAddr = "[::ffff:192.0.2.7]:4711".parse().unwrap();
        extensions.insert(ConnectInfo(peer));
        assert_eq!(of(&extensions), "192.0.2.7".parse().ok());
        let context = serde_json::from_value(serde_json::json!({
            "routeKey": "$default", "accountId": "1", "stage": "$default", "requestId": "r",
            "apiId": "a", "timeEpoch": 0,
            "http": {"method": "GET", "path": "/", "sourceIp": "2001:db8::1"},
        }));
        extensions.insert(RequestContext::ApiGatewayV2(context.unwrap()));
        assert_eq!(of(&extensions), "2001:db8::1".parse().ok());
    }
}
