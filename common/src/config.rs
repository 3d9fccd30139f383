//! Configuration from environment variables, read once at start; a missing or
//! unreadable one is named.

use std::env;

/// A variable that keeps the program from starting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It says nothing readable.
    #[error("the environment variable {name} is not valid: {reason}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// The variable's text.
///
/// # Errors
/// [`ConfigError::Missing`] where it is unset or empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// The variable's text, `None` where it is unset or empty.
pub fn optional(name: &'static str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// Whether the variable says `true` (or `1`); `default` where it is unset.
///
/// # Errors
/// [`ConfigError::Invalid`] for any other word.
pub fn flag(name: &'static str, default: bool) -> Result<bool, ConfigError> {
    match optional(name).as_deref().map(str::trim) {
        None => Ok(default),
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => Err(ConfigError::Invalid {
            name,
            reason: format!("{other:?} is neither true nor false"),
        }),
    }
}
