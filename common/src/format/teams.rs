//! Microsoft Teams: the message that a Workflows webhook ("When a Teams
//! webhook request is received") takes, with one Adaptive Card. What others
//! wrote is in text runs, which know no Markdown.

use serde_json::{Value, json};

use super::{
    notice::{Notice, moment},
    text::{Escape, adaptive_card, fit, fit_line},
};
use crate::limits;

/// Not every Teams client shows cards of later versions.
const CARD_VERSION: &str = "1.4";

const ESCAPE: Escape = adaptive_card;

pub(super) fn message(notice: &Notice) -> Value {
    let title = format!("{} {}", notice.look.emoji, notice.title);
    let title = fit_line(&title, limits::CARD_TITLE_CHARS, ESCAPE).text;
    let mut body = vec![json!({
        "type": "Container",
        "style": notice.look.card_style,
        "bleed": true,
        "items": [
            rich(vec![json!({ "type": "TextRun", "text": notice.headline, "isSubtle": true })]),
            rich(vec![json!({ "type": "TextRun", "text": title, "size": "Large", "weight": "Bolder" })]),
        ],
    })];
    body.extend(facts(notice));
    if let Some(description) = &notice.description {
        let text = fit(description, limits::CARD_DESCRIPTION_CHARS, ESCAPE).text;
        body.push(rich(vec![json!({ "type": "TextRun", "text": text })]));
    }
    body.push(footer(notice));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": CARD_VERSION,
        "msteams": { "width": "Full" },
        "body": body,
    });
    if let Some(link) = &notice.link {
        card["actions"] =
            json!([{ "type": "Action.OpenUrl", "title": "Open the alert", "url": link }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn footer(notice: &Notice) -> Value {
    let text = format!("{} · {}", moment(notice.at), notice.thread);
    let text = fit_line(&text, limits::FACT_CHARS, ESCAPE).text;
    let run = json!({ "type": "TextRun", "text": text, "size": "Small", "isSubtle": true });
    rich(vec![run])
}

fn facts(notice: &Notice) -> impl Iterator<Item = Value> + '_ {
    notice.facts.iter().take(limits::FACTS).map(|fact| {
        let name = fit_line(&fact.name, limits::FACT_CHARS, ESCAPE).text;
        let value = fit_line(&fact.value, limits::FACT_CHARS, ESCAPE).text;
        let mut line = rich(vec![
            json!({ "type": "TextRun", "text": format!("{name}: "), "weight": "Bolder" }),
            json!({ "type": "TextRun", "text": value }),
        ]);
        line["spacing"] = Value::from("Small");
        line
    })
}

fn rich(inlines: Vec<Value>) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}
