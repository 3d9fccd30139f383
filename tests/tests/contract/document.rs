//! The document, read as a test needs it.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jsonschema::Validator;
use opsknight_tests::Answer;
use serde_json::{Value, json};

/// A status and an error code that the document promises; success answers, and
/// the refusals of vendors' own, have no code.
pub(crate) type Outcome = (u16, Option<String>);

/// The document.
pub(crate) struct Document {
    root: Value,
    validators: BTreeMap<(String, u16), Validator>,
}

/// An operation of it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    value: Value,
}

impl Document {
    pub(crate) fn new(root: Value) -> Self {
        let mut document = Self {
            root,
            validators: BTreeMap::new(),
        };
        for operation in document.operations() {
            for (status, response) in document.responses(&operation) {
                let schema = response.pointer("/content/application~1json/schema");
                if let Some(schema) = schema {
                    let validator = document.validator(schema);
                    let key = (operation.id.clone(), status);
                    document.validators.insert(key, validator);
                }
            }
        }
        document
    }

    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// A validator of a schema of the document.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({ "allOf": [schema], "components": self.root["components"] });
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&whole)
            .expect("a valid schema")
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.root["paths"].as_object().expect("paths");
        let mut operations = Vec::new();
        for (path, item) in paths {
            for (method, value) in item.as_object().expect("operations") {
                operations.push(Operation {
                    id: value["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    value: value.clone(),
                });
            }
        }
        operations
    }

    /// The answers that an operation documents.
    fn responses(&self, operation: &Operation) -> BTreeMap<u16, Value> {
        let responses = operation.value["responses"].as_object().expect("responses");
        let responses = responses.iter().map(|(status, response)| {
            let response = match response["$ref"].as_str() {
                Some(reference) => self.root.pointer(&reference[1..]).expect("a component"),
                None => response,
            };
            (status.parse().expect("a status"), response.clone())
        });
        responses.collect()
    }

    /// Everything that an operation promises to answer.
    pub(crate) fn outcomes(&self, operation: &Operation) -> BTreeSet<Outcome> {
        let mut outcomes = BTreeSet::new();
        for (status, response) in self.responses(operation) {
            let codes =
                response.pointer("/content/application~1json/schema/allOf/1/properties/code/enum");
            match codes.and_then(Value::as_array) {
                Some(codes) => outcomes.extend(
                    codes
                        .iter()
                        .map(|code| (status, code.as_str().map(str::to_owned))),
                ),
                None => {
                    outcomes.insert((status, None));
                }
            }
        }
        outcomes
    }

    /// Holds an answer to the document.
    ///
    /// # Panics
    /// Where the document does not have it.
    pub(crate) fn check(&self, operation: &Operation, answer: &Answer) -> Outcome {
        let status = answer.status.as_u16();
        let what = format!("{} answered {status}: {}", operation.id, answer.body);
        let responses = self.responses(operation);
        let response = responses
            .get(&status)
            .unwrap_or_else(|| panic!("undocumented: {what}"));
        let headers = response["headers"].as_object();
        for (name, header) in headers.into_iter().flatten() {
            let shared = header["$ref"].as_str().map(|text| &text[1..]);
            let header = shared
                .and_then(|text| self.root.pointer(text))
                .unwrap_or(header);
            let is_there = answer.headers.contains_key(name);
            assert!(is_there || header["required"] != true, "no {name}: {what}");
        }
        match self.validators.get(&(operation.id.clone(), status)) {
            Some(validator) => {
                let kind = answer.headers.get("content-type");
                assert_eq!(
                    kind.map(|kind| kind.as_bytes()),
                    Some(&b"application/json"[..]),
                    "{what}"
                );
                let problems: Vec<String> = validator
                    .iter_errors(&answer.body)
                    .map(|problem| format!("{}: {problem}", problem.instance_path()))
                    .collect();
                assert!(problems.is_empty(), "{what}\n{problems:#?}");
            }
            None => assert!(answer.bytes.is_empty(), "{what}"),
        }
        let codes = self.outcomes(operation);
        let code = answer.body["code"].as_str().map(str::to_owned);
        if codes.contains(&(status, None)) {
            (status, None)
        } else {
            (status, code)
        }
    }
}

impl Operation {
    /// The scope that its callers' API keys need, where they need one at all.
    pub(crate) fn scope(&self) -> Option<&str> {
        match self.value["security"].as_array()?.as_slice() {
            [only] => only["apiKey"][0].as_str(),
            _ => None,
        }
    }

    /// Whether it is of the management API.
    pub(crate) fn needs_api_key(&self) -> bool {
        self.scope().is_some()
    }

    pub(crate) fn has_body(&self) -> bool {
        !self.value["requestBody"].is_null()
    }
}
