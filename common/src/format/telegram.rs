//! Telegram: the body of `sendMessage`. The webhook's URL is the method's
//! (`https://api.telegram.org/bot<token>/sendMessage?chat_id=…`); chat and topic
//! are taken from its query, so that they are part of the body too.

use serde_json::{Value, json};

use super::{
    notice::{Notice, moment},
    text::{Escape, angle, fit, fit_line, telegram, units},
};
use crate::limits;

const ESCAPE: Escape = telegram;

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// `-1001234567890` or `@channel`.
    id: String,
    /// The topic of a forum.
    topic: Option<u64>,
}

impl Chat {
    /// The chat that a URL's query names.
    pub fn of_url(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        let value = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let id = value("chat_id").filter(|id| is_chat_id(id))?;
        let topic = value("message_thread_id").and_then(|topic| topic.parse().ok());
        Some(Self { id, topic })
    }
}

fn is_chat_id(text: &str) -> bool {
    let is_name = text.strip_prefix('@').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    is_name || text.parse::<i64>().is_ok()
}

pub(super) fn message(notice: &Notice, chat: &Chat) -> Value {
    let id = chat
        .id
        .parse::<i64>()
        .map_or_else(|_| Value::from(chat.id.as_str()), Value::from);
    let mut message = json!({
        "chat_id": id,
        "text": text(notice),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    });
    if let Some(topic) = chat.topic {
        message["message_thread_id"] = Value::from(topic);
    }
    message
}

/// Head, description, facts; the description gets what room the others leave.
fn text(notice: &Notice) -> String {
    let title = fit_line(&notice.title, limits::CARD_TITLE_CHARS, ESCAPE).text;
    let head = format!("{} <b>{}</b>\n{title}", notice.look.emoji, notice.headline);
    let mut tail: String = notice
        .facts
        .iter()
        .take(limits::FACTS)
        .map(|fact| {
            let name = fit_line(&fact.name, limits::FACT_CHARS, ESCAPE).text;
            let value = fit_line(&fact.value, limits::FACT_CHARS, ESCAPE).text;
            format!("<b>{name}:</b> {value}\n")
        })
        .collect();
    tail.push_str(&format!("<i>{}</i>", moment(notice.at)));
    // An address counts before its entities are parsed only; a long one must
    // not take the description's room.
    let mut used = units(&head) + units(&tail) + 2 * units("\n\n");
    if let Some(link) = &notice.link {
        let href = fit(link, usize::MAX, angle).text;
        let anchor = format!("\n<a href=\"{href}\">Open the alert</a>");
        used += units("\nOpen the alert");
        tail.push_str(&anchor);
    }
    let room = limits::TELEGRAM_TEXT_CHARS.saturating_sub(used);
    match &notice.description {
        Some(description) => {
            let description = fit(description, room, ESCAPE).text;
            format!("{head}\n\n{description}\n\n{tail}")
        }
        None => format!("{head}\n\n{tail}"),
    }
}
