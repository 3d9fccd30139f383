//! What a body is (`vendors/README.md`, rule 4): JSON by its first character
//! whatever its type says, else a form by its type.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::header::CONTENT_TYPE;
use multer::Multipart;
use serde_json::Value;

use super::{Received, Unreadable};

/// A body, read as what it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// No body, or blanks only.
    Empty,
    /// JSON: an object or a list.
    Json(Value),
    /// The fields of a form, URL-encoded or multipart, in order.
    Form(Vec<(String, String)>),
}

impl Received {
    /// The body as what it is.
    ///
    /// # Errors
    /// [`Unreadable`] where it is broken, or neither JSON nor a form.
    pub fn content(&self) -> Result<Content, Unreadable> {
        if self.looks_like_json() {
            return self.json().map(Content::Json);
        }
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Content::Empty);
        }
        match self.media_type().as_str() {
            "multipart/form-data" => self.multipart().map(Content::Form),
            "application/x-www-form-urlencoded" => Ok(Content::Form(self.form())),
            _ => Err(Unreadable::new("the body is neither JSON nor a form")),
        }
    }

    /// The type of the body without its parameters, in lower case.
    fn media_type(&self) -> String {
        let header = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = header.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// The fields of a URL-encoded form; nothing is unreadable as one.
    fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.trim_ascii())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// The named fields of a multipart form, files included, as text.
    fn multipart(&self) -> Result<Vec<(String, String)>, Unreadable> {
        let broken = |error: multer::Error| Unreadable::new(format!("the form is broken: {error}"));
        let header = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let boundary = multer::parse_boundary(header).map_err(broken)?;
        let whole = stream::iter([Ok::<Bytes, Infallible>(self.body.clone())]);
        let fields = async {
            let (mut form, mut fields) = (Multipart::new(whole, boundary), Vec::new());
            while let Some(field) = form.next_field().await? {
                let Some(name) = field.name().map(str::to_owned) else {
                    continue;
                };
                fields.push((name, field.text().await?));
            }
            Ok(fields)
        };
        // The whole body is here already: there is nothing to wait for.
        fields
            .now_or_never()
            .unwrap_or(Err(multer::Error::IncompleteStream))
            .map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::intake::testing::request;

    fn received(kind: Option<&str>, body: &[u8]) -> Received {
        let kind = kind.map(|kind| ("content-type", kind));
        request(kind.as_slice(), body)
    }

    fn form(fields: &[(&str, &str)]) -> Content {
        Content::Form(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn the_first_character_tells_json_and_the_type_tells_forms() {
        let urlencoded = Some("application/x-www-form-urlencoded; charset=UTF-8");
        for (kind, body, expected) in [
            (
                Some("text/plain"),
                "\u{feff} {\"a\":1}",
                Ok(Content::Json(json!({"a": 1}))),
            ),
            (None, "[1]", Ok(Content::Json(json!([1])))),
            (urlencoded, "{\"a\":1}", Ok(Content::Json(json!({"a": 1})))),
            (
                urlencoded,
                "a=1+2&b=%C3%A9&c&b=%ff",
                Ok(form(&[
                    ("a", "1 2"),
                    ("b", "é"),
                    ("c", ""),
                    ("b", "\u{fffd}"),
                ])),
            ),
            (None, " \r\n", Ok(Content::Empty)),
            (Some("text/plain"), "a=1", Err(())),
            (Some("application/json"), "42", Err(())),
            (Some("application/json"), "{\"a\":", Err(())),
            (Some("multipart/form-data"), "--x--", Err(())),
        ] {
            let content = received(kind, body.as_bytes()).content();
            assert_eq!(content.map_err(|_| ()), expected, "{kind:?} {body}");
        }
    }

    #[test]
    fn the_fields_of_a_multipart_form_are_read_and_a_cut_one_is_broken() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"a\":\"é\"}\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n";
        let kind = Some("Multipart/Form-Data; boundary=\"b\"");
        let content = received(kind, body.as_bytes()).content();
        assert_eq!(
            content,
            Ok(form(&[("data", "{\"a\":\"é\"}"), ("file", "x")]))
        );
        for length in [10, 60, body.len() - 8] {
            let cut = received(kind, &body.as_bytes()[..length]).content();
            assert!(cut.is_err(), "{length} bytes: {cut:?}");
        }
    }

    proptest! {
        #[test]
        fn no_body_of_any_type_panics(
            kind in prop::sample::select(vec![
                None,
                Some("application/x-www-form-urlencoded"),
                Some("multipart/form-data; boundary=b"),
            ]),
            body in prop::collection::vec(any::<u8>(), 0..200),
            framed in any::<bool>(),
        ) {
            let body = if framed {
                [b"--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n", body.as_slice(), b"\r\n--b--"].concat()
            } else {
                body
            };
            let _ = received(kind, &body).content();
        }
    }
}
