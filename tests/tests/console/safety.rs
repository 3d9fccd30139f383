//! Other sites' pages, and texts that alerts bring.

use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::json;

use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_other_sites_have_no_effect() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let host = world.url().replace("http://", "");
    let lookalike = format!("http://{host}.evil.example");
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", lookalike.as_str())],
        &[("origin", world.url()), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        for path in ["/services", "/login", "/logout", "/queue/redrive"] {
            let refused = browser
                .send(Method::POST, path, headers, "name=x".to_owned())
                .await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(world.get("/api/services").await["services"], json!([]));
    world.stop().await;
}

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_text_is_inert_on_every_page() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let service = world.service(&HOSTILE[..60]).await;
    let integration = world
        .integration_of(
            &service,
            json!({ "type": "webhook", "name": &HOSTILE[..60] }),
        )
        .await;
    let alert = json!({
        "summary": HOSTILE, "description": HOSTILE, "dedup_key": HOSTILE, "source": HOSTILE,
        "severity": "critical", "link": "javascript:alert(1)", "url": "javascript:alert(1)",
        HOSTILE: HOSTILE, "nested": { HOSTILE: [HOSTILE] },
    });
    let incident = world.accepted(&integration, alert).await["incident"]["id"].clone();
    let incident = incident.as_str().expect("an id");
    // Rejected, so that it is in the request log.
    world
        .send(
            Method::POST,
            &integration.url,
            &[("content-type", HOSTILE)],
            HOSTILE,
        )
        .await;
    let note =
        json!({ "note": HOSTILE, "assignee": { "name": &HOSTILE[..60] }, "priority": "<script>" });
    world
        .api(Method::PATCH, &format!("/api/incidents/{incident}"), note)
        .await
        .expect(StatusCode::OK);
    let webhook = world
        .webhook_of(json!({
            "name": &HOSTILE[..60], "url": format!("{}/dev/inbox?x=%22%3E%3Cscript%3E", world.url()),
            "events": ["incident.created"],
        }))
        .await;
    let webhook = webhook["id"].as_str().expect("an id");
    for path in [
        "/".to_owned(),
        "/incidents".to_owned(),
        "/incidents/new".to_owned(),
        format!("/incidents/{incident}"),
        format!("/incidents/{incident}/edit"),
        format!("/incidents/{incident}/deliveries"),
        "/services".to_owned(),
        format!("/services/{service}"),
        format!("/services/{service}/integrations/{}", integration.id),
        "/webhooks".to_owned(),
        "/webhooks/new".to_owned(),
        format!("/webhooks/{webhook}"),
        format!("/webhooks/{webhook}/edit"),
    ] {
        let page = browser.page(&path).await;
        assert_eq!(
            page.html.matches("<script").count(),
            1,
            "{path}: our own only"
        );
        page.is_silent_on("<img")
            .is_silent_on("\"'>")
            .is_silent_on("href=\"javascript");
    }
    for query in ["%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "OPEN"] {
        let shown = browser.get(&format!("/incidents?status={query}")).await;
        assert_eq!(shown.html.matches("<script").count(), 1);
    }
    browser
        .page(&format!("/incidents/{incident}"))
        .await
        .says("<script>alert(1)</script>");
    world.stop().await;
}
