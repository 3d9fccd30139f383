//! Whatever an incident's texts say, every chat gets a message that it takes.

use proptest::prelude::*;
use serde_json::Value;

use super::{body_in, samples, text::units};
use crate::{
    event::EventName,
    limits,
    webhook::Format::{self, Discord, GoogleChat, Slack, Teams, Telegram},
};

const URL: &str = "https://api.telegram.org/bot1:x/sendMessage?chat_id=-100123&message_thread_id=7";
const CHATS: [Format; 5] = [Slack, Teams, GoogleChat, Discord, Telegram];

/// A body with these texts in every place that others write.
fn body(title: &str, description: Option<&str>, short: &str) -> String {
    let sample = samples(EventName::Created).remove(0);
    let mut body: Value = serde_json::from_str(&sample.body).unwrap();
    body["data"]["title"] = title.into();
    body["data"]["description"] = description.into();
    body["data"]["priority"] = short.into();
    body["data"]["service"]["name"] = short.into();
    body["data"]["assignee"]["name"] = short.into();
    body.to_string()
}

fn message(format: Format, body: &str, link: Option<&str>) -> Value {
    let text = body_in(format, None, URL, body, link).unwrap();
    let limit = match format {
        Teams => limits::TEAMS_BODY_BYTES,
        _ => limits::GOOGLE_CHAT_BODY_BYTES,
    };
    assert!(text.len() <= limit, "{format:?}: {} bytes", text.len());
    serde_json::from_str(&text).unwrap()
}

/// Every text of this key, wherever it is.
fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == key => vec![text.as_str()],
                other => texts(other, key),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| texts(item, key)).collect(),
        _ => Vec::new(),
    }
}

fn no_angle_but(text: &str, ours: &[&str]) {
    let rest = ours
        .iter()
        .fold(text.to_owned(), |rest, tag| rest.replace(tag, ""));
    assert!(!rest.contains(['<', '>']), "{rest}");
    for after in rest.split('&').skip(1) {
        let is_entity = ["amp;", "lt;", "gt;", "quot;"]
            .iter()
            .any(|name| after.starts_with(name));
        assert!(is_entity, "{rest}");
    }
}

