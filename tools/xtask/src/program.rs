//! The `apprentice` program: built, asked for figures, and watched.

use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The repository's root.
///
/// # Errors
/// When it has gone.
pub fn root() -> Result<PathBuf, Box<dyn Error>> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?)
}

/// Where what is built and tried lies.
///
/// # Errors
/// When the root has gone.
pub fn target() -> Result<PathBuf, Box<dyn Error>> {
    let root = root()?;
    Ok(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |t| root.join(t)))
}

/// The program, built unless it is named.
///
/// # Errors
/// When it cannot be built.
pub fn apprentice(named: Option<&Path>) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(file) = named {
        return Ok(file.canonicalize()?);
    }
    // The whole workspace's features, so that nothing is built twice.
    let status = crate::cargo()
        .args(["build", "--release", "--workspace", "--locked"])
        .args(["--bin", "apprentice"])
        .current_dir(root()?)
        .status()?;
    if !status.success() {
        return Err(format!("cargo build: {status}").into());
    }
    Ok(target()?.join("release/apprentice"))
}

/// Runs a command of it; what it says on the way is shown.
///
/// # Errors
/// When it fails.
pub fn succeed(program: &Path, arguments: &[String]) -> Result<String, Box<dyn Error>> {
    println!("== apprentice {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("apprentice {}: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The same of a command that answers in JSON.
///
/// # Errors
/// When it fails or answers otherwise.
pub fn figures(program: &Path, arguments: &[String]) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&succeed(program, arguments)?)?)
}

/// A process that ends when this goes out of scope.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Most memory a process has had resident so far, bytes; 0 once it has ended.
pub fn peak_memory_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0) << 10
}

/// Mean number of processes that wanted a processor in the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|n| n.parse().ok());
    first.unwrap_or(0.0)
}

/// Words as arguments.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
