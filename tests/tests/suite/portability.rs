//! The configuration as a document: taken out, put in, put in again.

use std::time::Duration;

use common::time::Timestamp;
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

const EXPORT: &str = "/api/export";
const SHOWN: &str = "/api/export?secrets=true";

/// A deployment with something of everything.
async fn furnished() -> World {
    let world = World::start().await;
    let checkout = world.service("checkout").await;
    let search = world.service("search").await;
    for (service, body) in [
        (
            &checkout,
            json!({ "type": "prometheus", "name": "alertmanager", "requireKey": true, "rateLimitPerMinute": 7 }),
        ),
        (
            &checkout,
            json!({ "type": "webhook", "name": "signed", "signatureSecret": "shared-with-the-tool",
                "settings": { "fields": { "title": "alert.name" } }, "enabled": false }),
        ),
        (&search, json!({ "type": "github", "name": "builds" })),
    ] {
        world.integration_of(service, body).await;
    }
    world
        .webhook_of(json!({
            "name": "pager", "url": "https://example.com/hook", "events": ["incident.created"],
            "secret": "sixteen-characters-of-secret", "ordering": "none",
            "filter": { "serviceIds": [checkout], "urgencies": ["HIGH"] },
        }))
        .await;
    world
        .webhook_of(json!({
            "name": "chat", "url": "https://example.com/chat", "events": ["incident.resolved"],
            "format": "template", "template": "{\"text\": {{ data.title | tojson }}}",
            "headers": { "Authorization": "Bearer of-the-receiver" }, "enabled": false,
        }))
        .await;
    world
}

async fn import(world: &World, query: &str, document: &Value) -> Value {
    let path = format!("/api/import{query}");
    world
        .api(Method::POST, &path, document.clone())
        .await
        .expect(StatusCode::OK)
}

