//! One call of each operation that succeeds.

use serde_json::{Value, json};

use crate::lab::{Call, Lab};

const GRAFANA: &str = include_str!("../../fixtures/vendors/payloads/grafana/group.json");
const WEBHOOKS: &str = "/api/status-page/webhooks";

fn event(key: &str) -> Value {
    json!({
        "routing_key": key, "event_action": "trigger", "dedup_key": "contract",
        "payload": { "summary": "contract", "source": "tests", "severity": "info" },
    })
}

/// A call that succeeds.
///
/// # Panics
/// Where there is none for this operation: write one.
pub(crate) async fn success(lab: &Lab, operation: &str) -> Call {
    if let Some(call) = of_intake(lab, operation).await {
        return call;
    }
    let Lab {
        service,
        webhook,
        delivery,
        incident,
        ..
    } = lab;
    let integrations = format!("/api/services/{service}/integrations");
    let integration = format!("{integrations}/{}", lab.integration.id);
    let hook = format!("{WEBHOOKS}/{webhook}");
    match operation {
        "readHealth" => Call::to("/api/health?mode=readiness").anonymous(),
        "readDocument" => Call::to("/api/openapi.json").anonymous(),

        "listIncidents" => Call::to(format!("/api/incidents?serviceId={service}&limit=1")),
        "openIncident" => Call::to("/api/incidents").json(&json!({
            "title": "contract", "serviceId": service, "urgency": "LOW", "priority": "P5",
            "description": "text", "assignee": { "name": "Ada", "email": "ada@example.com" },
        })),
        "readIncident" => Call::to(format!("/api/incidents/{incident}")),
        "changeIncident" => Call::to(format!("/api/incidents/{incident}"))
            .json(&json!({ "status": "SNOOZED", "snoozeMinutes": 5, "note": "later" })),
        "readIncidentTimeline" => Call::to(format!("/api/incidents/{incident}/timeline")),
        "readIncidentAlerts" => Call::to(format!("/api/incidents/{incident}/alerts")),

        "listServices" => Call::to("/api/services"),
        "createService" => Call::to("/api/services").json(&json!({
            "name": "another", "autoResolveAfterHours": 24, "defaultUrgency": "LOW",
            "maintenanceWindows": [{ "from": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z" }],
        })),
        "readService" => Call::to(format!("/api/services/{service}")),
        "changeService" => {
            Call::to(format!("/api/services/{service}")).json(&json!({ "description": "text" }))
        }
        "deleteService" => Call::to(format!("/api/services/{}", lab.world.service("gone").await)),
        "listIntegrations" => Call::to(integrations),
        "createIntegration" => Call::to(integrations).json(&json!({
            "type": "prometheus", "name": "Alertmanager", "settings": { "keyPrefix": "x" },
        })),
        "readIntegration" => Call::to(integration),
        "changeIntegration" => Call::to(integration).json(&json!({ "name": "renamed" })),
        "deleteIntegration" => {
            let gone = lab.integration("webhook", json!({})).await;
            Call::to(format!("{integrations}/{}", gone.id))
        }
        "rotateIntegrationKey" => {
            let other = lab.integration("webhook", json!({})).await;
            Call::to(format!("{integrations}/{}/rotate-key", other.id))
        }
        "listReceivedRequests" => {
            lab.incident_of("nothing", "ok").await;
            let path = format!("{integration}/requests");
            lab.logged(&path).await;
            Call::to(path)
        }

        "listWebhooks" => Call::to(WEBHOOKS),
        "createWebhook" => Call::to(WEBHOOKS).json(&json!({
            "name": "new", "url": lab.receiver.url(), "events": ["incident.created"],
            "enabled": false, "headers": { "X-A": "b" }, "filter": { "urgencies": ["LOW"] },
        })),
        "previewFormat" => {
            Call::to(format!("{WEBHOOKS}/preview")).json(&json!({ "format": "slack" }))
        }
        "readWebhook" => Call::to(hook),
        "changeWebhook" => {
            let other = lab.webhook(json!({})).await;
            Call::to(format!("{WEBHOOKS}/{other}")).json(&json!({ "enabled": false }))
        }
        "deleteWebhook" => Call::to(format!("{WEBHOOKS}/{}", lab.webhook(json!({})).await)),
        "readWebhookTimeline" => {
            let other = lab.webhook(json!({})).await;
            let path = format!("{WEBHOOKS}/{other}");
            let body = json!({ "enabled": false });
            lab.world
                .api(http::Method::PATCH, &path, body)
                .await
                .expect(http::StatusCode::OK);
            Call::to(format!("{path}/timeline"))
        }
        "rotateWebhookSecret" => {
            let other = lab.webhook(json!({})).await;
            Call::to(format!("{WEBHOOKS}/{other}/rotate-secret"))
                .json(&json!({ "overlapSeconds": 60 }))
        }
        "testWebhook" => {
            Call::to(format!("{hook}/test")).json(&json!({ "event": "incident.resolved" }))
        }
        "listDeliveries" => Call::to(format!("{hook}/deliveries?status=DELIVERED&limit=1")),
        "readDelivery" => Call::to(format!("{hook}/deliveries/{delivery}")),
        "redeliver" => {
            let (webhook, delivery) = lab.failed().await;
            Call::to(format!(
                "{WEBHOOKS}/{webhook}/deliveries/{delivery}/redeliver"
            ))
        }
        "recoverDeliveries" => Call::to(format!("{hook}/recover"))
            .json(&json!({ "since": "2026-01-01T00:00:00Z", "dryRun": true })),
        "listApiKeys" => Call::to("/api/api-keys?limit=1"),
        "createApiKey" => Call::to("/api/api-keys").json(&json!({
            "name": "another", "scopes": ["settings:write"], "expiresAt": "2999-01-01T00:00:00Z",
        })),
        "readApiKey" | "deleteApiKey" => {
            let body = json!({ "name": "gone", "scopes": ["settings:read"] });
            let answer = lab.world.api(http::Method::POST, "/api/api-keys", body).await;
            let created = answer.expect(http::StatusCode::CREATED);
            Call::to(format!("/api/api-keys/{}", created["apiKey"]["id"].as_str().expect("an id")))
        }
        "exportConfiguration" => Call::to("/api/export?secrets=false"),
        "importConfiguration" => Call::to("/api/import?dryRun=false&prune=false").json(&json!({
            "version": 1,
            "services": [{ "name": "imported" }],
            "integrations": [{ "service": { "name": "imported" }, "type": "zabbix", "name": "z" }],
            "webhooks": [{
                "name": "imported", "url": lab.receiver.url(), "events": ["incident.created"],
                "filter": { "services": ["imported"] },
            }],
        })),
        "listAudit" => Call::to("/api/audit?target=webhook&limit=5"),
        "readDeliveryQueue" => Call::to("/api/delivery-queue"),
        "redriveDeadLetters" => Call::to("/api/delivery-queue/redrive"),
        _ => panic!("no test calls the operation {operation}: add a call that succeeds"),
    }
}

async fn of_intake(lab: &Lab, operation: &str) -> Option<Call> {
    let call = match operation {
        "sendAlerts" => Call::to(&lab.integration.url).json(&json!({ "title": "contract" })),
        "sendAlertsInQuery" => {
            let monitor = lab.integration("uptimerobot", json!({})).await;
            Call::to(format!(
                "{}&monitorID=1&monitorFriendlyName=db&alertType=1&alertDetails=down",
                monitor.url
            ))
        }
        "putAlerts" => {
            let grafana = lab.integration("grafana", json!({})).await;
            Call::to(grafana.url).text("application/json", GRAFANA)
        }
        "sendEvent" => Call::to("/api/events").json(&event("")).with(
            "authorization",
            &format!("Token token={}", lab.integration.key),
        ),
        "sendVictorOpsAlert" | "sendRoutedVictorOpsAlert" => {
            let victor = lab.integration("splunk-oncall", json!({})).await;
            let routing = if operation == "sendVictorOpsAlert" {
                ""
            } else {
                "/team"
            };
            Call::to(format!(
                "/integrations/generic/20131114/alert/{}{routing}",
                victor.key
            ))
            .json(&json!({ "message_type": "CRITICAL", "entity_id": "contract" }))
        }
        "sendPagerDutyAlerts" | "enqueueAtIntegration" | "enqueue" | "enqueueChange" => {
            let duty = lab.integration("pagerduty", json!({})).await;
            let path = match operation {
                "sendPagerDutyAlerts" => "/api/integrations/pagerduty",
                "enqueueAtIntegration" => "/api/integrations/pagerduty/v2/enqueue",
                "enqueue" => "/v2/enqueue",
                _ => "/v2/change/enqueue",
            };
            Call::to(path).json(&event(&duty.key))
        }
        "createEvent" => {
            let duty = lab.integration("pagerduty", json!({})).await;
            Call::to("/generic/2010-04-15/create_event.json").json(&json!({
                "service_key": duty.key, "event_type": "trigger", "description": "contract",
            }))
        }
        _ => return None,
    };
    Some(call.anonymous())
}
