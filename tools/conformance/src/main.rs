//! Drives a franka-node that is there: `apprentice-conformance ENDPOINT ARM EPISODES [JSON FILE]`.
//! `cargo xtask conformance` starts one, with franka-sim behind it, and then this.

mod behaviour;
mod motion;
mod nominal;
mod raw;
mod row;
mod watch;

use apprentice_adapter::franka_node::FrankaNode;
use apprentice_link::security::Security;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: apprentice-conformance ENDPOINT ARM EPISODES [JSON FILE]";
/// Which motions: the same ones each time.
const SEED: u64 = 18;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (endpoint, arm, episodes, file) = match arguments[..] {
        [endpoint, arm, episodes] => (endpoint, arm, episodes, None),
        [endpoint, arm, episodes, file] => (endpoint, arm, episodes, Some(file)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let Some(episodes) = episodes.parse::<u64>().ok().filter(|n| *n > 0) else {
        eprintln!("{USAGE}; EPISODES is {episodes:?}, allowed: a number above 0");
        return ExitCode::FAILURE;
    };
    match run(endpoint, arm, episodes, file) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every figure is as it must be.
fn run(
    endpoint: &str,
    arm: &str,
    episodes: u64,
    file: Option<&str>,
) -> Result<bool, Box<dyn Error>> {
    let mut settings = toml::Table::new();
    settings.insert("kind".into(), "franka_node".into());
    settings.insert("arm".into(), arm.into());
    let robot = nominal::robot()?;
    let mut driven = FrankaNode::connect(
        robot,
        &settings,
        endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(10),
    )?;
    let watch = watch::Watch::new(endpoint, arm)?;
    watch.now()?;
    let mut rows = match nominal::run(&mut driven, &watch, episodes, SEED) {
        Ok(rows) => rows.all,
        // Whoever reads the file learns it there too.
        Err(error) => {
            let mut rows = row::Rows::new("R18");
            rows.failed("episodes", &error);
            rows.all
        }
    };
    rows.extend(behaviour::run(endpoint, arm, &watch, &mut driven).all);
    if let Some(file) = file {
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")
            .map_err(|e| format!("{file}: {e}"))?;
    }
    let failed = rows.iter().filter(|r| !r.pass).count();
    println!(
        "{} of {} figures are as they must be",
        rows.len() - failed,
        rows.len()
    );
    Ok(failed == 0)
}
