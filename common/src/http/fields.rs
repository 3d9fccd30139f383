//! Reading a JSON object field by field: every problem is told with its path,
//! and nothing unknown is passed over in silence.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ApiError, Detail};
use crate::text;

/// A field that may be left out, or be `null` to take its value away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<T> {
    /// Not in the body.
    Absent,
    /// `null`.
    Null,
    /// A value.
    Value(T),
}

impl<T> Field<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// For a change: `None` leaves it, `Some(None)` takes it away.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// The fields of a body.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    known: BTreeSet<&'static str>,
    problems: Vec<Detail>,
    is_open: bool,
}

impl Fields {
    /// The fields of this value.
    ///
    /// # Errors
    /// 400 where it is no object.
    pub fn of(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(object) => Ok(Self {
                object,
                known: BTreeSet::new(),
                problems: Vec::new(),
                is_open: false,
            }),
            _ => Err(ApiError::bad_request(
                "invalid_json",
                "the body must be a JSON object",
            )),
        }
    }

    /// Passes over unknown fields: alerts are not refused for saying more.
    #[must_use]
    pub fn open(self) -> Self {
        Self {
            is_open: true,
            ..self
        }
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Detail {
            path: path.into(),
            message: message.into(),
        });
    }

    /// Whether a field whose name starts like this has a problem.
    pub fn has_problem(&self, prefix: &str) -> bool {
        self.problems
            .iter()
            .any(|detail| detail.path.starts_with(prefix))
    }

    /// A field as it is.
    pub fn raw(&mut self, name: &'static str) -> Field<Value> {
        self.known.insert(name);
        match self.object.get(name) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(value) => Field::Value(value.clone()),
        }
    }

    /// A field read by `read`, which says what it expects where it cannot.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Field<T> {
        match self.raw(name) {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Value(value) => match read(value) {
                Ok(value) => Field::Value(value),
                Err(message) => {
                    self.problem(name, message);
                    Field::Absent
                }
            },
        }
    }

    /// One line of 1 to `max` characters, cleaned of control characters.
    pub fn line(&mut self, name: &'static str, max: usize) -> Field<String> {
        self.read(name, |value| {
            let expected = || format!("expected text of 1 to {max} characters");
            let Value::String(given) = value else {
                return Err(expected());
            };
            let cleaned = text::line(&given, usize::MAX);
            if cleaned.is_empty() || cleaned.chars().count() > max {
                Err(expected())
            } else {
                Ok(cleaned)
            }
        })
    }

    /// Text of up to `max` characters, cleaned of control characters; empty
    /// text is `null`.
    pub fn block(&mut self, name: &'static str, max: usize) -> Field<String> {
        let field = self.read(name, |value| {
            let expected = || format!("expected text of at most {max} characters");
            let Value::String(given) = value else {
                return Err(expected());
            };
            let cleaned = text::block(&given, usize::MAX);
            if cleaned.chars().count() > max {
                Err(expected())
            } else {
                Ok(cleaned)
            }
        });
        match field {
            Field::Value(text) if text.is_empty() => Field::Null,
            other => other,
        }
    }

    /// One of the words that `parse` knows.
    pub fn word<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Field<T> {
        self.read(name, |value| {
            value
                .as_str()
                .and_then(parse)
                .ok_or_else(|| format!("expected {expected}"))
        })
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str) -> Field<bool> {
        self.read(name, |value| {
            value
                .as_bool()
                .ok_or_else(|| "expected true or false".to_owned())
        })
    }

    /// A whole number of this range.
    pub fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Field<u64> {
        self.read(name, |value| {
            let number = whole(&value).filter(|number| range.contains(number));
            number.ok_or_else(|| {
                format!(
                    "expected a number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
        })
    }

    /// A list of at most `max` words that `parse` knows; repeated ones count once.
    pub fn words<T: PartialEq>(
        &mut self,
        name: &'static str,
        max: usize,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Field<Vec<T>> {
        let items = match self.read(name, |value| match value {
            Value::Array(items) if items.len() <= max => Ok(items),
            _ => Err(format!("expected a list of at most {max} entries")),
        }) {
            Field::Absent => return Field::Absent,
            Field::Null => return Field::Null,
            Field::Value(items) => items,
        };
        let mut words = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.as_str().and_then(&parse) {
                Some(word) if words.contains(&word) => {}
                Some(word) => words.push(word),
                None => self.problem(format!("{name}[{index}]"), format!("expected {expected}")),
            }
        }
        Field::Value(words)
    }

    /// An object, for reading its own fields.
    pub fn object(&mut self, name: &'static str) -> Field<Fields> {
        self.read(name, |value| {
            Fields::of(value).map_err(|_| "expected an object".to_owned())
        })
    }

    /// A list of at most `max` objects, each for reading its own fields.
    pub fn objects(&mut self, name: &'static str, max: usize) -> Field<Vec<Fields>> {
        let expected = format!("expected a list of at most {max} objects");
        self.read(name, |value| match value {
            Value::Array(items) if items.len() <= max => {
                let objects = items.into_iter().map(Fields::of);
                objects.collect::<Result<_, _>>().map_err(|_| expected)
            }
            _ => Err(expected),
        })
    }

    /// The value of a field that has no `null`; notes one.
    pub fn not_null<T>(&mut self, name: &'static str, field: Field<T>) -> Option<T> {
        if matches!(field, Field::Null) {
            self.problem(name, "cannot be null");
        }
        field.value()
    }

    /// Takes over the problems of an object read with [`Self::object`].
    pub fn absorb(&mut self, name: &str, mut inner: Fields) {
        inner.note_unknown();
        self.problems
            .extend(inner.problems.into_iter().map(|detail| Detail {
                path: format!("{name}.{}", detail.path),
                ..detail
            }));
    }

    /// The value of a field that must be there; notes its absence.
    pub fn required<T>(&mut self, name: &'static str, field: Field<T>) -> Option<T> {
        self.must_have(name, &field);
        field.value()
    }

    /// Notes the absence of a field that must be there.
    pub fn must_have<T>(&mut self, name: &'static str, field: &Field<T>) {
        if !matches!(field, Field::Value(_)) && !self.has_problem(name) {
            self.problem(name, "is required");
        }
    }

    fn note_unknown(&mut self) {
        if self.is_open {
            return;
        }
        let unknown: Vec<String> = self
            .object
            .keys()
            .filter(|key| !self.known.contains(key.as_str()))
            .cloned()
            .collect();
        for key in unknown {
            self.problem(
                text::cut(&key, 100).to_owned(),
                "is not a field of this request",
            );
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with everything that was wrong, unknown fields included.
    pub fn finish(mut self) -> Result<(), ApiError> {
        self.note_unknown();
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid(self.problems))
        }
    }
}

/// A whole number, also one that is written with a fraction of zero: JSON
/// does not tell them apart, and some writers have one kind of number only.
fn whole(value: &Value) -> Option<u64> {
    // Up to here every whole number has a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let is_whole = number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
        is_whole.then_some(number as u64)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_is_told_with_its_path() {
        let mut fields =
            Fields::of(json!({"name": 7, "events": ["a", "x"], "extra": 1, "filter": {"nope": 1}}))
                .unwrap();
        let name = fields.line("name", 10);
        assert_eq!(fields.required("name", name), None);
        fields.words("events", 5, "a or b", |word| {
            ["a", "b"].contains(&word).then(|| word.to_owned())
        });
        let url = fields.line("url", 10);
        assert_eq!(fields.required("url", url), None);
        let inner = fields.object("filter").value().unwrap();
        fields.absorb("filter", inner);
        let problems: Vec<_> = {
            fields.note_unknown();
            fields
                .problems
                .iter()
                .map(|detail| detail.path.as_str())
                .collect()
        };
        assert_eq!(
            problems,
            ["name", "events[1]", "url", "filter.nope", "extra"]
        );
    }

    #[test]
    fn a_fraction_of_zero_is_whole() {
        for (text, number) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("7e2", Some(700)),
            ("-0.0", Some(0)),
            ("7.5", None),
            ("-7.0", None),
            ("1e300", None),
            ("\"7\"", None),
        ] {
            assert_eq!(
                whole(&serde_json::from_str(text).unwrap()),
                number,
                "{text}"
            );
        }
    }

    #[test]
    fn null_takes_away_and_absence_leaves() {
        let mut fields = Fields::of(json!({"a": null, "b": "x"})).unwrap();
        assert_eq!(fields.line("a", 5).change(), Some(None));
        assert_eq!(fields.line("b", 5).change(), Some(Some("x".to_owned())));
        assert_eq!(fields.line("c", 5).change(), None);
    }
}
