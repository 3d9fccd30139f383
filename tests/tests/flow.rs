//! The main job, end to end: alert → incident → signed webhook. The same tests
//! run against a deployed stack (`tests/deploy/run`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_becomes_an_incident_and_a_signed_webhook() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;

    let alert = json!({ "summary": "Disk full on db-1", "severity": "critical", "dedup_key": "disk", "description": "é😀" });
    let result = world.accepted(&integration, alert.clone()).await;
    assert_eq!(result["action"], "triggered");
    assert_eq!(result["dedupKey"], r#"webhook:["key","disk"]"#);
    let incident = result["incident"]["id"].as_str().expect("an id").to_owned();

    let created = receiver.count(1).await.remove(0);
    assert_signed(&created, webhook["secret"].as_str().expect("a secret"));
    assert_eq!(created.header("x-webhook-event"), "incident.created");
    assert_eq!(created.header("x-webhook-attempt"), "1");
    assert_eq!(created.header("user-agent"), "OpsKnight-StatusPage/1.0");
    assert_eq!(created.header("content-type"), "application/json");
    assert_body_contract(&created.bytes, &incident, &integration.service);

    assert_eq!(
        world.accepted(&integration, alert).await["action"],
        "deduplicated"
    );
    let resolved = world
        .accepted(&integration, json!({ "status": "ok", "dedup_key": "disk" }))
        .await;
    assert_eq!(
        (&resolved["action"], &resolved["incident"]["id"]),
        (&json!("resolved"), &json!(incident))
    );

    let arrivals = receiver.count(2).await;
    let events: Vec<&str> = arrivals.iter().map(|arrival| arrival.event()).collect();
    assert_eq!(events, ["incident.created", "incident.resolved"]);
    assert_eq!(arrivals[1].body["data"]["version"], 2);

    let read = world.get(&format!("/api/incidents/{incident}")).await;
    assert_eq!(read["incident"]["status"], "RESOLVED");
    assert_eq!(read["incident"]["alertCount"], 2);
    let delivery = world
        .delivery(&webhook, |one| one["event"] == "incident.created")
        .await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert_eq!(delivery["attempts"][0]["statusCode"], 200);
    world.stop().await;
}

/// Both signatures, computed here from the documented rule.
fn assert_signed(arrival: &opsknight_tests::receiver::Arrival, secret: &str) {
    let body = hmac(secret.as_bytes(), &arrival.bytes);
    assert_eq!(
        arrival.header("x-webhook-signature"),
        format!("sha256={}", hex::encode(body))
    );
    assert_eq!(arrival.header("webhook-id"), arrival.header("x-webhook-id"));
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").expect("a generated secret"))
        .expect("base64");
    let mut signed = format!(
        "{}.{}.",
        arrival.header("webhook-id"),
        arrival.header("webhook-timestamp")
    )
    .into_bytes();
    signed.extend_from_slice(&arrival.bytes);
    assert_eq!(
        arrival.header("webhook-signature"),
        format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))
    );
}

/// HMAC-SHA256 as RFC 2104 writes it, independent of the code under test.
fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&common::crypto::sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |byte: u8, data: &[u8]| [block.map(|b| b ^ byte).as_slice(), data].concat();
    common::crypto::sha256(&pad(0x5c, &common::crypto::sha256(&pad(0x36, data))))
}

