//! The list of webhooks.

use maud::html;

use super::{is_in_trouble, standing};
use crate::{
    api::{Api, Problem, WEBHOOKS},
    layout::{Page, Section},
    show::{list, text},
};

/// `GET /webhooks`: those in trouble first.
pub(super) async fn all(api: Api) -> Result<Page, Problem> {
    let webhooks = api.get(WEBHOOKS).await?;
    let mut webhooks = list(&webhooks, "webhooks").to_vec();
    webhooks.sort_by_key(|webhook| !is_in_trouble(webhook));
    let body = html! {
        div.split { h1 { "Webhooks" } a.button.main href="/webhooks/new" { "New webhook" } }
        @if webhooks.is_empty() { p { "There are none: nobody is told of incidents." } }
        ul.list {
            @for webhook in &webhooks {
                li.loud[is_in_trouble(webhook)] {
                    div.what {
                        div.title { a href={ "/webhooks/" (text(&webhook["id"])) } { (text(&webhook["name"])) } }
                        div.quiet { (standing(webhook)) " · " (text(&webhook["format"])) " · " (host(text(&webhook["url"]))) }
                    }
                }
            }
        }
    };
    Ok(Page::new(Section::Webhooks, "Webhooks", body))
}

/// The host of an address; paths and queries of webhooks carry secrets.
fn host(address: &str) -> String {
    let url = url::Url::parse(address).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}
