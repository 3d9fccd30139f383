//! Bodies that a user's `MiniJinja` template makes.
//!
//! A template is run by fan-out, where one that takes all memory would hold up
//! every webhook. `MiniJinja`'s fuel bounds time, but not the text that a list
//! becomes, and a list that holds itself twice, again and again, doubles with
//! every line. So a template has expressions, conditions and filters, but
//! nothing that binds a name (`set`, `for`, `with`, macros) and no `*`:
//! what it makes is then bounded by its own length.
//!
//! Values are written as JSON, with their quotes: `{"title": {{ data.title }}}`
//! is JSON whatever the title says.

mod rules;

use std::io;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    value::Serde,
};

use super::{
    samples,
    text::{fit, plain},
};
use crate::{event::EventName, intake::value::is_link, limits};

/// What is wrong with a template, or with what it makes of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template is too long.
    #[error("expected at most {} bytes", limits::TEMPLATE_BYTES)]
    TooLong,
    /// The template uses what is not allowed in one.
    #[error("line {line}: {what} is not available in templates")]
    NotAvailable {
        /// Counted from 1.
        line: u16,
        /// The tag or operator.
        what: String,
    },
    /// The template cannot be read, or fails.
    #[error("{0}")]
    Failed(String),
    /// It does not make JSON.
    #[error("the result is not JSON: {0}")]
    NotJson(String),
    /// It makes too much.
    #[error("the result is longer than {} bytes", limits::TEMPLATE_OUTPUT_BYTES)]
    TooLarge,
}

impl From<Error> for TemplateError {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The template's name, as errors tell it.
const NAME: &str = "template";

/// Renders samples of every event that the webhook gets.
///
/// # Errors
/// The first that does not become JSON, with the event's name.
pub fn check(template: &str, events: &[EventName]) -> Result<(), TemplateError> {
    use TemplateError::{Failed, NotJson};
    for event in events {
        for sample in samples(*event) {
            let rendered = render(template, &sample.body, sample.link.as_deref());
            let told = |why: String| format!("{why} ({})", event.as_str());
            rendered.map_err(|error| match error {
                Failed(why) => Failed(told(why)),
                NotJson(why) => NotJson(told(why)),
                other => other,
            })?;
        }
    }
    Ok(())
}

/// What the template makes of an event.
///
/// # Errors
/// See [`TemplateError`].
pub fn render(template: &str, body: &str, link: Option<&str>) -> Result<String, TemplateError> {
    if template.len() > limits::TEMPLATE_BYTES {
        return Err(TemplateError::TooLong);
    }
    rules::look_through(template)?;
    let environment = environment();
    let template = environment.template_from_named_str(NAME, template)?;
    let mut output = Capped::default();
    template
        .render_captured_to(context(body, link)?, &mut output)
        .map_err(|error| {
            if output.is_full {
                TemplateError::TooLarge
            } else {
                error.into()
            }
        })?;
    let text = output.text();
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|error| TemplateError::NotJson(error.to_string()))?;
    Ok(text)
}

