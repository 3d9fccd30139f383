//! The body of a delivery in the form that its receiver takes: a chat's
//! message, or what the webhook's own template makes of the event.
//!
//! Pure: [`notice`] says what is told, one file a vendor says how.

mod discord;
mod google_chat;
mod notice;
mod sample;
mod slack;
mod teams;
mod telegram;
pub mod template;
mod text;

#[cfg(test)]
mod properties;

use serde_json::Value;

use crate::webhook::{Format, Webhook};
use notice::Notice;
pub use sample::{Sample, samples};
pub use telegram::Chat;

/// Every format is sent as this.
pub const CONTENT_TYPE: &str = "application/json";

/// A body, and why it is the plain one where it is not in the webhook's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The bytes to sign and send.
    pub body: String,
    /// Why the format could not be made.
    pub error: Option<String>,
}

/// Why an event could not be written in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template.
    #[error("the template could not be rendered: {0}")]
    Template(#[from] template::TemplateError),
    /// The plain body holds no event.
    #[error("the event cannot be read: {0}")]
    Event(String),
    /// The webhook's address does not say whom to tell.
    #[error("the URL of a telegram webhook must say chat_id=…")]
    NoChat,
    /// A webhook of the format `template` without a template.
    #[error("the webhook has no template")]
    NoTemplate,
}

/// The body for this webhook of an event whose plain body and link these are.
/// Where the format cannot be made, the plain body is sent rather than nothing.
pub fn render(webhook: &Webhook, body: &str, link: Option<&str>) -> Rendered {
    let made = body_in(
        webhook.format,
        webhook.template.as_deref(),
        &webhook.url,
        body,
        link,
    );
    let (body, error) = match made {
        Ok(made) => (made, None),
        Err(error) => (body.to_owned(), Some(error.to_string())),
    };
    Rendered { body, error }
}

/// An event in this format.
///
/// # Errors
/// See [`RenderError`].
pub fn body_in(
    format: Format,
    template: Option<&str>,
    url: &str,
    body: &str,
    link: Option<&str>,
) -> Result<String, RenderError> {
    let notice = || Notice::read(body, link).map_err(|error| RenderError::Event(error.to_string()));
    let message: Value = match format {
        Format::Opsknight => return Ok(body.to_owned()),
        Format::Template => {
            let template = template.ok_or(RenderError::NoTemplate)?;
            return Ok(template::render(template, body, link)?);
        }
        Format::Slack => slack::message(&notice()?),
        Format::Teams => teams::message(&notice()?),
        Format::GoogleChat => google_chat::message(&notice()?),
        Format::Discord => discord::message(&notice()?),
        Format::Telegram => {
            let chat = Chat::of_url(url).ok_or(RenderError::NoChat)?;
            telegram::message(&notice()?, &chat)
        }
    };
    Ok(message.to_string())
}
