//! Vendor cases: data that says what is sent and what must come of it
//! (`shared/vendors/README.md`, "Test cases").

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Answer, Integration, World, world::text};

/// A case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// `vendor/slug`
    pub name: String,
    /// The provider.
    pub provider: String,
    #[serde(default)]
    signature_secret: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    body: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default)]
    query: BTreeMap<String, Value>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    path: Option<String>,
    #[serde(default)]
    expect_body: Map<String, Value>,
    expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
struct Expect {
    status: u16,
    results: Option<Vec<Value>>,
}

fn post() -> String {
    "POST".to_owned()
}

/// Where the cases and their payloads are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vendors")
}

/// All cases, of every `cases-*.json`.
///
/// # Panics
/// Where one cannot be read.
pub fn all() -> Vec<Case> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| -> Vec<Case> {
            let bytes = fs::read(file).expect("a manifest");
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect()
}

/// Runs a case against a fresh service and integration. Answers what is wrong.
pub async fn run(world: &World, case: &Case) -> Result<(), String> {
    let service = world
        .service(&case.name.chars().take(100).collect::<String>())
        .await;
    let body = json!({
        "type": case.provider,
        "name": case.provider,
        "signatureSecret": case.signature_secret,
        "settings": settings(&case.settings),
    });
    let integration = world.integration_of(&service, body).await;
    let mut incidents = HashMap::new();
    for (index, step) in case.steps.iter().enumerate() {
        let answer = send(world, &integration, step).await;
        check(step, &answer, &mut incidents).map_err(|what| {
            format!(
                "{} step {}: {what}\n  answer: {}",
                case.name,
                index + 1,
                answer.body
            )
        })?;
    }
    Ok(())
}

/// A setting whose name ends in `Pem` names a file that holds it.
fn settings(given: &Map<String, Value>) -> Map<String, Value> {
    given
        .iter()
        .map(
            |(name, value)| match value.as_str().filter(|_| name.ends_with("Pem")) {
                Some(file) => {
                    let pem = fs::read_to_string(folder().join(file)).expect("a PEM file");
                    (name.clone(), Value::from(pem))
                }
                None => (name.clone(), value.clone()),
            },
        )
        .collect()
}

async fn send(world: &World, integration: &Integration, step: &Step) -> Answer {
    let bytes = if step.body.is_empty() {
        Vec::new()
    } else {
        fs::read(folder().join(&step.body)).expect("a payload")
    };
    let filled = |text: &str| text.replace("{{INTEGRATION_KEY}}", &integration.key);
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => filled(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let mut url = match &step.path {
        Some(path) => format!("{}{}", world.url(), filled(path)),
        None => integration.url.clone(),
    };
    for (name, value) in &step.query {
        let value = value.as_str().map_or_else(|| value.to_string(), filled);
        let pair: String = url_encoded(name, &value);
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&pair);
    }
    let headers: Vec<(String, String)> = step
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), filled(value)))
        .collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let method = Method::from_bytes(step.method.as_bytes()).expect("a method");
    world.send(method, &url, &headers, bytes).await
}

fn url_encoded(name: &str, value: &str) -> String {
    let mut url = reqwest::Url::parse("http://localhost").expect("a URL");
    url.query_pairs_mut().append_pair(name, value);
    url.query().unwrap_or_default().to_owned()
}

fn check(
    step: &Step,
    answer: &Answer,
    incidents: &mut HashMap<String, String>,
) -> Result<(), String> {
    if answer.status.as_u16() != step.expect.status {
        return Err(format!(
            "status {} instead of {}",
            answer.status.as_u16(),
            step.expect.status
        ));
    }
    for (field, expected) in &step.expect_body {
        check_field(field, expected, &answer.body[field])?;
    }
    let Some(expected) = &step.expect.results else {
        return Ok(());
    };
    let results = answer.body["results"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    if expected.is_empty() && answer.body.get("results").is_none() {
        return Ok(());
    }
    if results.len() != expected.len() {
        return Err(format!(
            "{} results instead of {}",
            results.len(),
            expected.len()
        ));
    }
    for (index, (expected, result)) in expected.iter().zip(&results).enumerate() {
        check_result(expected, result, incidents)
            .map_err(|what| format!("result {}: {what}", index + 1))?;
    }
    if results.first() != Some(&answer.body["result"]) && !results.is_empty() {
        return Err("result is not the first of results".to_owned());
    }
    Ok(())
}

/// `expectBody`: a text `re:…` is a regular expression.
fn check_field(field: &str, expected: &Value, found: &Value) -> Result<(), String> {
    let matches = match expected.as_str().and_then(|text| text.strip_prefix("re:")) {
        Some(pattern) => {
            regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(&text(found)))
        }
        None => expected == found,
    };
    if matches {
        Ok(())
    } else {
        Err(format!("{field} is {found} instead of {expected}"))
    }
}

fn check_result(
    expected: &Value,
    result: &Value,
    incidents: &mut HashMap<String, String>,
) -> Result<(), String> {
    let action = text(&expected["action"]);
    if text(&result["action"]) != action {
        return Err(format!("{} instead of {action}", result["action"]));
    }
    if let Some(severity) = expected.get("severity")
        && result["severity"] != *severity
    {
        return Err(format!(
            "severity {} instead of {severity}",
            result["severity"]
        ));
    }
    let incident = &result["incident"];
    if let Some(urgency) = expected.get("urgency")
        && incident["urgency"] != *urgency
    {
        return Err(format!(
            "urgency {} instead of {urgency}",
            incident["urgency"]
        ));
    }
    if let Some(part) = expected.get("titleContains").and_then(Value::as_str)
        && !text(&incident["title"])
            .to_lowercase()
            .contains(&part.to_lowercase())
    {
        return Err(format!(
            "title {} does not contain {part:?}",
            incident["title"]
        ));
    }
    match expected.get("incident").and_then(Value::as_str) {
        Some(label) => check_label(label, &text(&incident["id"]), incidents),
        None => Ok(()),
    }
}

/// Same label, same incident; different labels, different incidents.
fn check_label(
    label: &str,
    id: &str,
    incidents: &mut HashMap<String, String>,
) -> Result<(), String> {
    match incidents.get(label) {
        Some(known) if known == id => Ok(()),
        Some(_) => Err(format!("another incident than before for {label}")),
        None if incidents.values().any(|known| known == id) => {
            Err(format!("{label} is an incident that had another label"))
        }
        None => {
            incidents.insert(label.to_owned(), id.to_owned());
            Ok(())
        }
    }
}
