//! What a form sent.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    response::{IntoResponse as _, Response},
};
use common::{http::body, limits};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{api::Problem, layout};

/// Names and values, as they were typed. Also what a form starts with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The form in a body.
    pub(crate) async fn read(payload: Body) -> Result<Self, Problem> {
        let bytes = body::read(payload, limits::API_BODY_BYTES)
            .await
            .map_err(|error| Problem::new(error.status(), error.message()))?;
        let pairs = url::form_urlencoded::parse(&bytes);
        // Browsers end the lines of a text area with both.
        Ok(Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")))
                .collect(),
        ))
    }

    /// The value of this name, empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let first = self.0.iter().find(|(key, _)| key == name);
        first.map_or("", |(_, value)| value)
    }

    /// All values of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether one of this name's values is this.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|one| one == value)
    }

    /// Makes this the only value of the name.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(key, _)| key != name);
        self.add(name, value);
    }

    /// Adds a value.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// A form that starts with these texts of an object of the API.
    pub(crate) fn of(object: &Value, names: &[&str]) -> Self {
        let mut form = Self::default();
        for name in names {
            match &object[*name] {
                Value::Null => {}
                Value::String(text) => form.add(name, text),
                other => form.add(name, &other.to_string()),
            }
        }
        form
    }

    /// The text of a field, `null` where nothing was typed.
    pub(crate) fn text_or_null(&self, name: &str) -> Value {
        match self.get(name) {
            text if text.trim().is_empty() => Value::Null,
            text => Value::from(text),
        }
    }

    /// The number of a field. What is no number stays text, for the API to say
    /// so.
    pub(crate) fn number(&self, name: &str) -> Value {
        let text = self.get(name).trim();
        text.parse::<u64>()
            .map_or_else(|_| self.text_or_null(name), Value::from)
    }

    /// A moment in UTC, as the API takes it.
    pub(crate) fn moment(&self, name: &str) -> Option<String> {
        match self.get(name).trim() {
            "" => None,
            // Browsers leave seconds out where they are zero.
            text if text.len() == "2026-01-15T10:30".len() => Some(format!("{text}:00Z")),
            text => Some(format!("{text}Z")),
        }
    }

    /// Whether a box is ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.has(name, "true")
    }

    /// A list of all values of a name.
    pub(crate) fn list(&self, name: &str) -> Value {
        json!(self.all(name).collect::<Vec<_>>())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        Self::read(request.into_body())
            .await
            .map_err(|problem| layout::failure(&problem).into_response())
    }
}

/// A field that the form itself finds wrong.
pub(crate) fn invalid(path: &str, message: &str) -> Problem {
    Problem {
        details: vec![(path.to_owned(), message.to_owned())],
        ..Problem::new(StatusCode::BAD_REQUEST, &format!("{path}: {message}"))
    }
}
