//! `opsknight`, built for the tests that kill and restart it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    opsknight::program::run().await
}
