//! Schemas of the fields that `common::http::fields::Fields` reads, with the
//! limits that it is given: `#[schema(schema_with = line::<{ limits::NAME_CHARS }>)]`.

use utoipa::openapi::{
    KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
    schema::{Object, SchemaType},
};

fn text_type(nullable: bool) -> SchemaType {
    if nullable {
        SchemaType::from_iter([Type::String, Type::Null])
    } else {
        SchemaType::from(Type::String)
    }
}

fn text(min: usize, max: usize, nullable: bool) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(text_type(nullable))
        .min_length((min > 0).then_some(min))
        .max_length(Some(max))
}

/// `Fields::line`: one line of 1 to `MAX` characters, not blank.
pub fn line<const MAX: usize>() -> Schema {
    text(1, MAX, false).pattern(Some(NOT_BLANK)).into()
}

/// The same, or `null`.
pub fn optional_line<const MAX: usize>() -> Schema {
    text(1, MAX, true).pattern(Some(NOT_BLANK)).into()
}

/// `Fields::block`: text of at most `MAX` characters, or `null`.
pub fn optional_block<const MAX: usize>() -> Schema {
    text(0, MAX, true).into()
}

/// A text of `MIN` to `MAX` characters, or `null`.
pub fn optional_text<const MIN: usize, const MAX: usize>() -> Schema {
    text(MIN, MAX, true).into()
}

/// What `text::line` leaves something of.
const NOT_BLANK: &str = r"[^\s\u0000-\u001f\u007f-\u009f]";

/// `Fields::number`: a whole number from `MIN` to `MAX`, or `null`.
pub fn optional_number<const MIN: u64, const MAX: u64>() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(MIN))
        .maximum(Some(MAX))
        .into()
}

/// An identifier with this prefix.
pub(crate) fn identifier(prefix: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^{prefix}_[0-7][0-9A-HJKMNP-TV-Z]{{25}}$")))
        .description(Some(format!("`{prefix}_` and a ULID.")))
        .examples([format!("{prefix}_01KA2V5T8ZQ4N6W3Y7X9B1C2D3")])
        .build()
}

/// A point in time.
pub(crate) fn timestamp() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("RFC 3339 in UTC, with milliseconds."))
        .examples(["2026-01-15T10:30:00.000Z"])
        .build()
}
