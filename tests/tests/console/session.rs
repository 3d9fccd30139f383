//! Logging in and out, and the cookie.

use http::{Method, StatusCode, header::SET_COOKIE};
use opsknight_tests::World;

use crate::browser::{Browser, encoded};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_starts_and_ends() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let away = browser.get("/incidents?status=OPEN").await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    assert_eq!(away.location(), "/login?next=%2Fincidents%3Fstatus%3DOPEN");
    let form = browser.page(away.location()).await;
    let inside = browser
        .submit(&form, "/login", &[("key", world.admin_key())])
        .await;
    assert_eq!(inside.status, StatusCode::SEE_OTHER);
    assert_eq!(inside.location(), "/incidents?status=OPEN");
    let cookie = inside.header(SET_COOKIE.as_str()).to_owned();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/;", "Max-Age=43200"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "by http: {cookie}");
    assert!(!cookie.contains(world.admin_key()), "sealed: {cookie}");
    browser.keep(&inside);
    browser.page("/").await.says("0 open");

    let outside = browser.post("/logout", &[]).await;
    assert_eq!(outside.location(), "/login");
    assert!(outside.header(SET_COOKIE.as_str()).contains("Max-Age=0"));
    browser.keep(&outside);
    assert_eq!(browser.get("/").await.location(), "/login");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_https_the_cookie_stays_on_https() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let https = ("x-forwarded-proto", "https");
    let headers = [("sec-fetch-site", "same-origin"), https];
    let body = encoded(&[("key", world.admin_key())]);
    let answer = browser.send(Method::POST, "/login", &headers, body).await;
    let cookie = answer.header(SET_COOKIE.as_str());
    assert!(cookie.starts_with("__Host-opsknight="), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    browser.keep(&answer);
    let inside = browser
        .send(Method::GET, "/", &[https], String::new())
        .await;
    assert_eq!(inside.status, StatusCode::OK);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_opens_nothing_and_is_not_shown_again() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    for key in ["", "ok_wrong_key", "two\nlines", "é", &"x".repeat(100_000)] {
        let answer = browser
            .post("/login", &[("key", key), ("next", "/queue")])
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header(SET_COOKIE.as_str()).is_empty());
        answer.says("This key is not valid.");
        assert_eq!(answer.typed("/login", "next"), "/queue");
        answer.is_silent_on("ok_wrong_key");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_cookie_opens_nothing() {
    let world = World::start().await;
    let mut browser = Browser::logged_in(&world).await;
    let mut cookie = browser.cookie.clone().expect("a cookie");
    cookie.pop();
    let own = format!("opsknight={}", world.admin_key());
    for forged in [cookie, own, "opsknight=".to_owned(), "opsknight".to_owned()] {
        browser.cookie = Some(forged);
        assert_eq!(browser.get("/").await.location(), "/login");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_leads_to_no_other_site() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:x",
    ] {
        let fields = [("key", world.admin_key()), ("next", next)];
        assert_eq!(browser.post("/login", &fields).await.location(), "/");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_on_another_site_leads_on_instead_of_to_the_login() {
    let world = World::start().await;
    let browser = Browser::new(&world);
    let headers = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    let shown = browser
        .send(Method::GET, "/incidents/inc_1?x=1", &headers, String::new())
        .await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(
        shown
            .html
            .contains("data-continue href=\"/incidents/inc_1?x=1\"")
    );
    world.stop().await;
}
