//! The incidents of the management API.

use http::{Method, StatusCode};
use opsknight_tests::{Integration, World, receiver::Receiver, wait};
use serde_json::{Value, json};

async fn open(world: &World, integration: &Integration, key: &str) -> String {
    let result = world
        .accepted(integration, json!({ "id": key, "title": key }))
        .await;
    result["incident"]["id"]
        .as_str()
        .expect("an incident")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_opens_changes_and_closes_an_incident() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let service = world.service("checkout").await;
    world.webhook(receiver.url(), &service).await;
    let body = json!({ "title": "Slow", "serviceId": service, "urgency": "LOW", "priority": "P3",
                       "assignee": { "name": "Ada", "email": "ada@example.com" } });
    let created = world
        .api(Method::POST, "/api/incidents", body)
        .await
        .expect(StatusCode::CREATED)["incident"]
        .clone();
    assert_eq!(
        (
            &created["status"],
            &created["service"]["name"],
            &created["dedupKey"]
        ),
        (&json!("OPEN"), &json!("checkout"), &Value::Null)
    );
    let path = format!("/api/incidents/{}", created["id"].as_str().expect("an id"));

    let steps = [
        (json!({ "status": "ACKNOWLEDGED" }), "incident.acknowledged"),
        (
            json!({ "status": "SNOOZED", "snoozeMinutes": 10 }),
            "incident.snoozed",
        ),
        (json!({ "status": "SUPPRESSED" }), "incident.suppressed"),
        (json!({ "urgency": "HIGH" }), "incident.updated"),
        (
            json!({ "assignee": null, "description": "all of it" }),
            "incident.updated",
        ),
        (json!({ "status": "RESOLVED" }), "incident.resolved"),
        (json!({ "status": "OPEN" }), "incident.updated"),
    ];
    for (index, (change, _)) in steps.iter().enumerate() {
        let after = world
            .api(Method::PATCH, &path, change.clone())
            .await
            .expect(StatusCode::OK);
        assert_eq!(after["incident"]["version"], index + 2, "{change}");
    }
    let arrivals = receiver.count(steps.len() + 1).await;
    let told: Vec<&str> = arrivals
        .iter()
        .skip(1)
        .map(|arrival| arrival.event())
        .collect();
    assert_eq!(told, steps.each_ref().map(|(_, event)| *event));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_to_one_version_one_wins() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    let path = format!("/api/incidents/{incident}");
    let change = |title: &'static str| {
        let (world, path) = (&world, &path);
        async move {
            let bearer = format!("Bearer {}", world.admin_key());
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
                ("if-match", "\"1\""),
            ];
            world
                .send(
                    Method::PATCH,
                    path,
                    &headers,
                    json!({ "title": title }).to_string(),
                )
                .await
                .status
        }
    };
    let (one, other) = tokio::join!(change("one"), change("other"));
    let mut statuses = [one.as_u16(), other.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let timeline = world.get(&format!("{path}/timeline")).await;
    assert_eq!(timeline["timeline"].as_array().map(Vec::len), Some(2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reopening_takes_the_key_back_unless_another_incident_has_it() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let first = open(&world, &integration, "k").await;
    let set = |id: String, status: &'static str| {
        let world = &world;
        async move {
            world
                .api(
                    Method::PATCH,
                    &format!("/api/incidents/{id}"),
                    json!({ "status": status }),
                )
                .await
        }
    };
    set(first.clone(), "RESOLVED").await.expect(StatusCode::OK);
    assert_eq!(
        set(first.clone(), "ACKNOWLEDGED")
            .await
            .expect(StatusCode::CONFLICT)["code"],
        "incident_resolved"
    );
    set(first.clone(), "OPEN").await.expect(StatusCode::OK);
    assert_eq!(
        open(&world, &integration, "k").await,
        first,
        "alerts find the reopened incident"
    );

    set(first.clone(), "RESOLVED").await.expect(StatusCode::OK);
    let second = open(&world, &integration, "k").await;
    assert_ne!(second, first);
    assert_eq!(
        set(first.clone(), "OPEN")
            .await
            .expect(StatusCode::CONFLICT)["code"],
        "dedup_key_taken"
    );
    let renamed = world
        .api(
            Method::PATCH,
            &format!("/api/incidents/{first}"),
            json!({ "title": "old one" }),
        )
        .await;
    renamed.expect(StatusCode::OK);
    assert_eq!(
        open(&world, &integration, "k").await,
        second,
        "a change of the closed one leaves the key alone"
    );
    let counts: Vec<Value> = world
        .incidents(&integration.service)
        .await
        .iter()
        .map(|one| one["alertCount"].clone())
        .collect();
    assert_eq!(counts, [json!(2), json!(2)]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snooze_ends_by_itself() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let incident = open(&world, &integration, "k").await;
    let until = common::time::Timestamp::now().after(std::time::Duration::from_millis(300));
    let snooze = json!({ "status": "SNOOZED", "snoozedUntil": until });
    world
        .api(Method::PATCH, &format!("/api/incidents/{incident}"), snooze)
        .await
        .expect(StatusCode::OK);

    // The schedule's next minute, without waiting for it.
    let clock =
        clock::Clock::new(crate::calls::store(world.stack().expect("a stack of its own")).await);
    wait::until("the end of the snooze", || async {
        clock.tick().await.expect("the clock runs");
        let read = world.get(&format!("/api/incidents/{incident}")).await;
        (read["incident"]["status"] == "OPEN").then_some(())
    })
    .await;
    let arrivals = receiver.count(3).await;
    let told: Vec<&str> = arrivals.iter().map(|arrival| arrival.event()).collect();
    assert_eq!(
        told,
        ["incident.created", "incident.snoozed", "incident.updated"]
    );
    assert_eq!(arrivals[2].body["data"]["snoozedUntil"], Value::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_newest_first_filtered_and_paged() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let other = world.integration("webhook").await;
    let mut opened = Vec::new();
    for index in 0..23 {
        let severity = if index % 2 == 0 { "critical" } else { "info" };
        let alert = json!({ "id": index, "title": index, "severity": severity });
        opened.push(world.accepted(&integration, alert).await["incident"]["id"].clone());
        if index % 3 == 0 {
            world
                .accepted(&integration, json!({ "id": index, "status": "ok" }))
                .await;
        }
        world.accepted(&other, json!({ "id": index })).await;
    }
    opened.reverse();
    let pages = |filter: String| {
        let world = &world;
        async move {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = world
                    .get(&format!("/api/incidents?limit=5{filter}{cursor}"))
                    .await;
                let entries = page["incidents"].as_array().cloned().unwrap_or_default();
                assert!(entries.len() <= 5);
                found.extend(entries.into_iter().map(|one| one["id"].clone()));
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return found,
                }
            }
        }
    };
    let service = format!("&serviceId={}", integration.service);
    assert_eq!(pages(service.clone()).await, opened);
    assert_eq!(pages(format!("{service}&status=RESOLVED")).await.len(), 8);
    assert_eq!(pages(format!("{service}&status=OPEN")).await.len(), 15);
    assert_eq!(pages(format!("{service}&urgency=LOW")).await.len(), 11);
    assert_eq!(pages(String::new()).await.len(), 46);
    for bad in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=%21",
        "cursor=bm9uc2Vuc2U",
        "status=open",
        "status=OPEN,",
        "status=OPEN,OVER",
        "urgency=X",
        "serviceId=1",
    ] {
        let answer = world
            .api(Method::GET, &format!("/api/incidents?{bad}"), Value::Null)
            .await;
        let code = if bad.starts_with("cursor") {
            "invalid_cursor"
        } else {
            "validation_failed"
        };
        assert_eq!(
            answer.expect(StatusCode::BAD_REQUEST)["code"],
            code,
            "{bad}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_alerts_are_kept_with_their_details() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    world
        .accepted(
            &integration,
            json!({ "id": "k", "deep": { "a": [1, { "b": null }] } }),
        )
        .await;
    world
        .accepted(
            &integration,
            json!({ "id": "k", "big": "x".repeat(200_000) }),
        )
        .await;
    let alerts = world
        .get(&format!("/api/incidents/{incident}/alerts"))
        .await["alerts"]
        .clone();
    assert_eq!(alerts.as_array().map(Vec::len), Some(3));
    assert_eq!(
        alerts[1]["details"]["deep"],
        json!({ "a": [1, { "b": null }] })
    );
    assert_eq!(
        (&alerts[1]["truncated"], &alerts[2]["truncated"]),
        (&json!(false), &json!(true))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_of_a_tool_that_never_recovers_ends_when_it_is_quiet() {
    let world = World::start().await;
    let service = world.service("certificates").await;
    let body = json!({ "type": "webhook", "name": "w", "settings": { "autoResolveAfter": 1 } });
    let quiet = world.integration_of(&service, body).await;
    let body = json!({ "type": "webhook", "name": "w", "settings": { "autoResolveAfter": 3_600 } });
    let patient = world.integration_of(&service, body).await;
    let (ends, stays) = (
        open(&world, &quiet, "ends").await,
        open(&world, &patient, "stays").await,
    );
    let clock =
        clock::Clock::new(crate::calls::store(world.stack().expect("a stack of its own")).await);
    let status = |id: String| {
        let world = &world;
        async move { world.get(&format!("/api/incidents/{id}")).await["incident"]["status"].clone() }
    };
    wait::until("its end", || async {
        clock.tick().await.expect("the clock runs");
        (status(ends.clone()).await == "RESOLVED").then_some(())
    })
    .await;
    assert_eq!(status(stays).await, "OPEN");
    let timeline = world.get(&format!("/api/incidents/{ends}/timeline")).await;
    assert_eq!(timeline["timeline"][1]["actor"]["type"], "schedule");
    assert_ne!(open(&world, &quiet, "ends").await, ends);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_incidents_history_expires_with_it() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    world.accepted(&integration, json!({ "id": "k" })).await;
    let table = crate::calls::table(world.stack().expect("a stack of its own"));
    let expiries = || async {
        let partition = aws_sdk_dynamodb::types::AttributeValue::S(format!("INCIDENT#{incident}"));
        let found = table
            .query()
            .table_name("opsknight")
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", partition)
            .send()
            .await
            .expect("the partition");
        let expiry =
            |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
                item.get("expiresAt")
                    .and_then(|at| at.as_n().ok()?.parse::<u64>().ok())
            };
        found
            .items()
            .iter()
            .map(expiry)
            .collect::<Vec<Option<u64>>>()
    };
    let in_days = |days: u64| common::time::Timestamp::now().unix_seconds() + days * 86_400;
    // Two alerts, one event, and the incident itself, which does not expire while it is open.
    let open_expiries = expiries().await;
    assert_eq!(open_expiries.len(), 4);
    assert_eq!(
        open_expiries
            .iter()
            .filter(|at| at.is_some_and(|at| at > in_days(300)))
            .count(),
        3
    );
    assert_eq!(open_expiries[3], None);

    world
        .accepted(&integration, json!({ "id": "k", "status": "ok" }))
        .await;
    wait::until("the shorter expiry", || async {
        let closed = expiries().await;
        closed
            .iter()
            .all(|at| at.is_some_and(|at| at <= in_days(30)))
            .then_some(())
    })
    .await;
    let reopen = json!({ "status": "OPEN" });
    world
        .api(Method::PATCH, &format!("/api/incidents/{incident}"), reopen)
        .await
        .expect(StatusCode::OK);
    wait::until("the longer expiry", || async {
        let reopened = expiries().await;
        reopened
            .iter()
            .filter(|at| at.is_some())
            .all(|at| at.is_some_and(|at| at > in_days(300)))
            .then_some(())
    })
    .await;
    world.stop().await;
}
