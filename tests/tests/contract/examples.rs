//! The examples of the document fit their schemas.

use std::fs;

use serde_json::Value;

use crate::document::Document;

#[test]
fn every_example_fits_its_schema() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../functions/settings/openapi.json"
    );
    let text = fs::read_to_string(path).expect("the document");
    let document = Document::new(serde_json::from_str(&text).expect("JSON"));
    let mut checked = 0;
    let schemas = document.root()["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for (name, schema) in schemas {
        let listed = schema["examples"].as_array().into_iter().flatten();
        for example in listed.chain(schema.get("example")) {
            check(&document, schema, example, name);
            checked += 1;
        }
    }
    check_contents(&document, document.root(), "", &mut checked);
    assert!(checked > 60, "only {checked} examples");
}

/// Every object with a schema and examples beside it.
fn check_contents(document: &Document, value: &Value, at: &str, checked: &mut usize) {
    match value {
        Value::Object(object) => {
            if let Some(schema) = object.get("schema") {
                let named = object.get("examples").and_then(Value::as_object);
                let named = named.into_iter().flatten().map(|(_, one)| &one["value"]);
                for example in named.chain(object.get("example")) {
                    check(document, schema, example, at);
                    *checked += 1;
                }
            }
            for (key, inner) in object {
                check_contents(document, inner, &format!("{at}/{key}"), checked);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                check_contents(document, inner, &format!("{at}/{index}"), checked);
            }
        }
        _ => {}
    }
}

fn check(document: &Document, schema: &Value, example: &Value, what: &str) {
    let validator = document.validator(schema);
    let problems: Vec<String> = validator
        .iter_errors(example)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {example}\n{problems:#?}");
}
