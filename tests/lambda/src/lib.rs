//! A Lambda function as the service runs it: its built binary, asking a Runtime
//! API for its events.
//!
//! Source: "Using the Lambda runtime API for custom runtimes" of the AWS Lambda
//! developer guide.

mod runtime_api;

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdout, Command},
};

pub use runtime_api::Outcome;
use runtime_api::RuntimeApi;

/// Longest wait for a start or an answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A started function.
pub struct Function {
    name: String,
    api: RuntimeApi,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Function {
    /// Starts this binary with these variables and nothing else of this
    /// process's environment; when this returns, it has asked for its first event.
    ///
    /// # Panics
    /// Where it ends or reports that it could not start.
    pub async fn start(name: &str, binary: &str, variables: &BTreeMap<String, String>) -> Self {
        let api = RuntimeApi::start().await;
        let mut child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", format!("opsknight-{name}"))
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let lines = Arc::default();
        if let Some(output) = child.stdout.take() {
            tokio::spawn(keep(output, Arc::clone(&lines)));
        }
        tokio::select! {
            asked = tokio::time::timeout(PATIENCE, api.ready()) => {
                asked.unwrap_or_else(|_| panic!("{name} never asked for an event"));
            }
            ended = child.wait() => panic!("{name} ended at its start: {ended:?}"),
        }
        Self {
            name: name.to_owned(),
            api,
            child,
            lines,
        }
    }

    /// The lines that it has written to its log so far.
    pub fn log(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives it an event and waits for what it answers.
    ///
    /// # Panics
    /// Where it ends or does not answer.
    pub async fn invoke(&mut self, event: &Value) -> Outcome {
        let name = &self.name;
        tokio::select! {
            outcome = tokio::time::timeout(PATIENCE, self.api.invoke(event)) => {
                outcome.unwrap_or_else(|_| panic!("{name} did not answer"))
            }
            ended = self.child.wait() => panic!("{name} ended with an event: {ended:?}"),
        }
    }
}

async fn keep(output: ChildStdout, lines: Arc<Mutex<Vec<String>>>) {
    let mut read = BufReader::new(output).lines();
    while let Ok(Some(line)) = read.next_line().await {
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}
