//! Google Chat: the body of an incoming webhook, with one card. The texts of
//! its widgets are HTML; the header and the fallback text are not.

use serde_json::{Value, json};

use super::{
    notice::{Notice, moment},
    text::{angle, fit, fit_line, without_angles},
};
use crate::limits;

pub(super) fn message(notice: &Notice) -> Value {
    let emoji = notice.look.emoji;
    let title = fit_line(&notice.title, limits::CARD_TITLE_CHARS, angle).text;
    let mut widgets = vec![paragraph(&format!("<b>{title}</b>"))];
    if let Some(description) = &notice.description {
        let text = fit(description, limits::CARD_DESCRIPTION_CHARS, angle).text;
        widgets.push(paragraph(&text));
    }
    widgets.extend(facts(notice));
    if let Some(link) = &notice.link {
        widgets.push(json!({ "buttonList": { "buttons": [{
            "text": "Open the alert",
            "onClick": { "openLink": { "url": link } },
        }] } }));
    }
    let told = format!("{emoji} {}: {}", notice.headline, notice.title);
    let thread = fit_line(&notice.thread, limits::FACT_CHARS, without_angles).text;
    json!({
        "fallbackText": fit_line(&told, limits::CARD_TITLE_CHARS, without_angles).text,
        "cardsV2": [{
            "cardId": thread,
            "card": {
                "header": {
                    "title": format!("{emoji} {}", notice.headline),
                    "subtitle": moment(notice.at),
                },
                "sections": [{ "widgets": widgets }],
            },
        }],
        // Joins the messages of an incident, where the webhook's URL says
        // messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD.
        "thread": { "threadKey": thread },
    })
}

fn facts(notice: &Notice) -> impl Iterator<Item = Value> + '_ {
    notice.facts.iter().take(limits::FACTS).map(|fact| {
        json!({ "decoratedText": {
            "topLabel": fit_line(&fact.name, limits::FACT_CHARS, without_angles).text,
            "text": fit_line(&fact.value, limits::FACT_CHARS, angle).text,
            "wrapText": true,
        } })
    })
}

fn paragraph(html: &str) -> Value {
    json!({ "textParagraph": { "text": html } })
}
