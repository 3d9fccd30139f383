//! Formats of outgoing webhooks: chats and templates get what `docs/formats.md`
//! says.

use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

const WEBHOOKS: &str = "/api/status-page/webhooks";
const JIRA: &str = r#"{"fields": {
  "project": {"key": "OPS"},
  "issuetype": {"name": "Incident"},
  "summary": {{ data.title | truncate(255) }},
  "description": "{{ data.description | default("no description", true) | json_text }} – {{ link | default("", true) | json_text }}",
  "priority": {"name": {{ {"HIGH": "Highest", "MEDIUM": "Medium"}[data.urgency] | default("Low") }}}
}}"#;

fn webhook(url: &str, service: &str, format: &str) -> Value {
    json!({
        "name": format,
        "url": url,
        "events": ["incident.created", "incident.resolved"],
        "filter": { "serviceIds": [service] },
        "format": format,
    })
}

/// An alert of a tool that sends a link, whose texts are markup everywhere.
fn hostile_alert(status: &str) -> Value {
    json!({ "version": "4", "alerts": [{
        "status": status,
        "fingerprint": "disk",
        "labels": { "alertname": "Disk", "severity": "critical" },
        "annotations": {
            "summary": "Disk \"full\" <!channel> & *more*",
            "description": "line 1\n<@U123> {{ 7 }} \\ \"end\"",
        },
        "generatorURL": "https://monitoring.example.com/a?b=1&c=2",
    }]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slack_gets_blocks_that_mention_nobody() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("prometheus").await;
    let slack = world
        .webhook_of(webhook(receiver.url(), &integration.service, "slack"))
        .await;
    assert_eq!(slack["format"], "slack");
    world.accepted(&integration, hostile_alert("firing")).await;
    world
        .accepted(&integration, hostile_alert("resolved"))
        .await;
    let arrivals = receiver.count(2).await;

    let opened = &arrivals[0];
    assert_eq!(opened.header("content-type"), "application/json");
    assert_eq!(opened.header("x-webhook-event"), "incident.created");
    assert!(opened.header("x-webhook-signature").starts_with("sha256="));
    let blocks = &opened.body["blocks"];
    assert_eq!(
        blocks[0]["text"],
        json!({ "type": "plain_text", "text": "🔴 Disk \"full\" &lt;!channel&gt; &amp; *more*", "emoji": false })
    );
    assert_eq!(blocks[1]["fields"][2]["text"], "Urgency: HIGH");
    assert_eq!(
        blocks[2]["text"]["text"],
        "line 1\n&lt;@U123&gt; {{ 7 }} \\ \"end\""
    );
    assert_eq!(
        blocks[3]["text"]["text"],
        "<https://monitoring.example.com/a?b=1&amp;c=2|Open the alert>"
    );
    let text = arrivals[1].body["text"].as_str().expect("a text");
    assert!(text.starts_with("✅ Incident resolved: "), "{text}");

    // What was sent is what is stored.
    let delivery = world
        .delivery(&slack, |one| one["status"] == "DELIVERED")
        .await;
    let path = format!(
        "{WEBHOOKS}/{}/deliveries/{}",
        slack["id"].as_str().expect("an id"),
        delivery["id"].as_str().expect("an id")
    );
    let stored = world.get(&path).await["delivery"].clone();
    assert_eq!(stored["renderError"], Value::Null);
    let stored = stored["request"]["body"].as_str().expect("a body");
    assert!(
        arrivals
            .iter()
            .any(|one| one.bytes.as_ref() == stored.as_bytes())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_makes_the_body_and_no_text_breaks_it() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("prometheus").await;
    let mut jira = webhook(receiver.url(), &integration.service, "template");
    jira["template"] = json!(JIRA);
    let created = world.webhook_of(jira).await;
    assert_eq!(created["template"], JIRA);
    world.accepted(&integration, hostile_alert("firing")).await;
    let fields = receiver.count(1).await.remove(0).body["fields"].clone();
    assert_eq!(fields["summary"], "Disk \"full\" <!channel> & *more*");
    assert_eq!(
        fields["description"],
        "line 1\n<@U123> {{ 7 }} \\ \"end\" – https://monitoring.example.com/a?b=1&c=2"
    );
    assert_eq!(fields["priority"]["name"], "Highest");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_fails_on_an_event_sends_the_plain_body_and_says_why() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let mut body = webhook(receiver.url(), &integration.service, "template");
    // JSON for every sample, but not for a title of one digit and a letter.
    body["template"] = json!(
        "{% if data.title == 'bad' %}{{ data.nothing }}{% else %}{{ [data.title] }}{% endif %}"
    );
    let webhook = world.webhook_of(body).await;
    world
        .accepted(&integration, json!({ "id": 1, "title": "bad" }))
        .await;
    world
        .accepted(&integration, json!({ "id": 2, "title": "good" }))
        .await;
    let arrivals = receiver.count(2).await;
    let plain = arrivals
        .iter()
        .find(|one| one.body.is_object())
        .expect("the plain body");
    assert_eq!(plain.body["data"]["title"], "bad");
    assert!(arrivals.iter().any(|one| one.body == json!(["good"])));
    let told = world
        .delivery(&webhook, |one| one["renderError"].is_string())
        .await;
    let told = told["renderError"].as_str().expect("a reason");
    assert!(told.contains("undefined"), "{told}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_is_refused_when_it_is_saved() {
    let world = World::start().await;
    let service = world.service("refused").await;
    let url = "https://hooks.example.com/x";
    let template = |template: Value| json!({ "format": "template", "template": template });
    let cases = [
        (json!({ "format": "mattermost" }), "format"),
        (json!({ "format": "template" }), "template"),
        (json!({ "format": "slack", "template": "1" }), "template"),
        (template(json!("{{ data.title")), "template"),
        (template(json!("\"{{ data.title }}\"")), "template"),
        (template(json!("{{ data.assignee.name }}")), "template"),
        (
            template(json!("{% for a in [1] %}1{% endfor %}")),
            "template",
        ),
        (
            template(json!(format!("1{}", " ".repeat(16 * 1024)))),
            "template",
        ),
        (template(json!("  ")), "template"),
        (json!({ "format": "telegram" }), "url"),
        (
            json!({ "format": "telegram", "url": format!("{url}?chat_id=x y") }),
            "url",
        ),
    ];
    for (fields, path) in cases {
        let mut body = webhook(url, &service, "opsknight");
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let refused = world.api(Method::POST, WEBHOOKS, body).await;
        let refused = refused.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused["details"][0]["path"], path, "{fields}: {refused}");
    }

    // A change is checked as a whole.
    let mut body = webhook(url, &service, "template");
    body["template"] = json!("{{ data.resolvedAt if data.resolvedAt else data.nothing }}");
    body["events"] = json!(["incident.resolved"]);
    let created = world.webhook_of(body).await;
    let path = format!("{WEBHOOKS}/{}", created["id"].as_str().expect("an id"));
    let patch = |body: Value| world.api(Method::PATCH, &path, body);
    let refused = patch(json!({ "events": ["incident.created"] })).await;
    let refused = refused.expect(StatusCode::BAD_REQUEST);
    assert_eq!(refused["details"][0]["path"], "template", "{refused}");
    patch(json!({ "template": null }))
        .await
        .expect(StatusCode::BAD_REQUEST);
    let changed = patch(json!({ "format": "discord" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(changed["webhook"]["template"], Value::Null);
    let kept = world.get(&path).await;
    assert_eq!(
        kept["webhook"]["template"],
        Value::Null,
        "it is really gone"
    );
    patch(json!({ "name": "chat" }))
        .await
        .expect(StatusCode::OK);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_shows_what_would_be_sent() {
    let world = World::start().await;
    let path = format!("{WEBHOOKS}/preview");
    let preview = |body: Value| world.api(Method::POST, &path, body);
    for (format, key) in [
        ("opsknight", "data"),
        ("slack", "blocks"),
        ("teams", "attachments"),
        ("google-chat", "cardsV2"),
        ("discord", "embeds"),
        ("telegram", "chat_id"),
    ] {
        let shown = preview(json!({ "format": format, "event": "incident.resolved" })).await;
        let shown = shown.expect(StatusCode::OK);
        assert_eq!(shown["contentType"], "application/json");
        let body: Value =
            serde_json::from_str(shown["body"].as_str().expect("a text")).expect("JSON");
        assert!(!body[key].is_null(), "{format}: {body}");
    }
    let shown = preview(json!({ "format": "template", "template": "{\"e\": {{ event }}}" })).await;
    assert_eq!(
        shown.expect(StatusCode::OK)["body"],
        "{\"e\": \"incident.created\"}"
    );
    for (body, path) in [
        (json!({}), "format"),
        (json!({ "format": "template" }), "template"),
        (
            json!({ "format": "template", "template": "{{" }),
            "template",
        ),
        (json!({ "format": "slack", "event": "x" }), "event"),
        (
            json!({ "format": "telegram", "url": "https://x.example" }),
            "url",
        ),
    ] {
        let refused = preview(body.clone()).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused["details"][0]["path"], path, "{body}: {refused}");
    }
    world
        .send(Method::POST, &path, &[], "{}")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world.stop().await;
}
