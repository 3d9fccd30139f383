//! The frame around every page.

use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use crate::{api::Problem, assets};

/// A part of the console, as the navigation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Incidents,
    Services,
    Webhooks,
    Queue,
    Keys,
    Audit,
}

const SECTIONS: [(Section, &str, &str); 6] = [
    (Section::Incidents, "/", "Incidents"),
    (Section::Services, "/services", "Services"),
    (Section::Webhooks, "/webhooks", "Webhooks"),
    (Section::Queue, "/queue", "Queue"),
    (Section::Keys, "/keys", "Keys"),
    (Section::Audit, "/audit", "Audit"),
];

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    status: StatusCode,
    title: String,
    frame: Frame,
    /// Where a reload leads to, on a page that answers a form.
    here: Option<String>,
    body: Markup,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    Bare,
    Within(Option<Section>),
}

impl Page {
    /// A page of a part of the console.
    pub(crate) fn new(section: Section, title: &str, body: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            title: format!("{title} · OpsKnight"),
            frame: Frame::Within(Some(section)),
            here: None,
            body,
        }
    }

    /// A page without navigation.
    pub(crate) fn bare(title: &str, body: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            title: title.to_owned(),
            frame: Frame::Bare,
            here: None,
            body,
        }
    }

    /// The same with this status code.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The status code of what is wrong with the page's form.
    pub(crate) fn with_problem(self, problem: Option<&Problem>) -> Self {
        match problem {
            Some(problem) => self.with_status(problem.status),
            None => self,
        }
    }

    /// On a page that answers a form: where a reload leads to, so that it does
    /// not send the form again.
    pub(crate) fn at(self, path: impl Into<String>) -> Self {
        Self {
            here: Some(path.into()),
            ..self
        }
    }

    fn markup(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (self.title) }
                    link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::STYLE.address());
                    script src=(assets::SCRIPT.address()) defer {}
                }
                body {
                    @if let Frame::Within(section) = self.frame { (navigation(section)) }
                    main id="main" class=[matches!(self.frame, Frame::Bare).then_some("bare")]
                        data-here=[self.here.as_deref()] {
                        (self.body)
                    }
                }
            }
        }
    }
}

fn navigation(current: Option<Section>) -> Markup {
    html! {
        a.skip href="#main" { "Skip to the page" }
        header {
            nav aria-label="Console" {
                @for (section, path, name) in SECTIONS {
                    a href=(path) aria-current=[(current == Some(section)).then_some("page")] { (name) }
                }
                form method="post" action="/logout" { button.plain type="submit" { "Log out" } }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, Html(self.markup().into_string())).into_response()
    }
}

/// What the API's refusal of a whole page becomes. A key that is valid no more
/// ends the session.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            Redirect::to("/login").into_response()
        } else {
            failure(&self).into_response()
        }
    }
}

/// The page of a problem.
pub(crate) fn failure(problem: &Problem) -> Page {
    let title = match problem.status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        status if status.is_server_error() => "Not available",
        _ => "Not done",
    };
    let advice = match problem.status {
        StatusCode::FORBIDDEN if !problem.code.is_empty() => {
            "Log out and in again with a key that may do this."
        }
        status if status.is_server_error() => "Try again in a few seconds.",
        _ => "",
    };
    let body = html! {
        h1 { (title) }
        div.notice.bad role="alert" { p { (problem.message) } @if !advice.is_empty() { p { (advice) } } }
        p { a.button href="/" { "Open incidents" } }
    };
    Page {
        status: problem.status,
        title: format!("{title} · OpsKnight"),
        frame: Frame::Within(None),
        here: None,
        body,
    }
}

/// The page where there is none.
pub(crate) fn missing(message: &str) -> Page {
    failure(&Problem::new(StatusCode::NOT_FOUND, message))
}

/// What cannot be undone: the button shows after a first tap, without a script.
pub(crate) fn confirmed(action: &str, first: &str, warning: &str, second: &str) -> Markup {
    html! {
        details.confirm {
            summary.button { (first) }
            form.card method="post" action=(action) {
                p { (warning) }
                button.danger type="submit" { (second) }
            }
        }
    }
}
