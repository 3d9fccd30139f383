//! What the program writes of its work: metrics, one id from the alert to the
//! delivery, and no secrets.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use opsknight_tests::{Integration, World, process::Program, receiver::Receiver, wait};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");
const ON: (&str, &str) = ("OPSKNIGHT_METRICS", "emf");
const INFO: (&str, &str) = ("OPSKNIGHT_LOG", "info");

/// The lines in the embedded metric format.
fn metric_lines(program: &Program) -> Vec<Value> {
    let output = program.output();
    let lines = output.iter().filter(|line| line.contains("\"_aws\""));
    lines
        .map(|line| serde_json::from_str(line).expect("a line is JSON, and nothing but JSON"))
        .collect()
}

/// What CloudWatch adds up: by metric, and by metric and dimension.
fn sums(lines: &[Value]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for line in lines {
        for directive in line["_aws"]["CloudWatchMetrics"]
            .as_array()
            .expect("directives")
        {
            assert_eq!(directive["Namespace"], "OpsKnight/test");
            for (set, metric) in pairs(directive) {
                let kinds = set.iter().map(|name| {
                    let value = line[name].as_str().expect("a dimension's value");
                    format!(" {name}={value}")
                });
                let name = metric["Name"].as_str().expect("a name");
                let key = format!("{name}{}", kinds.collect::<String>());
                let values = match &line[name] {
                    Value::Array(values) => values.clone(),
                    one => vec![one.clone()],
                };
                let values = values.iter().map(|value| value.as_u64().expect("a number"));
                *sums.entry(key).or_insert(0) += values.sum::<u64>();
            }
        }
    }
    sums
}

fn pairs(directive: &Value) -> Vec<(Vec<String>, &Value)> {
    let mut pairs = Vec::new();
    for set in directive["Dimensions"].as_array().expect("sets") {
        let names = set.as_array().expect("names").iter();
        let names: Vec<String> = names.filter_map(Value::as_str).map(str::to_owned).collect();
        assert!(names.len() <= 1);
        for metric in directive["Metrics"].as_array().expect("metrics") {
            pairs.push((names.clone(), metric));
        }
    }
    pairs
}

