//! Requests that are almost right: what a vendor sends, broken in every way
//! that somebody thought of.

use http::Method;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use super::{Fixture, Headers, TYPES, changes, fixtures, fixtures::request_of, mutated};
use crate::intake::Received;

/// Words that normalisers look for or stumble over.
const ODDITIES: [&str; 28] = [
    "",
    " ",
    "_",
    "0",
    "1",
    "1e999",
    "[",
    "[]",
    "[[",
    "é",
    "$X",
    "$X$",
    "{{x}}",
    "{{ x }}",
    "*UNKNOWN*",
    "*monitorID*",
    "open",
    "trigger",
    "firing",
    "Down",
    "ACTIVATED",
    "resolved",
    "success",
    "critical",
    "[P1] [Triggered on {é",
    "é-0123456789abcdef-1",
    "https://a.example",
    "will expire in 9 days",
];

/// Longer texts of a fixture are no words that anybody compares with.
const LONGEST_WORD: usize = 40;

/// What a vendor sends, and strategies made of it.
#[derive(Debug, Clone)]
pub struct Samples {
    fixtures: Vec<Fixture>,
    /// Field names and words, as often as they occur.
    names: Vec<String>,
    words: Vec<String>,
}

impl Samples {
    /// Those of a vendor.
    #[must_use]
    pub fn of(vendor: &str) -> Self {
        let fixtures = fixtures(vendor);
        let mut names = vec!["x".to_owned()];
        let mut words = vec!["x".to_owned()];
        for body in fixtures.iter().filter_map(Fixture::json) {
            collect_words(&body, &mut names, &mut words);
        }
        Self {
            fixtures,
            names,
            words,
        }
    }

    /// Any value, made of the vendor's field names and words and of others.
    pub fn any_json(&self) -> BoxedStrategy<Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            select(&ODDITIES[..]).prop_map(Value::from),
            select(self.words.clone()).prop_map(Value::from),
        ];
        let names = self.any_name();
        scalar
            .prop_recursive(4, 40, 6, move |inner| {
                prop_oneof![
                    vec(inner.clone(), 0..5).prop_map(Value::from),
                    vec((names.clone(), inner), 0..8)
                        .prop_map(|fields| fields.into_iter().collect()),
                ]
            })
            .boxed()
    }

    fn any_name(&self) -> BoxedStrategy<String> {
        prop_oneof![8 => select(self.names.clone()), 1 => ".{0,8}"].boxed()
    }

    /// Any object, by [`Self::any_json`]; a body is seldom anything else.
    fn any_object(&self) -> impl Strategy<Value = Value> + use<> {
        vec((self.any_name(), self.any_json()), 0..10)
            .prop_map(|fields| fields.into_iter().collect())
    }

    /// A fixture that is JSON.
    fn any_fixture(&self) -> impl Strategy<Value = (Headers, Value)> + use<> {
        let bodies: Vec<_> = self
            .fixtures
            .iter()
            .filter_map(|fixture| Some((fixture.headers.clone(), fixture.json()?)))
            .collect();
        select(bodies)
    }

    /// A fixture with values dropped, retyped or replaced.
    pub fn any_mutated(&self) -> impl Strategy<Value = Value> + use<> {
        self.any_mutant().prop_map(|(_, body)| body)
    }

    fn any_mutant(&self) -> impl Strategy<Value = (Headers, Value)> + use<> {
        (self.any_fixture(), changes(self.any_json(), 1..8))
            .prop_map(|((headers, body), changes)| (headers, mutated(&body, &changes)))
    }

    /// Any body, with the headers of the fixture that it was made of.
    fn any_body(&self) -> impl Strategy<Value = (Headers, Vec<u8>)> + use<> {
        let bytes = |value: &Value| value.to_string().into_bytes();
        let field = (self.any_name(), any_text(self.any_json()));
        let list = prop_oneof![
            self.any_fixture().prop_map(|(_, body)| body),
            self.any_json()
        ];
        let new = prop_oneof![
            2 => vec(any::<u8>(), 0..400),
            2 => "\\{\\PC*".prop_map(String::into_bytes),
            2 => vec(field, 0..6).prop_map(|fields| as_form(&fields)),
            1 => self.any_json().prop_map(move |value| bytes(&value)),
            3 => self.any_object().prop_map(move |value| bytes(&value)),
            1 => vec(list, 0..4).prop_map(move |list| bytes(&Value::from(list))),
        ];
        prop_oneof![
            11 => new.prop_map(|body| (Headers::new(), body)),
            12 => self.any_mutant().prop_map(move |(headers, body)| (headers, bytes(&body))),
            4 => self.any_cut(),
        ]
    }

    /// A fixture that ends early, has a wrong byte, or both.
    fn any_cut(&self) -> impl Strategy<Value = (Headers, Vec<u8>)> + use<> {
        let place = || prop::option::of(any::<prop::sample::Index>());
        (select(self.fixtures.clone()), place(), place(), any::<u8>()).prop_map(
            |(fixture, end, wrong, byte)| {
                let mut body = fixture.body;
                if let Some(end) = end.filter(|_| !body.is_empty()) {
                    body.truncate(end.index(body.len()));
                }
                if let Some(at) = wrong.filter(|_| !body.is_empty()) {
                    let at = at.index(body.len());
                    body[at] = byte;
                }
                (fixture.headers, body)
            },
        )
    }

    /// Any body by any transport: as one of [`TYPES`], with headers of the
    /// vendor or with one of these, sometimes with a query.
    pub fn any_request(&self, headers: &[(&str, &str)]) -> BoxedStrategy<Received> {
        let typed = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
        let typed: Vec<Headers> = TYPES.iter().map(|kind| typed(kind)).collect();
        let given = headers.iter();
        let given = given.map(|(name, value)| vec![((*name).to_owned(), (*value).to_owned())]);
        let known = self.fixtures.iter().map(|fixture| fixture.headers.clone());
        let mut known: Vec<Headers> = known.chain(given).collect();
        known.sort();
        known.dedup();
        let instead = prop_oneof![
            1 => Just(None),
            1 => select(typed).prop_map(Some),
            1 => select(known).prop_map(Some),
        ];
        let query = vec((self.any_name(), any_text(self.any_json())), 1..6);
        let query = prop::option::weighted(0.2, query);
        let method = prop_oneof![4 => Just(Method::POST), 1 => Just(Method::GET)];
        (self.any_body(), instead, query, method)
            .prop_map(|((own, body), instead, query, method)| {
                request_of(&instead.unwrap_or(own), &body)
                    .with_query(&query.unwrap_or_default())
                    .with_method(method)
            })
            .boxed()
    }
}

/// A field's text: anything, or one of these values.
pub fn any_text(values: BoxedStrategy<Value>) -> impl Strategy<Value = String> {
    prop_oneof![values.prop_map(|value| value.to_string()), ".{0,20}"]
}

fn as_form(fields: &[(String, String)]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish().into_bytes()
}

fn collect_words(value: &Value, names: &mut Vec<String>, words: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, child) in fields {
                names.push(name.clone());
                collect_words(child, names, words);
            }
        }
        Value::Array(items) => {
            for child in items {
                collect_words(child, names, words);
            }
        }
        Value::String(text) if text.len() <= LONGEST_WORD => words.push(text.clone()),
        _ => {}
    }
}
