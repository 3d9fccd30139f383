//! The errors that an operation has to itself.

use common::limits::INTEGRATIONS_PER_SERVICE;
use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    document::Operation,
    intake,
    lab::{Call, Lab},
};

const WEBHOOKS: &str = "/api/status-page/webhooks";

/// Calls that are refused.
pub(crate) async fn of(lab: &Lab, operation: &Operation) -> Vec<Call> {
    match operation.id.as_str() {
        "readHealth" => vec![Call::to("/api/health?mode=x")],
        "readDocument" => {
            let answer = lab.send(Method::GET, Call::to("/api/openapi.json")).await;
            let tag = answer.headers["etag"].to_str().expect("a tag").to_owned();
            vec![Call::to("/api/openapi.json").with("if-none-match", &tag)]
        }
        "openIncident" => vec![Call::to("/api/incidents").json(&json!({
            "title": "x", "urgency": "LOW", "serviceId": "svc_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        }))],
        "createIntegration" => {
            let service = lab.world.service("full").await;
            let path = format!("/api/services/{service}/integrations");
            let call = Call::to(path).json(&json!({ "type": "webhook", "name": "w" }));
            vec![call; INTEGRATIONS_PER_SERVICE + 1]
        }
        "exportConfiguration" => vec![
            Call::to("/api/export?secrets=x"),
            Call::to("/api/export?secrets=true"),
        ],
        "importConfiguration" => {
            let document = lab.world.get("/api/export?secrets=true").await;
            vec![Call::to("/api/import?dryRun=true&prune=true").json(&document)]
        }
        "changeIncident" => of_incidents(lab).await,
        "rotateWebhookSecret" => {
            let webhook = lab.webhook(json!({})).await;
            let path = format!("{WEBHOOKS}/{webhook}/rotate-secret");
            vec![Call::to(path).json(&json!({})); 5]
        }
        "redeliver" => {
            let (webhook, delivery) = lab.failed().await;
            disable(lab, &webhook).await;
            vec![Call::to(format!(
                "{WEBHOOKS}/{webhook}/deliveries/{delivery}/redeliver"
            ))]
        }
        "recoverDeliveries" => {
            let disabled = lab.webhook(json!({ "enabled": false })).await;
            let since = json!({ "since": "2026-01-01T00:00:00Z" });
            let mut continued = since.clone();
            continued["cursor"] = "x".into();
            vec![
                Call::to(format!("{WEBHOOKS}/{}/recover", lab.webhook)).json(&continued),
                Call::to(format!("{WEBHOOKS}/{}/recover", lab.webhook)).json(&since),
                Call::to(format!("{WEBHOOKS}/{disabled}/recover")).json(&since),
            ]
        }
        _ => intake::refusals(lab, operation).await,
    }
}

async fn disable(lab: &Lab, webhook: &str) {
    let path = format!("{WEBHOOKS}/{webhook}");
    let answer = lab
        .world
        .api(Method::PATCH, &path, json!({ "enabled": false }))
        .await;
    answer.expect(StatusCode::OK);
}

async fn of_incidents(lab: &Lab) -> Vec<Call> {
    let change = |id: &str| Call::to(format!("/api/incidents/{id}"));
    let incident = lab.incident().await;
    let resolved = lab.incident_of("again", "alert").await;
    lab.incident_of("again", "ok").await;
    lab.incident_of("again", "alert").await;
    let resolved = resolved["id"].as_str().expect("an id");
    vec![
        change(&incident)
            .json(&json!({ "note": "x" }))
            .with("if-match", "x"),
        change(&incident)
            .json(&json!({ "note": "x" }))
            .with("if-match", "\"7\""),
        change(resolved).json(&json!({ "status": "ACKNOWLEDGED" })),
        change(resolved).json(&json!({ "status": "OPEN" })),
    ]
}