fn check_slack(message: &Value) {
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    assert!(!message["text"].as_str().unwrap().is_empty());
    no_angle_but(message["text"].as_str().unwrap(), &[]);
    for block in blocks {
        let text = &block["text"];
        let limit = match block["type"].as_str().unwrap() {
            "header" => limits::SLACK_HEADER_CHARS,
            "section" => limits::SLACK_TEXT_CHARS,
            "context" => {
                assert!(block["elements"].as_array().unwrap().len() <= 10);
                continue;
            }
            other => panic!("{other}"),
        };
        for field in block["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .chain([text])
        {
            if field.is_null() {
                continue;
            }
            let text = field["text"].as_str().unwrap();
            assert!(!text.trim().is_empty() && units(text) <= limit, "{text}");
            // Only our own words are markup.
            if field["type"] == "mrkdwn" {
                assert!(text.starts_with("<http") && text.ends_with("|Open the alert>"));
            } else {
                assert_eq!(
                    (&field["type"], &field["emoji"]),
                    (&"plain_text".into(), &false.into())
                );
                no_angle_but(text, &[]);
            }
        }
        assert!(
            block["fields"]
                .as_array()
                .is_none_or(|fields| fields.len() <= 10)
        );
    }
}

fn check_discord(message: &Value) {
    assert_eq!(
        message["allowed_mentions"],
        serde_json::json!({ "parse": [] })
    );
    let embed = &message["embeds"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (title, description) = (text(&embed["title"]), text(&embed["description"]));
    assert!(units(&title) <= 256 && units(&description) <= 4_096);
    let fields = embed["fields"].as_array().unwrap();
    assert!(fields.len() <= 25);
    let mut total = units(&title) + units(&description) + units(&text(&embed["footer"]["text"]));
    for field in fields {
        let (name, value) = (text(&field["name"]), text(&field["value"]));
        assert!((1..=256).contains(&units(&name)) && (1..=1_024).contains(&units(&value)));
        total += units(&name) + units(&value);
        no_active_markdown(&value);
    }
    assert!(total <= 6_000);
    no_active_markdown(&title);
    no_active_markdown(&description);
}

/// Every character that Discord knows as markup has a backslash before it.
fn no_active_markdown(text: &str) {
    let mut is_escaped = false;
    for c in text.chars() {
        assert!(is_escaped || !"*_~`|<>[]@".contains(c), "{c} in {text}");
        is_escaped = c == '\\' && !is_escaped;
    }
    assert!(!is_escaped, "{text}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with(['#', '-', '+']), "{line}");
    }
}

fn check_telegram(message: &Value) {
    assert_eq!(message["chat_id"], -100_123);
    assert_eq!(message["message_thread_id"], 7);
    assert_eq!(message["parse_mode"], "HTML");
    let text = message["text"].as_str().unwrap();
    let link = text
        .split("<a href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let anchor = link
        .map(|link| format!("<a href=\"{link}\">"))
        .unwrap_or_default();
    let visible = text.replace(&anchor, "");
    no_angle_but(&visible, &["<b>", "</b>", "<i>", "</i>", "</a>"]);
    assert!(
        units(&visible) - 4 * usize::from(link.is_some()) <= 4_096,
        "{}",
        units(&visible)
    );
    for after in visible.split('@').skip(1) {
        assert!(after.starts_with('\u{2060}'), "a mention in {visible}");
    }
}

fn check(format: Format, message: &Value) {
    match format {
        Slack => check_slack(message),
        Discord => check_discord(message),
        Telegram => check_telegram(message),
        Teams => {
            assert_eq!(message["type"], "message");
            let attachment = &message["attachments"][0];
            assert_eq!(
                attachment["contentType"],
                "application/vnd.microsoft.card.adaptive"
            );
            assert_eq!(attachment["content"]["type"], "AdaptiveCard");
            // Text blocks know Markdown, and fact sets do in Teams.
            let types = texts(message, "type");
            assert!(!types.contains(&"TextBlock") && !types.contains(&"FactSet"));
            for text in texts(message, "text") {
                assert!(!text.is_empty() && !text.contains("{{"), "{text}");
            }
        }
        GoogleChat => {
            for text in texts(message, "text") {
                assert!(!text.is_empty());
                no_angle_but(text, &["<b>", "</b>"]);
            }
            for text in texts(message, "fallbackText") {
                assert!(!text.contains(['<', '>']), "{text}");
            }
        }
        Format::Opsknight | Format::Template => unreachable!(),
    }
}

#[test]
fn hostile_texts() {
    let markup = "<!channel> <@U1> @everyone @user <users/all> <b>x</b> &amp; [x](https://evil.example) **b** `c` ||d|| {{DATE(1)}} :fire: ```\n# h\n- i\n> q\n-# s";
    let long_emoji = "👨\u{200D}👩\u{200D}👧".repeat(2_000);
    let texts = [
        markup.to_owned(),
        markup.repeat(80),
        "x".repeat(10_000),
        "<".repeat(10_000),
        "&\"".repeat(5_000),
        "*".repeat(10_000),
        "漢".repeat(10_000),
        "😀".repeat(10_000),
        format!("x{}", "😀".repeat(10_000)),
        long_emoji,
        "\\".repeat(10_000),
        "{".repeat(10_000),
        "@a ".repeat(3_000),
        "https://x.example/_*~|`[]@<a> ".repeat(300),
        "\u{202e}\u{0}\u{7}".to_owned(),
        " ".to_owned(),
    ];
    let long_link = format!("https://x.example/?a={}", "&b|".repeat(600));
    for format in CHATS {
        for text in &texts {
            let title: String = text.chars().take(limits::TITLE_CHARS).collect();
            let short: String = text.chars().take(limits::NAME_CHARS).collect();
            for link in [
                None,
                Some("https://x.example/a?b=1&c=2"),
                Some(long_link.as_str()),
            ] {
                let body = body(&title, Some(text), &short);
                check(format, &message(format, &body, link));
            }
        }
        check(format, &message(format, &body("x", None, "x"), None));
    }
}

#[test]
fn every_event_has_its_colour_and_sign() {
    let mut looks = std::collections::BTreeSet::new();
    for event in EventName::INCIDENT {
        for sample in samples(event) {
            for format in CHATS {
                check(
                    format,
                    &message(format, &sample.body, sample.link.as_deref()),
                );
            }
            let message = message(Discord, &sample.body, None);
            looks.insert(
                message["embeds"][0]["title"]
                    .as_str()
                    .unwrap()
                    .chars()
                    .next(),
            );
        }
    }
    assert_eq!(looks.len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_valid_message(
        title in "\\PC{1,200}|[<>&@*_`{}|\\[\\]\\\\#\\- \n]{1,300}",
        description in proptest::option::of(any::<String>()),
        short in "\\PC{1,30}",
    ) {
        for format in CHATS {
            let message = message(format, &body(&title, description.as_deref(), &short), None);
            check(format, &message);
        }
    }
}
