//! What holds for every page.

use http::{Method, StatusCode};
use opsknight_tests::World;

use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_bears_the_policies() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let stranger = Browser::new(&world);
    let answers = [
        browser.get("/").await,
        browser.get("/webhooks").await,
        browser.get("/webhooks/whk_nobody").await,
        browser.get("/webhooks/a/b/c/d").await,
        browser.get("/services").await,
        browser.get("/queue").await,
        browser.post("/services", &[("name", "")]).await,
        browser
            .send(Method::POST, "/services", &[], String::new())
            .await,
        stranger.get("/").await,
        stranger.get("/login").await,
        stranger.post("/login", &[]).await,
    ];
    for answer in &answers {
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "style-src 'self'",
            "script-src 'self';",
        ] {
            assert!(policy.contains(part), "{part} in {policy:?}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            answer.header("x-request-id").starts_with("req_"),
            "{:?}",
            answer.headers
        );
        assert!(!answer.html.contains("style=") && !answer.html.contains("<style"));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_pages_are_pages_and_unknown_routes_of_the_api_are_not() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    for path in [
        "/incidents/inc_nobody",
        "/incidents/a/b/c",
        "/services/svc_nobody",
        "/services/..%2F..%2Fincidents",
        "/webhooks/whk_nobody/deliveries/dlv_nobody",
        "/assets/nothing.css",
    ] {
        let shown = browser.get(path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            shown.html.starts_with("<!DOCTYPE html>"),
            "{path}: {}",
            shown.html
        );
    }
    for path in ["/api/nothing", "/api", "/nothing", "/v2/nothing"] {
        let shown = browser.get(path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            shown.html.starts_with("{\"error\""),
            "{path}: {}",
            shown.html
        );
    }
    // What only takes a form leads to the page that the form is on.
    let back = browser.get("/webhooks/whk_1/test").await;
    assert_eq!(back.location(), "/webhooks/whk_1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assets_are_kept_by_browsers() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let login = browser.page("/login").await;
    for (name, kind) in [
        ("console.css", "text/css"),
        ("console.js", "text/javascript"),
        ("icon.svg", "image/svg"),
    ] {
        let start = login.html.find(&format!("/assets/{name}?v=")).expect(name);
        let address = login.html[start..].split('"').next().expect("an address");
        let asset = browser.page(address).await;
        assert!(asset.header("content-type").starts_with(kind));
        assert!(asset.header("cache-control").contains("immutable"));
    }
    world.stop().await;
}
