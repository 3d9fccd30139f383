//! What keeps other sites' pages out of a browser's session: every form must
//! come from a page of ours, and our pages may do next to nothing.
//!
//! The cookie is `SameSite=Strict`, so that no other site's request has it at
//! all. Beside that, every POST must say by `Sec-Fetch-Site`, or where that is
//! missing by `Origin`, that it comes from this origin: a form token would prove
//! nothing more.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use crate::{api::Problem, layout};

/// Styles, the one script and its requests from this origin; nothing inline,
/// nothing from elsewhere, no frames.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a request was made, as the browser says: `same-origin`, `none` (by the
/// person), `same-site` or `cross-site`.
const FETCH_SITE: &str = "sec-fetch-site";

/// Lets a form of another site's page have no effect.
pub(crate) async fn refuse_foreign_forms(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    let message = "this form was not sent by a page of this console, so nothing was done";
    layout::failure(&Problem::new(StatusCode::FORBIDDEN, message)).into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, FETCH_SITE) {
        // No page can set this header, and the browser knows its own address
        // bar, whatever a proxy makes of `Host`.
        return matches!(site, "same-origin" | "none");
    }
    // Older browsers, and every browser by plain http.
    let origin = text(headers, ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| Some(host) == text(headers, HOST.as_str()))
}

/// Whether another site's page led here: the browser then leaves out the
/// cookie, although there may be a session.
pub(crate) fn is_led_here(headers: &HeaderMap) -> bool {
    let site = text(headers, FETCH_SITE);
    matches!(site, Some("cross-site" | "same-site"))
        && text(headers, "sec-fetch-mode") == Some("navigate")
}

/// Whether the browser reached us by https.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    let proto = text(headers, "x-forwarded-proto").unwrap_or_default();
    let first = proto.split(',').next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("https")
}

/// Puts the policies onto an answer.
pub(crate) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // Not `no-referrer`: with it browsers send `Origin: null` even to us.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs
            .chain([(HOST, HeaderValue::from_static("ok.example:3000"))])
            .collect()
    }

    #[test]
    fn only_our_own_forms_pass() {
        for own in [
            &[("origin", "http://ok.example:3000")][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[
                ("origin", "https://ok.example:3000"),
                ("sec-fetch-site", "same-origin"),
            ],
        ] {
            assert!(is_own(&headers(own)), "{own:?}");
        }
        for foreign in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://ok.example")],
            &[("origin", "http://ok.example:3000.evil.example")],
            &[
                ("origin", "http://ok.example:3000"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[("sec-fetch-site", "same-site")],
        ] {
            assert!(!is_own(&headers(foreign)), "{foreign:?}");
        }
    }
}