/// API.md, "What a receiver gets": compact JSON in this key order.
fn assert_body_contract(bytes: &[u8], incident: &str, service: &str) {
    let body = std::str::from_utf8(bytes).expect("UTF-8");
    let keys = [
        r#"{"event":"incident.created","timestamp":""#,
        &format!(
            r#"","data":{{"id":"{incident}","title":"Disk full on db-1","description":"é😀","status":"OPEN","urgency":"HIGH","priority":null,"service":{{"id":"{service}","name":""#
        ),
        r#""},"assignee":null,"createdAt":""#,
        r#"","acknowledgedAt":null,"resolvedAt":null,"snoozedUntil":null,"version":1}}"#,
    ];
    let mut rest = body;
    for part in keys {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing, or out of order, in {body}"));
        rest = &rest[at + part.len()..];
    }
    assert!(rest.is_empty(), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_always_fails_ends_in_the_dead_letter_queue() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_, _| StatusCode::INTERNAL_SERVER_ERROR).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let dead_before = dead(&world).await;

    world
        .accepted(&integration, json!({ "summary": "x", "dedup_key": "x" }))
        .await;
    // The schedule 1s,1s,2s is three retries after the first attempt.
    let arrivals = receiver.count(4).await;
    let attempts: Vec<&str> = arrivals
        .iter()
        .map(|arrival| arrival.header("x-webhook-attempt"))
        .collect();
    assert_eq!(attempts, ["1", "2", "3", "4"]);
    assert!(
        arrivals
            .iter()
            .all(|arrival| arrival.header("webhook-id") == arrivals[0].header("webhook-id"))
    );
    assert!(
        arrivals
            .iter()
            .all(|arrival| arrival.bytes == arrivals[0].bytes)
    );

    let failed = world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(4));
    assert_eq!(failed["attempts"][3]["error"], "answered 500");
    assert_eq!(failed["nextAttemptAt"], Value::Null);
    wait::until("a dead letter", || async {
        (dead(&world).await == dead_before + 1).then_some(())
    })
    .await;
    world.stop().await;
}

async fn dead(world: &World) -> u64 {
    world.get("/api/delivery-queue").await["dead"]
        .as_u64()
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_group_opens_and_closes_each_of_its_alerts() {
    let world = World::start().await;
    let integration = world.integration("prometheus").await;
    let alert = |fingerprint: &str, status: &str| {
        json!({ "status": status, "fingerprint": fingerprint, "labels": { "alertname": fingerprint, "severity": "critical" },
                "annotations": {}, "startsAt": "2026-08-06T07:00:00Z", "endsAt": "2026-08-06T08:00:00Z" })
    };
    let group = |alerts: Value| json!({ "version": "4", "status": "firing", "alerts": alerts });
    let opened = world
        .alert(
            &integration,
            group(json!([alert("a", "firing"), alert("b", "firing")])),
        )
        .await;
    let opened = opened.expect(StatusCode::OK);
    assert_eq!(opened["results"].as_array().map(Vec::len), Some(2));

    let closed = world
        .alert(
            &integration,
            group(json!([alert("a", "resolved"), alert("b", "firing")])),
        )
        .await;
    let closed = closed.expect(StatusCode::OK);
    let actions: Vec<&Value> = closed["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|one| &one["action"])
        .collect();
    assert_eq!(actions, ["resolved", "deduplicated"]);

    let open = world
        .get(&format!(
            "/api/incidents?status=OPEN&serviceId={}",
            integration.service
        ))
        .await;
    assert_eq!(open["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(open["incidents"][0]["title"], "b");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_routes_methods_and_callers_get_the_documented_error() {
    let world = World::start().await;
    let cases = [
        (
            Method::GET,
            "/api/nothing",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            Method::PUT,
            "/api/services",
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        ),
        (
            Method::DELETE,
            "/api/incidents",
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        ),
        (
            Method::GET,
            "/api/integrations/webhook",
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        ),
        (
            Method::GET,
            "/api/services",
            StatusCode::UNAUTHORIZED,
            "missing_credential",
        ),
        (
            Method::POST,
            "/api/integrations/webhook",
            StatusCode::BAD_REQUEST,
            "missing_integration_id",
        ),
        (
            Method::POST,
            "/api/integrations/webhook?integrationId=nope",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
    ];
    for (method, path, status, code) in cases {
        let answer = world.send(method.clone(), path, &[], "").await;
        assert!(
            answer.headers.contains_key("x-request-id"),
            "{method} {path}"
        );
        let body = answer.expect(status);
        assert_eq!(body["code"], code, "{method} {path}");
        assert!(
            body["error"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path}"
        );
    }
    let health = world
        .send(Method::GET, "/api/health", &[], "")
        .await
        .expect(StatusCode::OK);
    assert_eq!(health["status"], "healthy");
    world.stop().await;
}