fn actions(answer: &Value) -> Vec<(&str, &str)> {
    let items = answer["items"].as_array().expect("items").iter();
    items
        .map(|item| (text(&item["name"]), text(&item["action"])))
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn item<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let mut items = answer["items"].as_array().expect("items").iter();
    items
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_makes_the_same_deployment_elsewhere() {
    let (here, there) = (furnished().await, World::start().await);
    let document = here.get(SHOWN).await;
    assert_eq!(document["version"], 1);
    let answer = import(&there, "", &document).await;
    assert_eq!(
        (&answer["complete"], &answer["counts"]["created"]),
        (&json!(true), &json!(7))
    );
    assert_eq!(there.get(SHOWN).await, document);
    let hidden = here.get(EXPORT).await;
    assert_eq!(there.get(EXPORT).await, hidden);

    // Again, with and without its secrets: nothing to do.
    for document in [&document, &hidden] {
        let again = import(&there, "?prune=true", document).await;
        assert_eq!(again["counts"]["unchanged"], 7, "{again}");
        assert!(again["items"].as_array().is_some_and(|items| {
            items
                .iter()
                .all(|item| item["action"] == "unchanged" && item.get("warnings").is_none())
        }));
    }
    assert_eq!(there.get(SHOWN).await, document);
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_the_same_text_every_time_and_holds_no_secret_unasked() {
    let world = furnished().await;
    let bearer = format!("Bearer {}", world.admin_key());
    let headers = [("authorization", bearer.as_str())];
    let read = |path| world.send(Method::GET, path, &headers, "");
    let (first, second) = (read(EXPORT).await, read(EXPORT).await);
    assert_eq!(first.bytes, second.bytes);
    let text = String::from_utf8(first.bytes.to_vec()).expect("text");
    assert!(text.starts_with("{\n  \"version\": 1,\n") && text.ends_with("}\n"));
    let shown = String::from_utf8(read(SHOWN).await.bytes.to_vec()).expect("text");
    for secret in [
        "shared-with-the-tool",
        "sixteen-characters-of-secret",
        "of-the-receiver",
        "whsec_",
    ] {
        assert!(!text.contains(secret), "{secret}");
        assert!(shown.contains(secret), "{secret}");
    }
    for text in [&text, &shown] {
        assert!(!text.contains("keyHash") && text.contains("integration keys and API keys"));
    }
    read("/api/export?secrets=maybe")
        .await
        .expect(StatusCode::BAD_REQUEST);
    for (method, path) in [(Method::GET, EXPORT), (Method::POST, "/api/import")] {
        let answer = world.send(method, path, &[], "{}").await;
        answer.expect(StatusCode::UNAUTHORIZED);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_import_makes_up_is_answered_once_and_works() {
    let (here, there) = (furnished().await, World::start().await);
    let document = here.get(EXPORT).await;
    let plan = import(&there, "?dryRun=true", &document).await;
    let created = import(&there, "", &document).await;
    for (name, field, length) in [
        ("alertmanager", "key", 32),
        ("signed", "key", 32),
        ("signed", "signatureSecret", 50),
        ("pager", "secret", 50),
    ] {
        assert!(text(&item(&created, name)[field]).len() >= length, "{name}");
        assert!(item(&plan, name).get(field).is_none(), "{name} {field}");
    }
    let stored = there.get(SHOWN).await;
    assert_eq!(
        stored["integrations"][1]["signatureSecret"],
        item(&created, "signed")["signatureSecret"]
    );
    assert_eq!(
        stored["webhooks"][0]["secret"],
        item(&created, "pager")["secret"]
    );
    // What cannot be made up is told, before and after.
    for answer in [&plan, &created] {
        assert!(text(&item(answer, "chat")["warnings"][0]).contains("Authorization"));
        assert!(text(&item(answer, "signed")["warnings"][0]).contains("signature secret"));
    }
    let made = item(&created, "alertmanager");
    let answer = there
        .send(
            Method::POST,
            text(&made["url"]),
            &[("x-integration-key", text(&made["key"]))],
            "{\"alerts\":[]}",
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let again = import(&there, "", &document).await;
    assert_eq!(again["counts"]["unchanged"], 7);
    let secrets = ["key", "secret", "signatureSecret", "url"];
    let has_secret = |item: &Value| secrets.iter().any(|name| item.get(*name).is_some());
    assert!(
        !again["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(has_secret)
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_everything_and_changes_nothing() {
    let world = furnished().await;
    let before = world.get(SHOWN).await;
    let mut document = before.clone();
    document["services"][0]["name"] = json!("payments");
    document["services"].as_array_mut().expect("a list").pop();
    document["integrations"]
        .as_array_mut()
        .expect("a list")
        .pop();
    document["webhooks"][0]["url"] = json!("https://example.com/new");
    document["webhooks"][1] =
        json!({ "name": "another", "url": "https://example.com/", "events": ["incident.created"] });
    let plan = import(&world, "?dryRun=true", &document).await;
    let expected = [
        ("payments", "updated"),
        ("alertmanager", "unchanged"),
        ("signed", "unchanged"),
        ("pager", "updated"),
        ("another", "created"),
        ("chat", "skipped"),
        ("builds", "skipped"),
        ("search", "skipped"),
    ];
    assert_eq!(actions(&plan), expected);
    assert_eq!(item(&plan, "pager")["changes"], json!(["url"]));
    assert_eq!(item(&plan, "another").get("id"), None);
    assert!(text(&item(&plan, "chat")["reason"]).contains("prune=true"));
    let plan = import(&world, "?dryRun=true&prune=true", &document).await;
    assert_eq!(plan["counts"]["deleted"], 3);
    assert_eq!(world.get(SHOWN).await, before);

    let done = import(&world, "?prune=true", &document).await;
    assert_eq!(
        (&done["counts"], &done["complete"]),
        (&plan["counts"], &json!(true))
    );
    let after = world.get(SHOWN).await;
    assert_eq!(after["services"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["integrations"][0]["service"]["name"], "payments");
    assert_eq!(after["integrations"].as_array().map(Vec::len), Some(2));
    assert_eq!(after["webhooks"][1]["name"], "another");
    let list = world.get("/api/services").await;
    let path = format!(
        "/api/services/{}/integrations",
        text(&list["services"][0]["id"])
    );
    assert_eq!(
        world.get(&path).await["integrations"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_error_changes_nothing_and_every_error_is_told_with_its_path() {
    let world = furnished().await;
    let before = world.get(SHOWN).await;
    let good = json!({ "name": "good" });
    let service = &before["services"][0]["id"];
    for (document, expected) in [
        (json!({}), vec!["version"]),
        (json!({ "version": 2 }), vec!["version"]),
        (
            json!({ "version": 1, "extra": 1, "services": {} }),
            vec!["services", "extra"],
        ),
        (
            json!({ "version": 1, "services": [good, 7, { "name": "" }, { "id": "svc_x", "name": "y" }, { "name": "z", "nope": 1 }, good] }),
            vec![
                "services[1]",
                "services[2].name",
                "services[3].id",
                "services[4].nope",
                "services[5].name",
            ],
        ),
        (
            json!({ "version": 1, "services": [good, { "id": before["services"][1]["id"] }], "integrations": [
                { "type": "webhook", "name": "a", "service": { "name": "nowhere" } },
                { "type": "carrier-pigeon", "name": "b", "service": { "name": "good" } },
                { "name": "c", "rateLimitPerMinute": 0 },
                { "id": before["integrations"][0]["id"], "type": "grafana" },
                { "id": before["integrations"][1]["id"], "service": { "id": before["services"][1]["id"] } },
            ] }),
            vec![
                "integrations[0].service.name",
                "integrations[1].type",
                "integrations[2].rateLimitPerMinute",
                "integrations[2].type",
                "integrations[2].service",
                "integrations[3].type",
                "integrations[4].service",
            ],
        ),
        (
            json!({ "version": 1, "services": [good], "webhooks": [
                { "name": "a", "url": "ftp://example.com", "events": ["incident.created"] },
                { "name": "b", "url": "https://example.com", "events": [], "headers": { "Host": "x" } },
                { "name": "c", "url": "https://example.com", "events": ["incident.created"], "format": "telegram" },
                { "name": "d", "url": "https://example.com", "events": ["incident.created"], "filter": { "services": ["good", "nowhere"] } },
                { "name": "e", "url": "https://example.com", "events": ["incident.created"], "secret": "short" },
                { "name": "f" },
            ] }),
            vec![
                "webhooks[3].filter.services[1]",
                "webhooks[0].url",
                "webhooks[1].events",
                "webhooks[1].headers",
                "webhooks[2].url",
                "webhooks[4].secret",
                "webhooks[5].url",
                "webhooks[5].events",
            ],
        ),
        // Pruning takes the service away that the integration is of.
        (
            json!({ "version": 1, "services": [good], "integrations": [{ "type": "webhook", "name": "a", "service": { "id": service } }] }),
            vec!["integrations[0].service.id"],
        ),
    ] {
        let answer = world
            .api(Method::POST, "/api/import?prune=true", document.clone())
            .await;
        let body = answer.expect(StatusCode::BAD_REQUEST);
        let details = body["details"].as_array().expect("details").iter();
        let mut paths: Vec<&str> = details.map(|detail| text(&detail["path"])).collect();
        let mut expected = expected.clone();
        paths.sort_unstable();
        expected.sort_unstable();
        assert_eq!(paths, expected, "{document} {body}");
    }
    let large = json!({ "version": 1, "services": [{ "name": "x".repeat(1024 * 1024) }] });
    let answer = world.api(Method::POST, "/api/import", large).await;
    answer.expect(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.get(SHOWN).await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_without_ids_goes_by_names() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let document = json!({
        "version": 1,
        "services": [{ "name": "checkout", "description": "pays" }, { "name": "search" }],
        "integrations": [
            { "service": { "name": "checkout" }, "type": "webhook", "name": "intake" },
            { "service": { "name": "search" }, "type": "webhook", "name": "intake" },
        ],
        "webhooks": [{
            "name": "receiver", "url": receiver.url(), "events": ["incident.created"],
            "filter": { "services": ["search"] },
        }],
    });
    let created = import(&world, "", &document).await;
    assert_eq!(created["counts"]["created"], 5);
    let before = world.get(SHOWN).await;
    let again = import(&world, "?prune=true", &document).await;
    assert_eq!(again["counts"]["unchanged"], 5, "{again}");
    assert_eq!(world.get(SHOWN).await, before);
    // The filter means the service that was made for its name.
    let urls: Vec<&str> = created["items"].as_array().expect("items")[2..4]
        .iter()
        .map(|item| text(&item["url"]))
        .collect();
    for url in urls {
        let answer = world
            .send(Method::POST, url, &[], "{\"title\":\"t\"}")
            .await;
        answer.expect(StatusCode::OK);
    }
    let arrivals = receiver.count(1).await;
    assert_eq!(arrivals[0].body["data"]["service"]["name"], "search");

    // A name that two services have means neither.
    world.service("search").await;
    let answer = world.api(Method::POST, "/api/import", document).await;
    let body = answer.expect(StatusCode::BAD_REQUEST);
    assert_eq!(body["details"][0]["path"], "services[1].name");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_fields_and_secrets_stay_and_null_takes_away() {
    let world = furnished().await;
    let before = world.get(SHOWN).await;
    let (signed, chat) = (&before["integrations"][1], &before["webhooks"][1]);
    let document = json!({ "version": 1,
        "integrations": [{ "id": signed["id"], "rateLimitPerMinute": 9, "hasSignatureSecret": false }],
        "webhooks": [{ "id": chat["id"], "headers": { "Authorization": null, "X-Team": "a" } }],
    });
    let answer = import(&world, "", &document).await;
    assert!(text(&item(&answer, "signed")["warnings"][0]).contains("takes it away"));
    let after = world.get(SHOWN).await;
    let mut expected = before.clone();
    expected["integrations"][1]["rateLimitPerMinute"] = json!(9);
    expected["webhooks"][1]["headers"]["X-Team"] = json!("a");
    assert_eq!(after, expected);

    let document = json!({ "version": 1,
        "integrations": [{ "id": signed["id"], "signatureSecret": null }],
        "webhooks": [{ "id": chat["id"], "headers": {} }],
    });
    import(&world, "", &document).await;
    let after = world.get(SHOWN).await;
    assert_eq!(after["integrations"][1]["hasSignatureSecret"], false);
    assert_eq!(after["webhooks"][1]["headers"], json!({}));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_many_is_worked_through_in_calls() {
    let world = World::start().await;
    let most = common::limits::IMPORT_CHANGES;
    let services: Vec<Value> = (0..=most)
        .map(|number| json!({ "name": format!("service {number}") }))
        .collect();
    let document = json!({ "version": 1, "services": services });
    let (mut created, mut calls) = (0, 0);
    loop {
        let answer = import(&world, "", &document).await;
        created += answer["counts"]["created"].as_u64().expect("a number");
        calls += 1;
        if answer["complete"] == true {
            break;
        }
        assert_eq!(
            item(&answer, &format!("service {most}"))["action"],
            "pending"
        );
        assert!(calls < 20, "every call gets further");
    }
    assert!(calls > 1);
    assert_eq!(created, most as u64 + 1);
    let list = world.get("/api/services").await;
    let names = list["services"].as_array().expect("a list").iter();
    let names: Vec<String> = names.map(|one| text(&one["name"]).to_owned()).collect();
    let expected: Vec<String> = (0..=most)
        .map(|number| format!("service {number}"))
        .collect();
    assert_eq!(names, expected, "in the document's order");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_webhook_is_enabled_by_a_document_as_by_hand() {
    let world = furnished().await;
    let mut document = world.get(EXPORT).await;
    document["webhooks"][1]["enabled"] = json!(true);
    import(&world, "", &document).await;
    let id = text(&document["webhooks"][1]["id"]);
    let timeline = world
        .get(&format!("/api/status-page/webhooks/{id}/timeline"))
        .await;
    assert_eq!(
        timeline["timeline"].as_array().map(Vec::len),
        Some(1),
        "{timeline}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_options_of_a_service_come_with_it() {
    let (here, there) = (World::start().await, World::start().await);
    let integration = here.integration("webhook").await;
    let (now, hour) = (Timestamp::now(), Duration::from_secs(3_600));
    let options = json!({
        "maintenanceWindows": [
            { "from": now.before(hour), "until": now.after(hour), "reason": "move \u{1f69a}" },
            { "from": now.after(hour), "until": now.after(2 * hour) },
        ],
        "autoResolveAfterHours": 720,
        "defaultUrgency": "LOW",
    });
    let path = format!("/api/services/{}", integration.service);
    here.api(Method::PATCH, &path, options)
        .await
        .expect(StatusCode::OK);
    let document = here.get(SHOWN).await;
    let answer = import(&there, "?prune=true", &document).await;
    assert_eq!(answer["counts"]["created"], 2, "{answer}");
    assert_eq!(there.get(SHOWN).await, document);
    let again = import(&there, "?prune=true", &document).await;
    assert_eq!(again["counts"]["unchanged"], 2, "{again}");
    // Its integration knows them.
    let alert = json!({ "title": "t", "severity": "critical" });
    let list = format!("{path}/integrations");
    let url = there.get(&list).await["integrations"][0]["url"].clone();
    let headers = [("content-type", "application/json")];
    let answer = there
        .send(Method::POST, text(&url), &headers, alert.to_string())
        .await
        .expect(StatusCode::OK);
    let incident = &answer["result"]["incident"];
    assert_eq!(
        (text(&incident["status"]), text(&incident["urgency"])),
        ("SUPPRESSED", "LOW"),
        "{answer}"
    );
    // A change of the service alone reaches the integration as well.
    let mut changed = document.clone();
    changed["services"][0]["maintenanceWindows"] = json!(null);
    changed["services"][0]["defaultUrgency"] = json!(null);
    changed["integrations"][0]["rateLimitPerMinute"] = json!(9);
    let answer = import(&there, "", &changed).await;
    assert_eq!(answer["counts"]["updated"], 2, "{answer}");
    let other = json!({ "title": "other", "severity": "critical" });
    let answer = there
        .send(Method::POST, text(&url), &headers, other.to_string())
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer["result"]["incident"]["status"], "OPEN", "{answer}");
    here.stop().await;
    there.stop().await;
}
