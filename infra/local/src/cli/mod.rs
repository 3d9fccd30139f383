//! The command line: the server, and a client of any deployment's API.
//!
//! One file per noun. What a command prints for a person is a table; `--json`
//! prints what the API answered.

mod answer;
mod client;
mod completion;
mod connection;
mod failure;
mod health;
mod incidents;
mod integrations;
mod keys;
mod names;
mod output;
mod pages;
mod portability;
mod progress;
mod recovery;
mod send;
mod services;
mod table;
mod webhooks;

use std::process::ExitCode;

use clap::{
    ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::{Error, ErrorKind},
    parser::ValueSource,
};

use crate::Options;
use client::Client;
use connection::Connection;
use failure::Failure;
use output::Output;
use progress::Progress;

/// OpsKnight Webhooks: alert intake, incidents and signed outgoing webhooks.
///
/// Without a command it runs everything on this machine; the commands talk to
/// that server or to any other deployment.
#[derive(Parser)]
#[command(name = "opsknight", version, after_long_help = EXIT_CODES, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten, next_help_heading = "Server options")]
    server: Options,
    #[command(flatten, next_help_heading = "Connection options")]
    connection: Connection,
}

/// What `--help` says of exit codes; they are kept.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by the server, or failed
  2  wrong usage
  3  the server cannot be reached
  4  there is no such thing
  5  not authorised: no token, a wrong one, or one without the scope
  6  not available: overloaded or rate limited, also after waiting, or unhealthy
  7  a webhook's test was not delivered";

#[derive(Subcommand)]
enum Command {
    /// Runs the whole product on this machine (the same as no command)
    Serve(Options),
    /// Sends an event: triggers, acknowledges or resolves an alert
    Send(send::Args),
    /// Lists, shows and changes incidents
    #[command(subcommand)]
    Incidents(incidents::Command),
    /// Outgoing webhooks and their deliveries
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Services: what alerts are about
    #[command(subcommand)]
    Services(services::Command),
    /// Integrations: the monitoring tools that report on a service
    #[command(subcommand)]
    Integrations(integrations::Command),
    /// API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Writes services, integrations and webhooks as one JSON document
    Export(portability::ExportArgs),
    /// Creates and updates what a document of `export` names
    Import(portability::ImportArgs),
    /// Asks whether the deployment works
    Health(health::Args),
    /// Prints the completion script of a shell
    Completion(completion::Args),
}

/// What the command line asks for.
pub(crate) enum Invocation {
    /// To run the server.
    Serve(Options),
    /// To run a command, which ended like this.
    Done(ExitCode),
}

/// What every command works with.
struct Context {
    client: Client,
    output: Output,
    progress: Progress,
}

/// Reads this process's command line and runs what it asks for, unless that is
/// the server. Ends the process itself where the command line is wrong or asks
/// for help.
pub(crate) async fn run() -> Invocation {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches)
        .and_then(|cli| check(&matches).map(|()| cli))
        .unwrap_or_else(|error| error.format(&mut Cli::command()).exit());
    let command = match cli.command {
        None => return Invocation::Serve(cli.server),
        Some(Command::Serve(options)) => return Invocation::Serve(options),
        Some(command) => command,
    };
    let outcome = execute(command, &cli.connection).await;
    Invocation::Done(outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS))
}

/// Options of the server stand before no command, and those of the connection
/// before no server: neither would be heard. A key that only the environment
/// names does not stand in the way of a service.
fn check(matches: &ArgMatches) -> Result<(), Error> {
    let is_given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let misplaced = match matches.subcommand_name() {
        None => ["url", "token", "json"].iter().find(|id| is_given(id)),
        Some(name) => ["listen", "data", "dynamodb", "sqs", "ephemeral"]
            .iter()
            .chain(["url", "token", "json"].iter().filter(|_| name == "serve"))
            .find(|id| is_given(id)),
    };
    let refused = |message| Err(Error::raw(ErrorKind::ArgumentConflict, message));
    if let Some(id) = misplaced {
        return refused(format!("the option --{id} does not go with this command\n"));
    }
    let sends = matches.subcommand_matches("send");
    let has_typed = |id: &str| {
        sends.is_some_and(|send| send.value_source(id) == Some(ValueSource::CommandLine))
    };
    if has_typed("service") && has_typed("key") {
        return refused("the options --service and --key do not go together\n".to_owned());
    }
    Ok(())
}

async fn execute(command: Command, connection: &Connection) -> Result<(), Failure> {
    let output = Output::new(connection.json);
    if let Command::Completion(args) = &command {
        return completion::run(args, &output);
    }
    let context = Context {
        client: Client::new(connection)?,
        output,
        progress: Progress::new(),
    };
    match command {
        Command::Serve(_) | Command::Completion(_) => Ok(()),
        Command::Send(args) => send::run(&context, args).await,
        Command::Incidents(command) => incidents::run(&context, command).await,
        Command::Webhooks(command) => webhooks::run(&context, command).await,
        Command::Services(command) => services::run(&context, command).await,
        Command::Integrations(command) => integrations::run(&context, command).await,
        Command::Keys(command) => keys::run(&context, command).await,
        Command::Export(args) => portability::export(&context, args).await,
        Command::Import(args) => portability::import(&context, args).await,
        Command::Health(args) => health::run(&context, &args).await,
    }
}

#[cfg(test)]
mod tests;
