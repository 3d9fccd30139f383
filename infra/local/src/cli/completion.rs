//! `opsknight completion`

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::{Cli, failure::Failure, output::Output};

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "opsknight", &mut script);
    output.write(&script)
}
