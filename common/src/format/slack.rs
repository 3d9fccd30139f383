//! Slack: the body of an incoming webhook, in Block Kit. What others wrote is
//! `plain_text`, which knows no formatting, no mentions and (with `emoji` off)
//! no `:codes:`; only our own words are `mrkdwn`.

use serde_json::{Value, json};

use super::{
    notice::{Notice, moment},
    text::{angle, fit, fit_line, units},
};
use crate::limits;

pub(super) fn message(notice: &Notice) -> Value {
    let emoji = notice.look.emoji;
    let room = limits::SLACK_HEADER_CHARS - units(emoji) - 1;
    let header = fit_line(&notice.title, room, angle);
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&format!("{emoji} {}", header.text)) }),
        json!({ "type": "section", "fields": fields(notice) }),
    ];
    let whole_title = (!header.is_whole).then_some(&notice.title);
    for text in whole_title.into_iter().chain(&notice.description) {
        let text = fit(text, limits::SLACK_TEXT_CHARS, angle).text;
        if !text.is_empty() {
            blocks.push(json!({ "type": "section", "text": plain(&text) }));
        }
    }
    if let Some(link) = &notice.link {
        let text = format!("<{}|Open the alert>", fit(link, usize::MAX, angle).text);
        if units(&text) <= limits::SLACK_TEXT_CHARS {
            blocks.push(json!({ "type": "section", "text": mrkdwn(&text) }));
        }
    }
    blocks.push(json!({ "type": "context", "elements": [mrkdwn(&footer(notice))] }));
    let told = format!("{emoji} {}: {}", notice.headline, notice.title);
    json!({
        // What notifications show, and what is read aloud.
        "text": fit_line(&told, limits::SLACK_FALLBACK_CHARS, angle).text,
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

fn fields(notice: &Notice) -> Vec<Value> {
    let facts = notice.facts.iter().take(limits::FACTS);
    facts
        .map(|fact| {
            let line = format!("{}: {}", fact.name, fact.value);
            plain(&fit_line(&line, limits::FACT_CHARS, angle).text)
        })
        .collect()
}

/// Our own words and a moment, which Slack shows in its reader's time zone.
fn footer(notice: &Notice) -> String {
    format!(
        "*{}* · <!date^{}^{{date_short_pretty}} {{time_secs}}|{}> · {}",
        notice.headline,
        notice.at.unix_seconds(),
        moment(notice.at),
        fit_line(&notice.thread, limits::FACT_CHARS, angle).text,
    )
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// `verbatim`: nothing but the markup itself becomes a link or a mention.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}
