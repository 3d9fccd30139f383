//! Pages of lists: `limit` and an opaque `cursor`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::str::FromStr;

use super::{ApiError, Detail};
use crate::limits;

/// The query parameters of a request.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of a URI.
    pub fn of(uri: &http::Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// A parameter that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A parameter read by `parse`.
    ///
    /// # Errors
    /// 400 where it is there and cannot be read.
    pub fn parsed<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|text| {
                let message = format!("expected {expected}");
                parse(text).ok_or_else(|| {
                    ApiError::invalid(vec![Detail {
                        path: name.to_owned(),
                        message,
                    }])
                })
            })
            .transpose()
    }

    /// How many entries are wanted: [`limits::PAGE_DEFAULT`] unless said, at
    /// most [`limits::PAGE_MAX`].
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.parsed("limit", "a number from 1 to 100", |text| {
            let limit = text.parse().ok();
            limit.filter(|limit| (1..=limits::PAGE_MAX).contains(limit))
        })?;
        Ok(limit.unwrap_or(limits::PAGE_DEFAULT))
    }

    /// Where the page starts.
    ///
    /// # Errors
    /// 400 for a cursor that we did not make.
    pub fn cursor<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        self.parsed("cursor", "the nextCursor of an earlier answer", read_cursor)
    }
}

/// What a cursor stands for, where we made it.
pub fn read_cursor<T: FromStr>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}

/// The cursor of the page after `last`.
pub fn cursor(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}
