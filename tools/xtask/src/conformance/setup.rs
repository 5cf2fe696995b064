//! What conformance needs that is not ours.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} failed ({status})").into()),
        Err(error) => Err(format!("{command:?} could not be started: {error}").into()),
    }
}

/// Whether a command is there and succeeds.
fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Network namespaces need root, and `ip`.
pub fn allowed() -> Result<(), Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1))
        .unwrap_or("unknown");
    if effective != "0" {
        return Err(format!(
            "conformance runs in a network namespace, which root may make; you are user {effective}: run it with sudo, or in a container as root"
        )
        .into());
    }
    if !works("ip", &["-V"]) {
        println!("installing iproute2, for `ip netns`");
        ran(Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "iproute2"]))
            .map_err(|e| format!("`ip` is missing: {e}; install iproute2"))?;
    }
    Ok(())
}

/// What makes a program more urgent than all else, where that is allowed.
pub fn urgent() -> Vec<&'static str> {
    let words = vec!["chrt", "-f", "20"];
    if works("chrt", &["-f", "20", "true"]) {
        words
    } else {
        Vec::new()
    }
}

/// franka-node, installed once.
pub fn node(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let place = folder.join("franka-node-0.4.0");
    let program = place.join("bin/franka-node");
    if !program.is_file() {
        println!("installing franka-node 0.4.0; minutes");
        ran(crate::cargo()
            .args([
                "install",
                "franka-node",
                "--version",
                "0.4.0",
                "--locked",
                "--root",
            ])
            .arg(&place)
            .env("CARGO_TARGET_DIR", folder.join("build")))?;
        // Only the program is needed from then on.
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}

/// Python with franka-sim, installed once for what is wanted.
pub fn python(root: &Path, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let requirements = root.join("tests/peers/franka/requirements.txt");
    Ok(apprentice_peers::python(
        &folder.join("python"),
        &requirements,
        None,
    )?)
}

/// Our driver, built.
pub fn driver(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    ran(crate::cargo()
        .args(["build", "--release", "-p", "apprentice-conformance"])
        .current_dir(root))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(root.join(target).join("release/apprentice-conformance"))
}
