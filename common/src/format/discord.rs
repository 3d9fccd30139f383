//! Discord: the body of "Execute Webhook", with one embed. Nobody is mentioned,
//! whatever the texts say.

use serde_json::{Value, json};

use super::{
    notice::Notice,
    text::{Fitted, discord, fit, fit_line, plain, units},
};
use crate::limits;

pub(super) fn message(notice: &Notice) -> Value {
    let emoji = notice.look.emoji;
    let room = limits::DISCORD_TITLE_CHARS - units(emoji) - 1;
    let title = fit_line(&notice.title, room, discord);
    // Footers know no Markdown.
    let footer = format!("{} · {}", notice.headline, notice.thread);
    let footer = fit_line(&footer, limits::FACT_CHARS, plain).text;
    let fields: Vec<(String, String)> = fields(notice);
    let used = limits::DISCORD_TITLE_CHARS
        + units(&footer)
        + fields
            .iter()
            .map(|(name, value)| units(name) + units(value))
            .sum::<usize>();
    let room = (limits::DISCORD_TOTAL_CHARS - used).min(limits::DISCORD_DESCRIPTION_CHARS);
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value, "inline": true }))
        .collect();
    let mut embed = json!({
        "title": format!("{emoji} {}", title.text),
        "color": notice.look.colour,
        "fields": fields,
        "footer": { "text": footer },
        "timestamp": notice.at,
    });
    let description = description(notice, &title, room);
    if !description.is_empty() {
        embed["description"] = Value::from(description);
    }
    if let Some(link) = &notice.link {
        embed["url"] = Value::from(link.as_str());
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}

/// The description, after the whole title where the embed's is cut.
fn description(notice: &Notice, title: &Fitted, room: usize) -> String {
    let parts = [
        (!title.is_whole).then_some(notice.title.as_str()),
        notice.description.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    fit(&parts.join("\n\n"), room, discord).text
}

/// Names and values.
fn fields(notice: &Notice) -> Vec<(String, String)> {
    let facts = notice.facts.iter().take(limits::FACTS);
    facts
        .map(|fact| {
            (
                fit_line(&fact.name, limits::FACT_CHARS, discord).text,
                fit_line(&fact.value, limits::FACT_CHARS, discord).text,
            )
        })
        .collect()
}
