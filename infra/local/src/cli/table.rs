//! Lists as aligned columns, single things as aligned lines.

use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::output::clean;

/// Narrowest that a column is cut to.
const NARROWEST: usize = 12;
/// Spaces between two columns.
const GAP: usize = 2;

/// A column: its title, and where its values are in an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    pointer: &'static str,
    can_shrink: bool,
}

/// A column that is never cut.
pub(crate) const fn column(title: &'static str, pointer: &'static str) -> Column {
    Column {
        title,
        pointer,
        can_shrink: false,
    }
}

/// A column of free text, cut where the terminal is too narrow.
pub(crate) const fn text_column(title: &'static str, pointer: &'static str) -> Column {
    Column {
        title,
        pointer,
        can_shrink: true,
    }
}

/// The entries below the columns' titles, in at most `width` terminal columns
/// as far as cutting free text can reach it.
pub(crate) fn table(columns: &[Column], entries: &[Value], width: Option<usize>) -> String {
    let titles = columns.iter().map(|column| column.title.to_owned());
    let mut rows: Vec<Vec<String>> = vec![titles.collect()];
    for entry in entries {
        let cell = |column: &Column| shown(entry.pointer(column.pointer).unwrap_or(&Value::Null));
        rows.push(columns.iter().map(cell).collect());
    }
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|index| rows.iter().map(|row| row[index].width()).max().unwrap_or(0))
        .collect();
    if let Some(width) = width {
        shrink(columns, &mut widths, width);
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Takes what is too much from the columns that may shrink, the widest first.
fn shrink(columns: &[Column], widths: &mut [usize], width: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    loop {
        let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        let widest = (0..widths.len())
            .filter(|index| columns[*index].can_shrink && widths[*index] > NARROWEST)
            .max_by_key(|index| widths[*index]);
        match widest {
            Some(index) if excess > 0 => widths[index] -= 1,
            _ => return,
        }
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let cell = cut(cell, *width);
        line.push_str(&cell);
        let padding = width.saturating_sub(cell.width()) + GAP;
        line.push_str(&" ".repeat(padding));
    }
    format!("{}\n", line.trim_end())
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// All fields of an object, one a line, its id and name first.
pub(crate) fn fields(object: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", object, &mut lines);
    let rank = |name: &str| match name {
        "id" => 0,
        "name" | "title" => 1,
        _ => 2,
    };
    lines.sort_by_key(|(name, _)| rank(name));
    let width = lines
        .iter()
        .map(|(name, _)| name.width())
        .max()
        .unwrap_or(0);
    let line = |(name, value): &(String, String)| format!("{name:width$}  {value}\n");
    lines.iter().map(line).collect()
}

fn flatten(prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (name, value) in inner {
                let dot = if prefix.is_empty() { "" } else { "." };
                flatten(&format!("{prefix}{dot}{}", clean(name)), value, lines);
            }
        }
        other => lines.push((prefix.to_owned(), shown(other))),
    }
}

/// A value in one line.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => clean(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(object) if object.is_empty() => "-".to_owned(),
        other => clean(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [Column; 3] = [
        column("ID", "/id"),
        text_column("TITLE", "/title"),
        column("SERVICE", "/service/name"),
    ];

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let entries = [
            json!({"id": 1, "title": "磁盘 full", "service": {"name": "db"}}),
            json!({"id": "long id", "title": null}),
        ];
        let expected = "ID       TITLE      SERVICE\n\
                        1        磁盘 full  db\n\
                        long id  -          -\n";
        assert_eq!(table(&COLUMNS, &entries, None), expected);
        assert_eq!(table(&COLUMNS, &[], None), "ID  TITLE  SERVICE\n");
    }

    #[test]
    fn free_text_is_cut_to_the_terminal() {
        let title = "a very long title of an incident that goes on and on";
        let entries = [json!({"id": "inc_1", "title": title, "service": {"name": "checkout"}})];
        let cut = table(&COLUMNS, &entries, Some(40));
        assert!(cut.lines().all(|line| line.width() <= 40), "{cut}");
        assert!(cut.contains("…  checkout"), "{cut}");
        let narrow = table(&COLUMNS, &entries, Some(1));
        assert!(narrow.contains("inc_1  a very long…  checkout"), "{narrow}");
    }

    #[test]
    fn one_thing_is_shown_with_all_its_fields() {
        let object =
            json!({"about": {"x": 1, "y": []}, "id": "svc_1", "tags": ["a", "b"], "no": {}});
        let expected = "id       svc_1\nabout.x  1\nabout.y  -\nno       -\ntags     a, b\n";
        assert_eq!(fields(&object), expected);
    }
}
