//! `opsknight`: the whole product on one machine.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    opsknight::program::run().await
}