async fn post(world: &World, integration: &Integration, id: &str, body: Value) -> StatusCode {
    let headers = [("content-type", "application/json"), ("x-request-id", id)];
    let answer = world
        .send(Method::POST, &integration.url, &headers, body.to_string())
        .await;
    assert_eq!(answer.headers["x-request-id"], id);
    answer.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_counted_and_found_by_one_id_on_its_whole_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let namespace = ("OPSKNIGHT_METRICS_NAMESPACE", "OpsKnight/test");
    let program = Program::start_watched(BINARY, folder.path(), &[ON, INFO, namespace]).await;
    let world = program.world();
    let receiver = Receiver::answering(|arrival, _| {
        let first = arrival.header("x-webhook-attempt") == "1";
        let created = arrival.event() == "incident.created";
        if first && created {
            StatusCode::BAD_GATEWAY
        } else {
            StatusCode::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let opened = json!({ "id": 1, "title": "disk full" });
    for (id, body) in [
        ("alert-number-1", opened.clone()),
        ("alert-number-2", opened),
        ("alert-number-3", json!({ "id": 1, "status": "ok" })),
        ("alert-number-4", json!({ "id": 2, "status": "ok" })),
    ] {
        assert_eq!(post(world, &integration, id, body).await, StatusCode::OK);
    }
    let unknown = Integration {
        url: integration
            .url
            .replace("integrationId=int_", "integrationId=int-"),
        ..integration.clone()
    };
    let refused = post(world, &unknown, "alert-number-5", json!({})).await;
    assert_eq!(refused, StatusCode::NOT_FOUND);
    let resolved = world
        .delivery(&webhook, |one| {
            one["event"] == "incident.resolved" && one["status"] == "DELIVERED"
        })
        .await;
    assert_eq!(resolved["correlationId"], "alert-number-3");

    let found = wait::until("the metrics of the last delivery", || async {
        let found = sums(&metric_lines(&program));
        if std::env::var_os("DUMP").is_some() {
            println!("{:#?}", program.output());
        }
        (found.get("DeliveriesDelivered") == Some(&4)).then_some(found)
    })
    .await;
    for (metric, expected) in [
        ("Alerts Provider=webhook", 4),
        ("AlertsTriggered", 1),
        ("AlertsDeduplicated", 1),
        ("AlertsResolved", 1),
        ("AlertsIgnored", 1),
        ("AlertsIgnored Reason=no_open_incident", 1),
        ("RequestsRejected Status=404", 1),
        ("RequestsRejected Function=local", 1),
        ("IncidentsOpened", 1),
        ("IncidentsResolved", 1),
        ("Events", 2),
        // The built-in receiver hears of everything as well.
        ("DeliveriesQueued", 4),
        ("DeliveriesRetried", 1),
        ("DeliveryAttempts", 5),
    ] {
        assert_eq!(found.get(metric), Some(&expected), "{metric}: {found:#?}");
    }
    for metric in [
        "IntakeDuration",
        "FanoutAge",
        "DeliveryDuration",
        "DeliveryAge",
        "FirstAttemptAge",
    ] {
        assert!(found.contains_key(metric), "{metric}: {found:#?}");
    }

    // Intake, fan-out and each attempt.
    let of = |id: &str| {
        let lines = program.output().into_iter();
        lines
            .filter(|line| line.contains(id))
            .collect::<Vec<String>>()
    };
    let way = wait::until("one line for each step", || async {
        Some(of("alert-number-1")).filter(|way| way.len() >= 5)
    })
    .await;
    for (text, lines) in [
        ("AlertsTriggered", 1),
        ("event fanned out", 1),
        ("delivery attempt", 3),
    ] {
        let told = way.iter().filter(|line| line.contains(text));
        assert_eq!(told.count(), lines, "{text}: {way:#?}");
    }
    assert_eq!(way.len(), 5, "one line each: {way:#?}");
    assert!(
        way.iter().all(|line| line.contains("correlation_id")),
        "{way:#?}"
    );
    assert_eq!(
        of("alert-number-2").len(),
        1,
        "a deduplicated alert ends here"
    );

    let incident = resolved["incidentId"].as_str().expect("an incident");
    let shown = world
        .get(&format!("/api/incidents/{incident}/timeline"))
        .await;
    let ids: Vec<&Value> = shown["timeline"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| &entry["correlationId"])
        .collect();
    assert_eq!(ids, ["alert-number-1", "alert-number-3"]);
    program.interrupt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_and_bodies_are_in_no_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start_watched(BINARY, folder.path(), &[ON, INFO]).await;
    let world = program.world();
    let receiver = Receiver::answering(|_, before| match before.len() {
        0 => StatusCode::BAD_GATEWAY,
        1 => StatusCode::OK,
        _ => StatusCode::GONE,
    })
    .await;
    let integration = world.integration("webhook").await;
    let body = json!({
        "name": "planted-name", "url": format!("{}?token=planted-query", receiver.url()),
        "events": ["incident.created"], "secret": "planted-signing-secret-of-a-webhook",
        "headers": { "X-Token": "planted-header" },
    });
    let webhook = world.webhook_of(body).await;
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    let secret = json!({ "signatureSecret": "planted-signature-secret" });
    let changed = world.api(Method::PATCH, &path, secret).await;
    changed.expect(StatusCode::OK);
    let unsigned = json!({ "id": 1, "title": "planted-unsigned" });
    assert_eq!(
        world.alert(&integration, unsigned).await.status,
        StatusCode::UNAUTHORIZED
    );
    let changed = world
        .api(Method::PATCH, &path, json!({ "signatureSecret": null }))
        .await;
    changed.expect(StatusCode::OK);
    let wrong = [("authorization", "Bearer ok_planted-api-key")];
    world
        .send(
            Method::GET,
            "/api/incidents?q=planted-parameter",
            &wrong,
            "",
        )
        .await;
    let path = "/api/integrations/webhook?integrationId=planted-id&key=planted-key";
    world
        .send(Method::POST, path, &[], "{\"title\": \"planted-nobody\"}")
        .await;
    for (id, description) in [(1, "planted-description"), (2, "planted-other")] {
        let alert = json!({
            "id": id, "title": "planted-title", "description": description,
            "details": { "password": "planted-detail" },
        });
        assert_eq!(
            world.alert(&integration, alert).await.status,
            StatusCode::OK
        );
    }
    world
        .alert(&integration, json!(["planted-unrecognised"]))
        .await;
    world
        .send(Method::POST, &integration.url, &[], "planted: not JSON {")
        .await;
    world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    world
        .webhook_when(&webhook, |shown| shown["enabled"] == false)
        .await;
    wait::until("the last line", || async {
        let output = program.output();
        output
            .iter()
            .any(|line| line.contains("WebhooksDisabled"))
            .then_some(())
    })
    .await;

    let printed = |line: &&String| !line.contains("admin key") && !line.contains("curl");
    let output = program.output();
    let written: Vec<&String> = output.iter().filter(printed).collect();
    assert!(written.iter().any(|line| line.contains("delivery attempt")));
    for secret in ["planted", integration.key.as_str(), integration.id.as_str()] {
        let telling: Vec<_> = written
            .iter()
            .filter(|line| line.contains(secret))
            .collect();
        assert!(telling.is_empty(), "{telling:#?}");
    }
    program.interrupt().await;
}
