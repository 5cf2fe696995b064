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
    end_quietly_without_a_reader();
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", apprentice_core::in_one_line(&*error));
            if error.is::<commands::NotAligned>() {
                ExitCode::from(commands::NotAligned::EXIT_CODE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Whoever reads our output may stop reading (`| head`): printing then panics, which is nothing to report. The program
/// ends as one does that the system's signal for it ends.
fn end_quietly_without_a_reader() {
    const SIGPIPE: i32 = 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(128 + SIGPIPE);
        }
        usual(panic);
    }));
}
