//! An intruder in Python, which shares no code with us. With `APPRENTICE_PEERS=1` its packages are installed
//! into a virtual environment below `target`, without it the check is skipped and says so.

use crate::rig::{Heard, ROBOT, Rig, SILENCE};
use apprentice_link::security::Role;
use apprentice_link::session::Place;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;

/// Where the intruder is.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/security")
}

fn python() -> Option<PathBuf> {
    if std::env::var_os("APPRENTICE_PEERS").is_none_or(|v| v != "1") {
        eprintln!("SKIPPED: the intruder in Python; APPRENTICE_PEERS=1 runs it");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("intruder");
    let python = folder.join("bin/python");
    let requirements = here().join("requirements.txt");
    let installed = folder.join("installed.txt");
    let wanted = std::fs::read(&requirements).unwrap();
    if std::fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Some(python);
    }
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "-r"])
        .arg(&requirements));
    std::fs::write(installed, wanted).unwrap();
    Some(python)
}

#[test]
fn an_intruder_in_python_commands_nothing() {
    let Some(python) = python() else { return };
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Place::Listen).unwrap();
    let commands = Heard::on(&robot, "command");
    let done = Command::new(python)
        .arg(here().join("intruder.py"))
        .args([&*rig.endpoint])
        .args([&*rig.keys, rig.folder.path()])
        .arg(format!("apprentice/{ROBOT}"))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words}");
    sleep(SILENCE);
    let mut ways = 0;
    for line in String::from_utf8_lossy(&done.stdout).lines() {
        let said: Value = serde_json::from_str(line).unwrap();
        let (way, mode) = (
            said["way"].as_str().unwrap(),
            said["mode"].as_str().unwrap(),
        );
        let delivered = commands.count(&format!("{way} {mode} "));
        let connected = said["connected"].as_bool().unwrap();
        println!("{way} as {mode}: connected {connected}, {delivered} of 10 delivered");
        let known = ["right", "viewer", "operator", "rogue", "elsewhere"].contains(&way);
        assert_eq!(connected, known, "{way}");
        assert_eq!(delivered, if way == "right" { 10 } else { 0 }, "{way}");
        ways += 1;
    }
    assert_eq!(ways, 20, "{words}");
}
