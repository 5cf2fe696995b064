//! `apprentice`: teaches a robot arm to do a job the way its operator likes it.

#![recursion_limit = "256"]

mod cli;
mod commands;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Only our own warnings: libraries speak about themselves.
    let filter =
        std::env::var("APPRENTICE_LOG").unwrap_or_else(|_| "error,apprentice=warn".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", apprentice_core::in_one_line(&*error));
            ExitCode::FAILURE
        }
    }
}
