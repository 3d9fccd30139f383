//! Running the program to its end.

use std::{path::Path, process::Stdio};

use opsknight_tests::World;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command};

pub const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");

/// The program as a user of one deployment has it.
pub struct Cli {
    url: String,
    token: String,
    folder: tempfile::TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Cli {
    pub fn of(world: &World) -> Self {
        Self::at(world.url(), world.admin_key())
    }

    pub fn at(url: &str, token: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: token.to_owned(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Where the program runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this command line, not started yet; nothing of the
    /// environment of the tests reaches it.
    pub fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(line).current_dir(self.folder());
        for (name, _) in std::env::vars() {
            if name.starts_with("OPSKNIGHT_") || name.to_ascii_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command
            .env("OPSKNIGHT_URL", &self.url)
            .env("OPSKNIGHT_TOKEN", &self.token)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub async fn run(&self, line: &[&str]) -> Run {
        self.finish(self.command(line), "").await
    }

    /// Runs it with this standard input.
    pub async fn run_with(&self, line: &[&str], input: &str) -> Run {
        self.finish(self.command(line), input).await
    }

    /// Runs it with these environment variables.
    pub async fn run_in(&self, line: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = self.command(line);
        command.envs(variables.iter().copied());
        self.finish(command, "").await
    }

    async fn finish(&self, mut command: Command, input: &str) -> Run {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let run = Run {
            code: output.status.code().expect("a code"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        for printed in [&run.out, &run.err] {
            assert!(
                !printed.contains(&self.token),
                "a token is printed: {printed}"
            );
        }
        run
    }

    /// What it prints where it has to succeed.
    pub async fn prints(&self, line: &[&str]) -> String {
        self.run(line).await.ok(line)
    }

    /// The JSON that it prints where it has to succeed.
    pub async fn json(&self, line: &[&str]) -> Value {
        let printed = self.prints(&[line, &["--json"]].concat()).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{line:?} {error}: {printed}"))
    }
}

impl Run {
    /// What it printed; it must have succeeded, and complained of nothing.
    pub fn ok(self, line: &[&str]) -> String {
        assert_eq!(
            (self.code, self.err.as_str()),
            (0, ""),
            "{line:?} {}",
            self.out
        );
        self.out
    }

    /// It must have failed with this code, and said this.
    pub fn failed(&self, code: i32, said: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(said), "{said:?} is not in {self:?}");
        assert!(self.err.starts_with("opsknight: ") || code == 2, "{self:?}");
    }
}

/// A text of an answer.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
