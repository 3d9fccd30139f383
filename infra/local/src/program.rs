//! The program: a command of its command line, or the server: start, print
//! where everything is, run until told to stop.

use std::process::ExitCode;

use crate::{
    Options, banner,
    cli::{self, Invocation},
    stack::Stack,
};

/// Runs `opsknight` with the command line of this process.
pub async fn run() -> ExitCode {
    match cli::run().await {
        Invocation::Serve(options) => serve(options).await,
        Invocation::Done(code) => code,
    }
}

async fn serve(options: Options) -> ExitCode {
    common::telemetry::init();
    let stack = match Stack::start(options.into()).await {
        Ok(stack) => stack,
        Err(error) => {
            eprintln!("opsknight: {error}");
            return ExitCode::FAILURE;
        }
    };
    banner::print(&stack);
    stopped().await;
    eprintln!("opsknight: finishing what is under way …");
    stack.stop().await;
    ExitCode::SUCCESS
}

/// Ctrl-C, or the SIGTERM of a service manager.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = interrupt.await;
}
