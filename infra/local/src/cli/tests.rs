use clap::{CommandFactory as _, Parser as _};

use super::*;

fn parsed(line: &[&str]) -> Result<Cli, Error> {
    let line = std::iter::once("opsknight").chain(line.iter().copied());
    let matches = Cli::command().try_get_matches_from(line)?;
    check(&matches)?;
    Cli::from_arg_matches(&matches)
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
    assert!(Cli::try_parse_from(["opsknight"]).is_ok());
}

#[test]
fn no_command_and_serve_are_the_same() {
    for line in [
        &["--listen", "127.0.0.1:1", "--data", "x"][..],
        &["serve", "--listen", "127.0.0.1:1", "--data", "x"],
    ] {
        let cli = parsed(line).unwrap();
        let options = match cli.command {
            Some(Command::Serve(options)) => options,
            None => cli.server,
            Some(_) => panic!("{line:?} is no server"),
        };
        assert_eq!(options.listen.port(), 1, "{line:?}");
        assert_eq!(options.data.to_str(), Some("x"), "{line:?}");
    }
    for wrong in [
        &["--ephemeral", "--data", "x"][..],
        &["serve", "--ephemeral", "--data", "x"],
    ] {
        assert!(parsed(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn connection_options_stand_before_or_after_the_command() {
    for line in [
        &["--url", "http://a", "--json", "incidents", "list"][..],
        &["incidents", "--url", "http://a", "list", "--json"],
        &["incidents", "list", "--url", "http://a", "--json"],
    ] {
        let cli = parsed(line).unwrap();
        assert!(cli.connection.json, "{line:?}");
        assert_eq!(cli.connection.base().unwrap(), "http://a", "{line:?}");
    }
}

#[test]
fn options_that_would_not_be_heard_are_refused() {
    for line in [
        &["--listen", "127.0.0.1:1", "incidents", "list"][..],
        &["--ephemeral", "serve"],
        &["--sqs", "127.0.0.1:1", "incidents", "list"],
        &["--url", "http://a"],
        &["--json"],
        &["serve", "--json"],
        &["serve", "--url", "http://a"],
        &["incidents", "snooze", "inc_1"],
        &[
            "incidents",
            "snooze",
            "inc_1",
            "--minutes",
            "5",
            "--until",
            "2026-01-01T00:00:00Z",
        ],
        &["incidents", "ack"],
        &["incidents", "list", "--limit", "0"],
        &["incidents", "list", "--status", "sleeping"],
        &[
            "webhooks",
            "create",
            "--name",
            "n",
            "--to",
            "https://example.com",
        ],
        &["webhooks", "deliveries", "w", "dlv_1", "--all"],
        &["webhooks", "recover", "w"],
        &["send", "--details", "novalue"],
        &["send", "--service", "s", "--key", "k"],
        &["keys", "create", "--name", "n"],
        &["nonsense"],
    ] {
        let error = parsed(line).err().unwrap_or_else(|| panic!("{line:?}"));
        assert_eq!(error.exit_code(), 2, "{line:?}");
    }
}

#[test]
fn the_help_tells_every_exit_code_and_no_secret() {
    let help = Cli::command().render_long_help().to_string();
    for kind in 0..=7 {
        assert!(help.contains(&format!("\n  {kind}  ")), "{kind}");
    }
    assert!(help.contains("[env: OPSKNIGHT_TOKEN]"), "{help}");
}
