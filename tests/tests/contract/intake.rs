//! The errors of intake.

use common::api_key::Scope;
use opsknight_tests::Integration;
use serde_json::{Value, json};

use crate::{
    document::Operation,
    lab::{Call, Lab},
};

/// Calls that are refused.
pub(crate) async fn refusals(lab: &Lab, operation: &Operation) -> Vec<Call> {
    let calls = match operation.id.as_str() {
        "sendAlerts" => {
            let mut calls = of_provider(lab, "webhook").await;
            calls.extend(flood(lab, "prometheus").await);
            calls
        }
        "putAlerts" => {
            let mut calls = of_provider(lab, "grafana").await;
            calls.extend(flood(lab, "splunk-observability").await);
            calls.push(wrong_method(lab).await);
            calls
        }
        "sendAlertsInQuery" => {
            let mut calls = of_provider(lab, "uptimerobot").await;
            calls.push(wrong_method(lab).await);
            let large = "x".repeat(5 * 1024 * 1024 + 1);
            let monitor = lab.integration("uptimerobot", json!({})).await;
            calls.push(Call::to(&monitor.url).text("text/plain", large));
            calls
        }
        "sendEvent" => of_events(lab).await,
        "sendVictorOpsAlert" => of_victorops(lab, "").await,
        "sendRoutedVictorOpsAlert" => of_victorops(lab, "/team").await,
        "sendPagerDutyAlerts"
        | "enqueueAtIntegration"
        | "enqueue"
        | "enqueueChange"
        | "createEvent" => of_pagerduty(lab, &operation.path).await,
        _ => Vec::new(),
    };
    calls.into_iter().map(Call::anonymous).collect()
}

fn post(integration: &Integration) -> Call {
    Call::to(&integration.url).json(&json!({ "title": "contract" }))
}

async fn of_provider(lab: &Lab, provider: &str) -> Vec<Call> {
    let path = format!("/api/integrations/{provider}");
    let open = lab.integration(provider, json!({})).await;
    let keyed = lab
        .integration(provider, json!({ "requireKey": true }))
        .await;
    let signed = lab
        .integration(provider, json!({ "signatureSecret": "secret" }))
        .await;
    let disabled = lab.integration(provider, json!({ "enabled": false })).await;
    let mut calls = vec![
        Call::to(&path).json(&json!({})),
        Call::to(format!(
            "{path}?integrationId=int_01ARZ3NDEKTSV4RRFFQ69G5FAV"
        ))
        .json(&json!({})),
        Call::to(format!("{path}?integrationId=%00%ff")).json(&json!({})),
        Call::to(&open.url).text("text/plain", "<xml/>"),
        post(&keyed),
        post(&signed),
        post(&disabled),
    ];
    calls.extend(flood(lab, provider).await);
    calls
}

/// One request more than the integration may send.
async fn flood(lab: &Lab, provider: &str) -> Vec<Call> {
    let narrow = lab
        .integration(provider, json!({ "rateLimitPerMinute": 1 }))
        .await;
    vec![post(&narrow), post(&narrow)]
}

async fn wrong_method(lab: &Lab) -> Call {
    let integration = lab.integration("newrelic", json!({})).await;
    post(&integration)
}

async fn of_events(lab: &Lab) -> Vec<Call> {
    let event = json!({
        "event_action": "trigger", "dedup_key": "contract",
        "payload": { "summary": "contract", "source": "tests", "severity": "info" },
    });
    let call = |body: &Value| Call::to("/api/events").json(body);
    let token = |integration: &Integration| format!("Token token={}", integration.key);
    let disabled = lab
        .integration("webhook", json!({ "enabled": false }))
        .await;
    let narrow = lab
        .integration("webhook", json!({ "rateLimitPerMinute": 1 }))
        .await;
    let mine = token(&lab.integration);
    let reader = lab.api_key(&[Scope::SettingsRead]).await;
    let sender = lab.api_key(&[Scope::EventsWrite]).await;
    let mut elsewhere = event.clone();
    elsewhere["service_id"] = "svc_01ARZ3NDEKTSV4RRFFQ69G5FAV".into();
    vec![
        call(&event).with("authorization", &reader),
        call(&event).with("authorization", &sender),
        call(&elsewhere).with("authorization", &sender),
        call(&event),
        call(&event).with("authorization", "Token token=wrong"),
        call(&event).with("authorization", "Bearer ok_wrong"),
        call(&json!({ "event_action": "nope" })).with("authorization", &mine),
        call(&event).with("authorization", &token(&disabled)),
        call(&event).with("authorization", &token(&narrow)),
        call(&event).with("authorization", &token(&narrow)),
    ]
}

async fn of_victorops(lab: &Lab, routing: &str) -> Vec<Call> {
    let alert = json!({ "message_type": "CRITICAL", "entity_id": "contract" });
    let call = |key: &str| {
        Call::to(format!(
            "/integrations/generic/20131114/alert/{key}{routing}"
        ))
        .json(&alert)
    };
    let provider = "splunk-oncall";
    let open = lab.integration(provider, json!({})).await;
    let signed = lab
        .integration(provider, json!({ "signatureSecret": "secret" }))
        .await;
    let disabled = lab.integration(provider, json!({ "enabled": false })).await;
    let narrow = lab
        .integration(provider, json!({ "rateLimitPerMinute": 1 }))
        .await;
    vec![
        call("%00"),
        call("wrong"),
        call(&signed.key),
        call(&disabled.key),
        call(&open.key).text("text/plain", "\u{1}"),
        call(&narrow.key),
        call(&narrow.key),
    ]
}

async fn of_pagerduty(lab: &Lab, path: &str) -> Vec<Call> {
    let narrow = lab
        .integration("pagerduty", json!({ "rateLimitPerMinute": 1 }))
        .await;
    let event = |key: &str| {
        Call::to(path).json(&json!({
            "routing_key": key, "service_key": key, "event_action": "trigger",
            "event_type": "trigger", "description": "contract",
            "payload": { "summary": "contract", "source": "tests", "severity": "info" },
        }))
    };
    vec![
        event("wrong"),
        event("a1b2c3d4e5f60718293a4b5c6d7e8f90"),
        event(&narrow.key),
        event(&narrow.key),
    ]
}
