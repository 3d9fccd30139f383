//! The program as a process of its own, to be killed and started again.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines},
    process::{Child, Command},
};

use crate::{World, wait::PATIENCE};

/// A running `opsknight`.
pub struct Program {
    child: Child,
    world: World,
    inbox: String,
    intake: Option<String>,
    output: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts the program `binary` on this folder and reads what it prints.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(binary: &str, folder: &Path) -> Self {
        Self::start_with(binary, folder, &[]).await
    }

    /// The same with these environment variables.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_with(binary: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_telling(binary, folder, variables, Stdio::inherit()).await
    }

    /// The same with what it writes to its standard error kept: see
    /// [`Self::output`].
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_watched(binary: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_telling(binary, folder, variables, Stdio::piped()).await
    }

    async fn start_telling(
        binary: &str,
        folder: &Path,
        variables: &[(&str, &str)],
        errors: Stdio,
    ) -> Self {
        let mut child = Command::new(binary)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .env("DELIVERY_RETRY_SCHEDULE", "1s,1s,2s")
            .env_remove("OPSKNIGHT_ADMIN_KEY")
            .env("OPSKNIGHT_LOG", "error")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut printed = Vec::new();
        let read = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                let last = line.starts_with("Ctrl-C");
                printed.push(line);
                if last {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the program says where it is");
        let output = Arc::new(Mutex::new(printed.clone()));
        keep(lines, output.clone());
        if let Some(errors) = child.stderr.take() {
            keep(BufReader::new(errors).lines(), output.clone());
        }
        let find = |start: &str| {
            let line = printed
                .iter()
                .find_map(|line| line.trim().strip_prefix(start));
            line.unwrap_or_else(|| panic!("no {start:?} in {printed:?}"))
                .trim()
                .to_owned()
        };
        let url = find("OpsKnight Webhooks on");
        let inbox = find("inbox")
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let intake = printed
            .iter()
            .find_map(|line| {
                line.split('\'')
                    .find(|part| part.contains("integrationId="))
            })
            .map(str::to_owned);
        let world = World::at(&url, &find("admin key"));
        Self {
            child,
            world,
            inbox,
            intake,
            output,
        }
    }

    /// The lines that it has written so far.
    ///
    /// # Panics
    /// Never, unless its reader did.
    pub fn output(&self) -> Vec<String> {
        self.output.lock().expect("the lines").clone()
    }

    /// A client of it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The built-in receiver.
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// The intake URL that it printed.
    pub fn intake(&self) -> &str {
        self.intake.as_deref().expect("a printed intake URL")
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it was running");
    }

    /// Ctrl-C, and waits for its end.
    pub async fn interrupt(mut self) {
        let pid = self.child.id().expect("it is running").to_string();
        let sent = Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await
            .expect("kill runs");
        assert!(sent.success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends")
            .expect("a status");
        assert!(ended.success(), "{ended}");
    }
}

/// Reads what is written until nobody writes any more.
fn keep<R>(mut lines: Lines<BufReader<R>>, output: Arc<Mutex<Vec<String>>>)
where
    R: AsyncRead + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            output.lock().expect("the lines").push(line);
        }
    });
}