/// The event's plain body, and beside its keys `link` and `test`.
fn context(body: &str, link: Option<&str>) -> Result<Value, TemplateError> {
    let mut event: serde_json::Value =
        serde_json::from_str(body).map_err(|error| TemplateError::Failed(error.to_string()))?;
    if let Some(event) = event.as_object_mut() {
        event.insert("link".to_owned(), link.filter(|link| is_link(link)).into());
        event.entry("test").or_insert(false.into());
    }
    Ok(Value::from(Serde(event)))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let globals: Vec<String> = environment
        .globals()
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in globals {
        environment.remove_global(&name);
    }
    environment.set_fuel(Some(limits::TEMPLATE_FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // The formatter escapes.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(write_json);
    environment.add_filter("tojson", |value: &Value| {
        json(value).map(Value::from_safe_string)
    });
    environment.add_filter("json_text", json_text);
    environment.add_filter("truncate", |text: &str, length: usize| {
        fit(text, length, plain).text
    });
    environment
}

/// Writes a value as JSON; what a filter made JSON already stays as it is.
fn write_json(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let written = match value.as_str().filter(|_| value.is_safe()) {
        Some(safe) => safe.to_owned(),
        None => json(value)?,
    };
    std::fmt::Write::write_str(out, &written).map_err(Error::from)
}

fn json(value: &Value) -> Result<String, Error> {
    let mut written = Capped::default();
    serde_json::to_writer(&mut written, value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(written.text())
}

/// A text for between two quotes that the template itself has.
fn json_text(value: &Value) -> Result<Value, Error> {
    let written = json(value)?;
    let inner = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Ok(Value::from_safe_string(
        inner.map_or_else(|| written.clone(), str::to_owned),
    ))
}

/// Text of no more bytes than a template may make.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Capped {
    fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > limits::TEMPLATE_OUTPUT_BYTES {
            self.is_full = true;
            return Err(io::Error::other(TemplateError::TooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{rules::DEPTH, *};

    const ALL: [EventName; 6] = EventName::INCIDENT;

    fn rendered(template: &str) -> Result<String, TemplateError> {
        let sample = samples(EventName::Created).remove(0);
        render(template, &sample.body, sample.link.as_deref())
    }

    #[test]
    fn values_are_written_as_json() {
        for (template, expected) in [
            ("{{ data.title }}", r#""Disk full on db-1""#),
            (
                r#"{"t": "on {{ data.service.name | json_text }}"}"#,
                r#"{"t": "on Database"}"#,
            ),
            (
                r#"{{ {"HIGH": 1, "LOW": 3}[data.urgency] | default(2) }}"#,
                "1",
            ),
            (
                "{{ [event, link, test] }}",
                r#"["incident.created","https://monitoring.example.com/alerts/42",false]"#,
            ),
            (
                r#"{% if event == "incident.resolved" %}6{% else %}{{ data.title | truncate(5) | tojson }}{% endif %}"#,
                "\"Disk…\"",
            ),
            (r#"{{ "P: " ~ data.priority | lower }}"#, r#""P: p1""#),
            ("{{ none }}", "null"),
            (
                r#"{# a note #}["{% raw %}{{ x * 2 }}{% endraw %}"]"#,
                r#"["{{ x * 2 }}"]"#,
            ),
        ] {
            assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn no_text_breaks_out_of_its_place() {
        let template = r#"{"title": {{ data.title }}, "note": "{{ data.description | json_text }}", "who": {{ data.assignee.name if data.assignee else "nobody" }}}"#;
        check(template, &ALL).unwrap();
        for event in ALL {
            for sample in samples(event) {
                let made = render(template, &sample.body, None).unwrap();
                let made: serde_json::Value = serde_json::from_str(&made).unwrap();
                let told: serde_json::Value = serde_json::from_str(&sample.body).unwrap();
                assert_eq!(made["title"], told["data"]["title"]);
            }
        }
    }

    #[test]
    fn what_would_fail_later_is_refused_when_it_is_saved() {
        for (template, why) in [
            ("", "not JSON"),
            ("{{ data.title", "syntax error"),
            (r#""{{ data.title }}""#, "not JSON"),
            ("{{ data.titel }}", "undefined"),
            ("{{ data.assignee.name }}", "incident.created"),
            ("{% include 'x' %}", "the tag include"),
            ("\n{% set a = 1 %}1", "line 2: the tag set"),
            ("{% for a in [1] %}1{% endfor %}", "the tag for"),
            ("{% filter upper %}1{% endfilter %}", "the tag filter"),
            (
                "{%- autoescape false %}1{% endautoescape %}",
                "the tag autoescape",
            ),
            ("{{ [1] * 5 }}", "the operator `*`"),
            ("{{ 'x' | format }}", "the filter format"),
            ("{{ range(5) }}", "range is unknown"),
            ("{{ namespace() }}", "namespace is unknown"),
        ] {
            let error = check(template, &ALL).unwrap_err().to_string();
            assert!(error.contains(why), "{template}: {error}");
        }
        let long = format!("{{# {} #}}1", "x".repeat(limits::TEMPLATE_BYTES));
        assert_eq!(check(&long, &ALL), Err(TemplateError::TooLong));
    }

    #[test]
    fn no_template_takes_much_memory_or_time() {
        let body = serde_json::json!({ "data": { "d": "\"é".repeat(10_000) } }).to_string();
        let chain = |filter: &str, times| format!("{{{{ data.d{} }}}}", filter.repeat(times));
        for (what, times) in [
            ("|tojson", 700),
            ("|tojson", 40),
            ("|replace('\"','\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"')", 11),
            ("|upper|lower", 500),
        ] {
            let template = chain(what, times);
            assert!(render(&template, &body, None).is_err(), "{template:.60}");
        }
        for (before, after, times) in [
            ("(", ")", 8_000),
            ("(", ")", 49),
            ("[", "]", 49),
            ("not ", "", 99),
            ("-", "", 99),
            ("1 if 1 else ", "", 24),
            ("data.d ~ ", "", 24),
            ("data.d, ", "", 24),
        ] {
            let expression = format!("{}1{}", before.repeat(times), after.repeat(times));
            for template in [
                format!("{{{{ [{expression}] }}}}"),
                format!("{{% if {expression} %}}1{{% endif %}}"),
            ] {
                // Whatever comes of it: it comes to an end.
                let _ = render(&template, &body, None);
            }
        }
        let ifs = |times: usize| {
            format!(
                "{}1{}",
                "{% if 1 %}".repeat(times),
                "{% endif %}".repeat(times)
            )
        };
        assert_eq!(render(&ifs(DEPTH), &body, None).as_deref(), Ok("1"));
        assert!(render(&ifs(DEPTH + 1), &body, None).is_err());
        let elifs = format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(DEPTH));
        assert!(render(&elifs, &body, None).is_err());
        assert_eq!(
            render(&"{{ data.d }}".repeat(1_300), &body, None),
            Err(TemplateError::TooLarge)
        );
    }
}
