//! Logging in and out. The session is its cookie; nothing is kept on our side.

use std::time::Duration;

use axum::{
    extract::{OriginalUri, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use common::{http::page::Query, time::Timestamp};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{COOKIE, SET_COOKIE},
    request::Parts,
};
use maud::html;

use crate::{
    App,
    api::{Api, Problem, with_query},
    browser,
    form::Form,
    input::Fields,
    layout::{self, Page},
};

/// A session ends after this: a shift.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// The cookie by https: `__Host-` makes browsers take it from this very host
/// only, by https only and for all paths.
const SECURE_COOKIE: &str = "__Host-opsknight";
/// The cookie by http, on one machine.
const PLAIN_COOKIE: &str = "opsknight";

/// The key in the request's cookie.
pub(crate) fn token(app: &App, parts: &Parts) -> Option<String> {
    let wanted = cookie_name(&parts.headers);
    let lines = parts.headers.get_all(COOKIE).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .find_map(|(_, value)| app.seal.open(value, Timestamp::now()))
}

/// The answer where there is no session.
pub(crate) fn missing(parts: &Parts) -> Response {
    let asked = parts.extensions.get::<OriginalUri>();
    let asked = asked.map_or(&parts.uri, |original| &original.0);
    let here = asked.path_and_query().map_or("/", |path| path.as_str());
    if parts.method != Method::GET {
        return Redirect::to("/login").into_response();
    }
    if browser::is_led_here(&parts.headers) {
        return continued(here).into_response();
    }
    let next = if here == "/" { "" } else { here };
    Redirect::to(&with_query("/login", &[("next", next)])).into_response()
}

/// A link on another site led here, and the browser kept the cookie back. From
/// this page it sends it.
fn continued(here: &str) -> Page {
    let here = local(here);
    Page::bare(
        "OpsKnight",
        html! {
            h1 { "OpsKnight" }
            p { a.button.main data-continue href=(here) { "Open the console" } }
        },
    )
}

/// `GET /login`
pub(crate) async fn form(request: Request) -> Page {
    let query = Query::of(request.uri());
    let mut form = Form::default();
    form.set("next", query.get("next").unwrap_or_default());
    page(&form, None)
}

fn page(form: &Form, problem: Option<&Problem>) -> Page {
    let fields = Fields::new("login", form, problem);
    let page = Page::bare(
        "Log in · OpsKnight",
        html! {
            h1 { "OpsKnight" }
            form.card method="post" action="/login" {
                (fields.summary())
                input type="hidden" name="next" value=(local(form.get("next")));
                // Password managers keep a key under a name.
                input type="text" name="username" value="OpsKnight" autocomplete="username" hidden;
                (fields.credential("key", "API key", "An API key of yours, or the admin key of the deployment."))
                div.row { button.main type="submit" { "Log in" } }
                p.hint { "You stay logged in for 12 hours. The key is kept in an encrypted cookie of this browser, nowhere else." }
            }
        },
    );
    page.with_status(problem.map_or(StatusCode::OK, |problem| problem.status))
}

/// `POST /login`
pub(crate) async fn log_in(State(app): State<App>, request: Request) -> Response {
    let (parts, payload) = request.into_parts();
    let mut form = match Form::read(payload).await {
        Ok(form) => form,
        Err(problem) => return layout::failure(&problem).into_response(),
    };
    let key = form.get("key").trim().to_owned();
    // Never back into the page.
    form.set("key", "");
    match open(&app, &parts, &key).await {
        Ok(cookie) => {
            let mut response = Redirect::to(local(form.get("next"))).into_response();
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
        Err(problem) => page(&form, Some(&problem)).into_response(),
    }
}

/// The cookie for a key that the API takes.
async fn open(app: &App, parts: &Parts, key: &str) -> Result<HeaderValue, Problem> {
    let wrong = || Problem::new(StatusCode::UNAUTHORIZED, "This key is not valid.");
    let api = Api::new(app, parts, key).filter(|_| !key.is_empty());
    let api = api.ok_or_else(wrong)?;
    let mut answer = api.get("/api/incidents?limit=1").await;
    if matches!(&answer, Err(problem) if problem.is_forbidden()) {
        answer = api.get("/api/services").await;
    }
    match answer {
        Ok(_) => {}
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => return Err(wrong()),
        Err(problem) if problem.is_forbidden() => {
            let message = "This key may read neither incidents nor settings.";
            return Err(Problem::new(StatusCode::FORBIDDEN, message));
        }
        Err(problem) => return Err(problem),
    }
    let sealed = app.seal.close(key, Timestamp::now().after(SESSION_LIFE));
    let sealed = sealed.ok_or_else(wrong)?;
    cookie(&parts.headers, &sealed, SESSION_LIFE).ok_or_else(wrong)
}

/// `POST /logout`
pub(crate) async fn log_out(headers: HeaderMap) -> Response {
    let mut response = Redirect::to("/login").into_response();
    if let Some(cookie) = cookie(&headers, "", Duration::ZERO) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn cookie_name(headers: &HeaderMap) -> &'static str {
    if browser::is_https(headers) {
        SECURE_COOKIE
    } else {
        PLAIN_COOKIE
    }
}

fn cookie(headers: &HeaderMap, value: &str, life: Duration) -> Option<HeaderValue> {
    let name = cookie_name(headers);
    let secure = if browser::is_https(headers) {
        "; Secure"
    } else {
        ""
    };
    let seconds = life.as_secs();
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

/// This path, if it is one of ours; else the first page. What a link or form
/// names must not lead to another site.
pub(crate) fn local(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for path in ["/", "/incidents/inc_1?x=%20y"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\tx",
            "javascript:x",
            "/\n/x",
        ] {
            assert_eq!(local(path), "/", "{path:?}");
        }
    }
}
