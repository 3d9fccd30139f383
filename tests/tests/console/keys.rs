//! API keys, what they may, and the audit log.

use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::json;

use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_shown_once_and_revoked() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let page = browser.page("/keys").await;
    page.says("There are none");
    let wrong = browser.submit(&page, "/keys", &[("name", "nothing")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("expected at least one scope");
    assert_eq!(wrong.typed("/keys", "name"), "nothing");
    let fields = [
        ("name", "Ada's phone"),
        ("scopes", "incidents:read"),
        ("scopes", "incidents:write"),
        ("expiresAt", "2999-01-01T00:00"),
    ];
    let created = browser.submit(&page, "/keys", &fields).await;
    assert_eq!(created.status, StatusCode::OK);
    let token = created.secret();
    assert!(token.starts_with("ok_"));
    let list = browser.page("/keys").await;
    list.is_silent_on(&token)
        .says("Ada's phone")
        .says("incidents:read, incidents:write")
        .says("2999-01-01 00:00:00 UTC")
        .says("by admin");

    // The key works for what it may, and says where it may not.
    let phone = Browser::with_key(&world, &token).await;
    phone.page("/").await.is_silent_on("not known right now");
    let refused = phone.get("/webhooks").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.says("settings:read").says("Log out and in again");
    let service = world.service("Checkout").await;
    let form = phone.page("/incidents/new").await;
    let fields = [
        ("title", "By phone"),
        ("serviceId", &service),
        ("urgency", "HIGH"),
    ];
    let opened = phone.submit(&form, "/incidents", &fields).await;
    phone.follow(&opened).await.says("by Ada's phone");

    let keys = world.get("/api/api-keys").await;
    let id = keys["apiKeys"][0]["id"].as_str().expect("an id");
    let revoked = browser
        .submit(&list, &format!("/keys/{id}/revoke"), &[])
        .await;
    assert_eq!(revoked.location(), "/keys");
    assert_eq!(
        phone.get("/").await.location(),
        "/login",
        "its session is over"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_only_sends_events_does_not_log_in() {
    let world = World::start().await;
    let created = world
        .api(
            Method::POST,
            "/api/api-keys",
            json!({ "name": "sender", "scopes": ["events:write"] }),
        )
        .await
        .expect(StatusCode::CREATED);
    let token = created["token"].as_str().expect("a token");
    let refused = Browser::new(&world).post("/login", &[("key", token)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.says("This key may read neither incidents nor settings.");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_here_is_in_the_audit_log_with_its_address() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let created = browser.post("/services", &[("name", "Checkout")]).await;
    let service = created.location().to_owned();
    browser
        .post(&format!("{service}/edit"), &[("name", "Payments")])
        .await;
    let log = browser.page("/audit").await;
    log.says("service.created")
        .says("service.updated")
        .says("name: Checkout → Payments")
        .says("by admin from 127.0.0.1");
    let some = browser.page("/audit?action=service.created").await;
    some.says("service.created").is_silent_on("service.updated");
    let none = browser.page("/audit?target=webhook").await;
    none.is_silent_on("service.created");
    world.stop().await;
}
