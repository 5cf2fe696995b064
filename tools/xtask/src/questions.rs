//! `cargo xtask questions`: the strategies that choose what is asked next, at equal seconds of a simulated operator.

use crate::without_outer_cargo;
use std::error::Error;
use std::process::Command;

/// Builds and runs the comparison with these options; it explains them itself.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn run(options: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut command = without_outer_cargo(Command::new("cargo"));
    command.args(["run", "--release", "-p", "apprentice-query"]);
    command.args(["--example", "compare_strategies", "--"]);
    let status = command.args(options).status()?;
    if status.success() {
        Ok(())
    } else {
        Err("the comparison failed".into())
    }
}
