//! Why a command did not do what it was asked for, and the exit code that says
//! so.

use std::process::ExitCode;

use super::output::clean;

/// What an exit code means; the help lists the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody reads the output any more, which is their right.
    BrokenPipe = 0,
    /// Refused by the server, or failed here.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
    /// There is no such thing.
    NotFound = 4,
    /// No token, a wrong one, or one without the scope.
    Unauthorised = 5,
    /// Overloaded, rate limited or unhealthy.
    Unavailable = 6,
    /// A webhook's test did not arrive.
    NotDelivered = 7,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: Kind,
    message: String,
    /// Path and message of every field that is wrong.
    details: Vec<(String, String)>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Anything without a code of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn with_details(self, details: Vec<(String, String)>) -> Self {
        Self { details, ..self }
    }

    /// Tells it on standard error; the code to exit with.
    pub(crate) fn report(self) -> ExitCode {
        if self.kind != Kind::BrokenPipe {
            eprintln!("opsknight: {}", clean(&self.message));
            for (path, message) in &self.details {
                eprintln!("  {}: {}", clean(path), clean(message));
            }
        }
        ExitCode::from(self.kind as u8)
    }
}
