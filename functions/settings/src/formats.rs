//! Formats of webhooks: what a body says of them, whether they can be made,
//! and what they make of a sample.

use axum::{extract::Request, response::Response};
use common::{
    event::EventName,
    format::{self, Chat, template},
    http::{
        ApiError, Detail,
        auth::{Caller, SettingsRead},
        body,
        fields::{Field, Fields},
        json,
    },
    openapi::{
        Errors,
        errors::{Body, Works},
    },
    webhook::{Format, Webhook},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bodies;

/// Stands for the URL of a preview that says none: only Telegram's format
/// depends on it.
const SAMPLE_URL: &str = "https://api.telegram.org/bot0:token/sendMessage?chat_id=-1001234567890";

/// Reads the field `format`.
pub(crate) fn read(fields: &mut Fields) -> Field<Format> {
    let known: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
    let expected = format!("one of {}", known.join(", "));
    fields.word("format", &expected, Format::from_word)
}

/// Reads the field `template`; what it makes is checked by [`check`].
pub(crate) fn template(fields: &mut Fields) -> Field<String> {
    fields.read("template", |value| {
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| "expected a template".to_owned())?;
        Ok(text.to_owned())
    })
}

/// Whether a webhook's format can be made of every event that it gets.
///
/// # Errors
/// 400 with the field that prevents it.
pub(crate) fn check(webhook: &Webhook) -> Result<(), ApiError> {
    check_template(webhook.format, webhook.template.as_deref(), &webhook.events)?;
    if webhook.format == Format::Telegram && Chat::of_url(&webhook.url).is_none() {
        let message = "a telegram webhook's URL must name its chat: \
            https://api.telegram.org/bot<token>/sendMessage?chat_id=<number or @name>";
        return Err(invalid("url", message));
    }
    Ok(())
}

fn check_template(
    format: Format,
    template: Option<&str>,
    events: &[EventName],
) -> Result<(), ApiError> {
    match (format, template) {
        (Format::Template, None) => Err(invalid("template", "is required by the format template")),
        (Format::Template, Some(template)) => template::check(template, events)
            .map_err(|error| invalid("template", error.to_string())),
        (_, Some(_)) => Err(invalid("template", "is for the format template only")),
        (_, None) => Ok(()),
    }
}

/// What a preview is asked to show.
struct Asked {
    format: Format,
    template: Option<String>,
    event: EventName,
    url: String,
}

impl Asked {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let format = read(&mut fields);
        let format = fields.required("format", format);
        let template = template(&mut fields).value();
        let known: Vec<&str> = EventName::ALL.iter().map(|event| event.as_str()).collect();
        let expected = format!("one of {}", known.join(", "));
        let event = fields.word("event", &expected, EventName::from_word);
        let url = fields.read("url", |value| {
            let url = value.as_str().map(str::to_owned);
            url.ok_or_else(|| "expected a URL".to_owned())
        });
        fields.finish()?;
        Ok(Self {
            format: format.unwrap_or(Format::Opsknight),
            template,
            event: event.value().unwrap_or(EventName::Created),
            url: url.value().unwrap_or_else(|| SAMPLE_URL.to_owned()),
        })
    }

    fn body(&self) -> Result<String, ApiError> {
        let template = self.template.as_deref();
        check_template(self.format, template, &[self.event])?;
        let samples = format::samples(self.event);
        let sample = samples
            .first()
            .ok_or_else(|| ApiError::internal("an event has no sample"))?;
        let link = sample.link.as_deref();
        format::body_in(self.format, template, &self.url, &sample.body, link).map_err(|error| {
            let is_telegram = self.format == Format::Telegram;
            invalid(
                if is_telegram { "url" } else { "template" },
                error.to_string(),
            )
        })
    }
}

/// What a format makes of a sample event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Preview {
    format: Format,
    event: EventName,
    content_type: &'static str,
    body: String,
}

/// Preview a format
///
/// The body that a format, or a template, makes of a sample event.
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks/preview",
    operation_id = "previewFormat",
    tag = "Webhooks",
    request_body = bodies::PreviewWanted,
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The body.", body = Preview),
        Errors::<(Caller<SettingsRead>, Body, Works)>,
    )
)]
pub(crate) async fn preview(
    _: Caller<SettingsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let asked = Asked::read(fields)?;
    let shown = Preview {
        format: asked.format,
        event: asked.event,
        content_type: format::CONTENT_TYPE,
        body: asked.body()?,
    };
    Ok(json(StatusCode::OK, &shown))
}

fn invalid(path: &str, message: impl Into<String>) -> ApiError {
    ApiError::invalid(vec![Detail {
        path: path.to_owned(),
        message: message.into(),
    }])
}
