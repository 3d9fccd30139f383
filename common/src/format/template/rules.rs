//! What a template may use, decided by its words before anything is run.

use minijinja::{
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use super::TemplateError;

/// The only tags: none of them binds a name.
const TAGS: [&str; 4] = ["if", "elif", "else", "endif"];
/// Filters that make no more text than they take, or whose fuel is paid before
/// they do.
const FILTERS: [&str; 19] = [
    "abs",
    "capitalize",
    "d",
    "default",
    "first",
    "float",
    "int",
    "json_text",
    "last",
    "length",
    "lines",
    "lower",
    "replace",
    "round",
    "title",
    "tojson",
    "trim",
    "truncate",
    "upper",
];

/// Words and signs of one expression, and branches of one condition: the
/// compiler calls itself for each, and must not run out of stack.
const PARTS: usize = 100;
/// See [`PARTS`].
pub(super) const DEPTH: usize = 30;

/// Refuses what is not available, before anything is run.
pub(super) fn look_through(template: &str) -> Result<(), TemplateError> {
    let (mut before, mut parts, mut depth) = (None, 0, Depth::default());
    for token in tokenize(template, false, SyntaxConfig::default()) {
        let (token, span) = token?;
        parts = match token {
            Token::TemplateData(_) | Token::VariableStart | Token::BlockStart => 0,
            _ => parts + 1,
        };
        let what = match (&before, &token) {
            (Some(Token::BlockStart), Token::Ident(tag)) if !TAGS.contains(tag) => {
                Some(format!("the tag {tag}"))
            }
            (Some(Token::BlockStart), Token::Ident(tag)) if depth.is_too_deep_with(tag) => {
                Some(format!("a condition of more than {DEPTH} branches"))
            }
            (Some(Token::Pipe), Token::Ident(filter)) if !FILTERS.contains(filter) => {
                Some(format!("the filter {filter}"))
            }
            (_, Token::Mul) => Some(format!("the operator {token}")),
            _ if parts > PARTS => Some(format!("an expression of more than {PARTS} parts")),
            _ => None,
        };
        if let Some(what) = what {
            return Err(TemplateError::NotAvailable {
                line: span.start_line,
                what,
            });
        }
        before = Some(token);
    }
    Ok(())
}

/// How deep in conditions a template is; every further branch is one deeper,
/// as it is for the compiler.
#[derive(Default)]
struct Depth {
    open: usize,
    branches: usize,
}

impl Depth {
    fn is_too_deep_with(&mut self, tag: &str) -> bool {
        match tag {
            "if" => {
                self.open += 1;
                self.branches += 1;
            }
            "elif" => self.branches += 1,
            "endif" => {
                self.open = self.open.saturating_sub(1);
                if self.open == 0 {
                    self.branches = 0;
                }
            }
            _ => {}
        }
        self.branches > DEPTH
    }
}
