//! Labelled fields of forms: each with what was typed, and with what the API
//! found wrong with it.

use maud::{Markup, html};

use crate::{api::Problem, form::Form};

/// The fields of one form. They bear the names that the API knows them by, so
/// that its problems find them.
pub(crate) struct Fields<'a> {
    /// Tells the fields of two forms of one page apart.
    prefix: &'a str,
    form: &'a Form,
    problem: Option<&'a Problem>,
}

/// A value that can be chosen, and its label.
pub(crate) type Choice<'a> = (&'a str, &'a str);

impl<'a> Fields<'a> {
    pub(crate) fn new(prefix: &'a str, form: &'a Form, problem: Option<&'a Problem>) -> Self {
        Self {
            prefix,
            form,
            problem,
        }
    }

    /// What was wrong, for the top of the form.
    pub(crate) fn summary(&self) -> Markup {
        html! {
            @if let Some(problem) = self.problem {
                div.notice.bad role="alert" {
                    strong { "Not done: " (problem.message) }
                    @if problem.details.len() > 1 {
                        ul { @for (path, message) in &problem.details { li { code { (path) } ": " (message) } } }
                    }
                }
            }
        }
    }

    /// One line.
    pub(crate) fn line(&self, name: &str, label: &str, hint: &str) -> Markup {
        self.input("text", name, label, hint, false)
    }

    /// One line that must say something.
    pub(crate) fn needed(&self, name: &str, label: &str, hint: &str) -> Markup {
        self.input("text", name, label, hint, true)
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str, label: &str, hint: &str) -> Markup {
        self.input("number", name, label, hint, false)
    }

    /// A moment in UTC.
    pub(crate) fn moment(&self, name: &str, label: &str, hint: &str) -> Markup {
        self.input("datetime-local", name, label, hint, false)
    }

    /// A key to log in with.
    pub(crate) fn credential(&self, name: &str, label: &str, hint: &str) -> Markup {
        self.wrapped(name, label, hint, html! {
            input type="password" id=(self.id(name)) name=(name) required autocomplete="current-password"
                aria-describedby=(self.hint_id(name));
        })
    }

    /// A secret to be kept. It is never put back into a page, so after a
    /// problem it has to be typed again, and the page says so.
    pub(crate) fn secret(&self, name: &str, label: &str, hint: &str) -> Markup {
        let is_gone = self.problem.is_some() && !self.form.get(name).is_empty();
        self.wrapped(
            name,
            label,
            hint,
            html! {
                input type="password" id=(self.id(name)) name=(name) autocomplete="new-password"
                    aria-describedby=(self.hint_id(name));
                @if is_gone { p.complaint { "✗ type it again" } }
            },
        )
    }

    fn input(&self, kind: &str, name: &str, label: &str, hint: &str, needed: bool) -> Markup {
        let step = (kind == "datetime-local").then_some("1");
        self.wrapped(name, label, hint, html! {
            input type=(kind) id=(self.id(name)) name=(name) value=(self.form.get(name)) step=[step]
                required[needed] autocomplete="off" aria-invalid=[self.is_wrong(name).then_some("true")]
                aria-describedby=(self.hint_id(name));
        })
    }

    /// Several lines.
    pub(crate) fn area(&self, name: &str, label: &str, hint: &str, rows: u8) -> Markup {
        self.wrapped(name, label, hint, html! {
            textarea id=(self.id(name)) name=(name) rows=(rows) autocomplete="off"
                aria-invalid=[self.is_wrong(name).then_some("true")] aria-describedby=(self.hint_id(name)) {
                // A text area swallows its first line break.
                "\n" (self.form.get(name))
            }
        })
    }

    /// One of these.
    pub(crate) fn choice(
        &self,
        name: &str,
        label: &str,
        hint: &str,
        choices: &[Choice<'_>],
    ) -> Markup {
        self.wrapped(
            name,
            label,
            hint,
            html! {
                select id=(self.id(name)) name=(name) aria-describedby=(self.hint_id(name)) {
                    @for (value, label) in choices {
                        option value=(value) selected[self.form.get(name) == *value] { (label) }
                    }
                }
            },
        )
    }

    /// Any of these.
    pub(crate) fn choices(
        &self,
        name: &str,
        label: &str,
        hint: &str,
        choices: &[Choice<'_>],
    ) -> Markup {
        html! {
            fieldset {
                legend { (label) }
                @if !hint.is_empty() { p.hint { (hint) } }
                (self.complaints(name))
                div.ticks {
                    @for (value, label) in choices {
                        label.tick {
                            input type="checkbox" name=(name) value=(value) checked[self.form.has(name, value)];
                            span { (label) }
                        }
                    }
                }
            }
        }
    }

    /// Yes or no.
    pub(crate) fn tick(&self, name: &str, label: &str) -> Markup {
        html! {
            div.field {
                label.tick {
                    input type="checkbox" name=(name) value="true" checked[self.form.is_ticked(name)];
                    span { (label) }
                }
                (self.complaints(name))
            }
        }
    }

    fn wrapped(&self, name: &str, label: &str, hint: &str, input: Markup) -> Markup {
        html! {
            div.field {
                label for=(self.id(name)) { (label) }
                (input)
                div id=(self.hint_id(name)) {
                    (self.complaints(name))
                    @if !hint.is_empty() { p.hint { (hint) } }
                }
            }
        }
    }

    fn complaints(&self, name: &str) -> Markup {
        html! {
            @for message in self.messages(name) { p.complaint { "✗ " (message) } }
        }
    }

    fn is_wrong(&self, name: &str) -> bool {
        self.messages(name).next().is_some()
    }

    /// What is wrong with the field of this name or with a part of it.
    fn messages(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let details = self
            .problem
            .into_iter()
            .flat_map(|problem| &problem.details);
        details
            .filter(move |(path, _)| {
                path.strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
            })
            .map(|(_, message)| message.as_str())
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    fn hint_id(&self, name: &str) -> String {
        format!("{}-{name}-hint", self.prefix)
    }
}
