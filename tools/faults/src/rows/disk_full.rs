//! R8: the disk gets full while a robot runs.

use crate::child::FullDisk;
use crate::program::{self, Process};
use crate::{Rows, Scale};
use anyhow::Result;
use std::process::Command;
use std::time::Duration;

/// Small enough to be full after some seconds, large enough for the episodes of before.
const SIZE: &str = "8m";

/// On a small file system of its own in memory; where that is not allowed, under a limit of file size.
pub fn run(_scale: Scale, rows: &mut Rows) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    let child = program::command("full-disk", &[&path])?;
    let program = child.get_program().to_string_lossy().into_owned();
    // A mount in a namespace of its own is gone when the child is.
    let spaces: [&[&str]; 2] = [&["-m"], &["-Urm"]];
    let space = spaces.into_iter().find(|s| {
        let mount = format!("mount -t tmpfs -o size=1m none '{path}'");
        let tried = Command::new("unshare")
            .args(*s)
            .args(["sh", "-c", &mount])
            .output();
        tried.is_ok_and(|o| o.status.success())
    });
    let mut command = match space {
        Some(space) => {
            let mut command = Command::new("unshare");
            let script = format!("mount -t tmpfs -o size={SIZE} none '{path}' && exec \"$@\"");
            command.args(space).args(["sh", "-c", &script, "sh"]);
            command
        }
        None => {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; ulimit -f 12000; exec \"$@\"", "sh"]);
            command
        }
    };
    command.arg(program).args(child.get_args());
    let mut child = Process::spawn(command)?;
    let found: FullDisk = serde_json::from_str(&child.line("full ", Duration::from_secs(120))?)?;
    child.ended(Duration::from_secs(10))?;
    let how = if space.is_some() {
        format!("a file system of {SIZE} full")
    } else {
        "files no larger than 6 MB".into()
    };
    rows.at_most(
        format!(
            "{how}: from the tick that did not fit until it is said ({})",
            found.error
        ),
        found.reported_ms,
        1_000.0,
        "ms",
    );
    let (said, kept) = found.kept;
    rows.exactly(
        format!("{how}: ticks in the file, {said} said to be kept"),
        kept,
        said,
    );
    let (readable, earlier, damaged) = found.readable;
    rows.exactly(
        format!("{how}: episodes of before that read"),
        readable as u64,
        earlier as u64,
    );
    rows.exactly(format!("{how}: files that do not read"), damaged as u64, 0);
    let (roomy, full) = found.lateness_ms;
    // Ten per cent of a hundred microseconds is less than can be told apart.
    rows.at_most(
        format!("{how}: lateness of commands p99, {roomy:.3} ms with room; a tenth or 1 ms more"),
        full,
        (roomy * 1.1).max(roomy + 1.0),
        "ms",
    );
    rows.exactly(
        format!("{how}: commands beyond a limit"),
        found.violations,
        0,
    );
    Ok(())
}
