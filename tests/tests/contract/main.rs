//! Every operation of the OpenAPI document does what it says: each is called
//! so that it succeeds, and so that it answers every error that it documents,
//! and each answer is held to the document. An operation without a call, and an
//! error that nothing provokes, fail a test.

mod calls;
mod common_errors;
mod document;
mod examples;
mod intake;
mod lab;
mod receiving;
mod refusals;
mod unavailable;

use std::collections::{BTreeMap, BTreeSet};

use common::api_key::Scope;
use document::{Document, Operation, Outcome};
use http::{Method, StatusCode};
use lab::{Call, Lab};

/// What no test provokes here, and why.
const EXEMPT: &[(u16, &str, &str)] = &[
    (400, "incomplete_body", "whoever would read it has gone"),
    (
        409,
        "changed_meanwhile",
        "needs two callers at one moment: recovery::rotation and suite::incidents have them",
    ),
    (
        409,
        "redrive_running",
        "the embedded queue moves faster than anybody asks",
    ),
    (
        409,
        "too_many_attempts",
        "a hundred attempts take days: recovery::redelivery writes them",
    ),
    (500, "internal_error", "there is no known way to one"),
];

fn is_exempt(outcome: &Outcome) -> bool {
    let code = outcome.1.as_deref().unwrap_or_default();
    EXEMPT
        .iter()
        .any(|(status, exempt, _)| (*status, *exempt) == (outcome.0, code))
}

/// What each operation was seen to answer.
type Seen = BTreeMap<String, BTreeSet<Outcome>>;

async fn try_call(
    lab: &Lab,
    document: &Document,
    operation: &Operation,
    call: Call,
    seen: &mut Seen,
) {
    let answer = lab.send(operation.method.clone(), call).await;
    let outcome = document.check(operation, &answer);
    seen.entry(operation.id.clone())
        .or_default()
        .insert(outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_everything_that_it_documents() {
    let lab = Lab::start().await;
    let document = Document::new(lab.world.get("/api/openapi.json").await);
    let operations = document.operations();
    let mut seen = Seen::new();
    let mut calls = Vec::new();
    for operation in &operations {
        let documented = document.outcomes(operation);
        let call = calls::success(&lab, &operation.id).await;
        try_call(&lab, &document, operation, call.clone(), &mut seen).await;
        let succeeded = seen[&operation.id].iter().all(|(status, _)| *status < 400);
        assert!(succeeded, "{}: {:?}", operation.id, seen[&operation.id]);
        for call in common_errors::of(operation, &call, &documented) {
            try_call(&lab, &document, operation, call, &mut seen).await;
        }
        calls.push((operation.clone(), call));
        if operation.needs_api_key() {
            let key = lab.api_key(&[Scope::EventsWrite]).await;
            let call = calls[calls.len() - 1].1.clone().anonymous();
            let call = call.with("authorization", &key);
            try_call(&lab, &document, operation, call, &mut seen).await;
        }
        for call in refusals::of(&lab, operation).await {
            try_call(&lab, &document, operation, call, &mut seen).await;
        }
    }
    for (operation, outcome) in unavailable::outcomes(&document, &lab, calls).await {
        seen.entry(operation).or_default().insert(outcome);
    }
    let missing: Vec<(String, Outcome)> = operations
        .iter()
        .flat_map(|operation| {
            let documented = document.outcomes(operation);
            let seen = seen.get(&operation.id).cloned().unwrap_or_default();
            let missing: Vec<_> = documented.difference(&seen).cloned().collect();
            missing
                .into_iter()
                .filter(|outcome| !is_exempt(outcome))
                .map(|outcome| (operation.id.clone(), outcome))
        })
        .collect();
    assert!(missing.is_empty(), "never provoked: {missing:#?}");
    lab.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_needs_the_scope_that_it_documents_and_no_other() {
    let lab = Lab::start().await;
    let document = Document::new(lab.world.get("/api/openapi.json").await);
    let mut keys = BTreeMap::new();
    for scope in Scope::ALL {
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|one| *one != scope).collect();
        let pair = (lab.api_key(&[scope]).await, lab.api_key(&others).await);
        keys.insert(scope.as_str(), pair);
    }
    let mut checked = 0;
    for operation in document.operations() {
        let Some(scope) = operation.scope() else {
            continue;
        };
        let (with, without) = keys.get(scope).expect("a scope");
        let call = calls::success(&lab, &operation.id).await.anonymous();
        let method = operation.method.clone();
        let refused = call.clone().with("authorization", without);
        let refused = lab.send(method.clone(), refused).await;
        let outcome = document.check(&operation, &refused);
        let expected = (403, Some("missing_scope".to_owned()));
        assert_eq!(outcome, expected, "{}", operation.id);
        let served = lab.send(method, call.with("authorization", with)).await;
        let (status, _) = document.check(&operation, &served);
        assert!(status < 300, "{}: {}", operation.id, served.body);
        checked += 1;
    }
    assert!(checked > 30, "only {checked} operations");
    lab.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_a_path_does_not_have_is_told_with_those_that_it_has() {
    let lab = Lab::start().await;
    let document = Document::new(lab.world.get("/api/openapi.json").await);
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in document.operations() {
        let known = methods.entry(operation.path.clone()).or_default();
        known.insert(operation.method.to_string());
    }
    for (path, known) in methods {
        // Which methods a provider has depends on the provider.
        let path = path.replace("{provider}", "webhook");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let is_known = known.contains(method) && !path.ends_with("/webhook");
            if is_known || (path.ends_with("/webhook") && method == "POST") {
                continue;
            }
            let parsed: Method = method.parse().expect("a method");
            let answer = lab.send(parsed, Call::to(&path)).await;
            let what = format!("{method} {path}: {}", answer.body);
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
            assert_eq!(answer.body["code"], "method_not_allowed", "{what}");
            let allowed = answer
                .headers
                .get("allow")
                .and_then(|allow| allow.to_str().ok());
            let allowed = allowed.unwrap_or_else(|| panic!("no Allow: {what}"));
            let mut allowed: BTreeSet<String> = allowed
                .split(',')
                .map(|one| one.trim().to_owned())
                .collect();
            // Whatever answers GET answers HEAD.
            allowed.remove("HEAD");
            if !path.ends_with("/webhook") {
                assert_eq!(allowed, known, "{what}");
            }
        }
    }
    lab.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_public_and_cached() {
    let lab = Lab::start().await;
    let path = "/api/openapi.json";
    let first = lab.world.send(Method::GET, path, &[], "").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.body["openapi"], "3.1.0");
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let weak = format!("\"other\", W/{tag}");
    for (tags, status) in [
        (tag.as_str(), StatusCode::NOT_MODIFIED),
        (weak.as_str(), StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"other\"", StatusCode::OK),
    ] {
        let headers = [("if-none-match", tags)];
        let answer = lab.world.send(Method::GET, path, &headers, "").await;
        assert_eq!(answer.status, status, "{tags}");
        assert_eq!(answer.headers["etag"].to_str().ok(), Some(tag.as_str()));
    }
    lab.world.stop().await;
}
