//! Pages of lists: `limit` and an opaque `cursor`.

use std::{collections::BTreeMap, str::FromStr};

use super::{ApiError, Detail, cursor::CursorKey};
use crate::limits;

/// The query parameters of a request for a list.
#[derive(Debug, Clone)]
pub struct Query {
    path: String,
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads the query of a URI.
    pub fn of(uri: &http::Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Self {
            path: uri.path().to_owned(),
            parameters: pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        }
    }

    /// A parameter that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
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
    /// 400 for a cursor that is not of this list with these filters.
    pub fn cursor<T: FromStr>(&self, key: &CursorKey) -> Result<Option<T>, ApiError> {
        self.get("cursor")
            .map(|cursor| key.open(&self.list(), cursor))
            .transpose()
    }

    /// The cursor of the page after `last`, where there is one.
    pub fn next_cursor(&self, key: &CursorKey, last: Option<&str>) -> Option<String> {
        last.map(|last| key.seal(&self.list(), last))
    }

    /// What the answer depends on, the size and start of its page apart.
    fn list(&self) -> String {
        let mut filters = BTreeMap::new();
        for (name, _) in &self.parameters {
            if !matches!(name.as_str(), "limit" | "cursor")
                && let Some(value) = self.get(name)
            {
                filters.insert(name, value);
            }
        }
        url::form_urlencoded::Serializer::new(format!("{}?", self.path))
            .extend_pairs(filters)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(uri: &str) -> String {
        Query::of(&uri.parse().unwrap()).list()
    }

    #[test]
    fn a_list_is_its_path_and_its_filters_in_any_order() {
        assert_eq!(list("/a?b=1&c=2&limit=5"), list("/a?c=2&cursor=x&b=1&d="));
        for other in [
            "/b?b=1&c=2",
            "/a?b=1",
            "/a?b=1&c=3",
            "/a?b=1&c=2&d=4",
            "/a?b=1%26c=2",
        ] {
            assert_ne!(list("/a?b=1&c=2"), list(other), "{other}");
        }
    }
}
