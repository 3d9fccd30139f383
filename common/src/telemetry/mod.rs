//! Logs: JSON lines in Lambda, plain lines on a terminal. Metrics: one line per
//! unit of work. And what joins the lines of an alert's way to its receivers.

mod metric;
mod work;

pub use metric::{Metric, Unit};
pub use work::{
    correlated, correlation_id, count, count_by, field, measure, measure_time, measure_work, work,
};

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging. `OPSKNIGHT_LOG` (or Lambda's `AWS_LAMBDA_LOG_LEVEL`) sets
/// the level; the AWS SDK's own lines are kept out unless asked for.
pub fn init() {
    let level = std::env::var("OPSKNIGHT_LOG")
        .or_else(|_| std::env::var("AWS_LAMBDA_LOG_LEVEL"))
        .unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(format!("warn,dynoxide=error,{}", directives(&level)))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let in_lambda = std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some();
    let layer = if in_lambda {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .boxed()
    } else {
        fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed()
    };
    // A second initialisation (several stacks in one test process) changes nothing.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
}

/// A bare level is meant for our own crates.
fn directives(level: &str) -> String {
    if level.contains(['=', ',']) {
        return level.to_owned();
    }
    [
        "common",
        "apm",
        "cicd",
        "cloud",
        "custom",
        "logs",
        "metrics",
        "uptime",
        "incidents",
        "console",
        "settings",
        "fanout",
        "delivery",
        "clock",
        "opsknight",
    ]
    .map(|target| format!("{target}={}", level.to_lowercase()))
    .join(",")
}
