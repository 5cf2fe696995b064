//! An intruder in Python, which shares no code with us. Where it is asked for (`-- --ignored needs_python`) its packages are installed
//! into a virtual environment below `target`, without it the check is skipped and says so.

use crate::rig::{Heard, ROBOT, Rig, SILENCE};
use apprentice_link::security::Role;
use apprentice_link::session::Connection;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;

/// Where the intruder is.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/security")
}

fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("intruder");
    apprentice_peers::python(&folder, &here().join("requirements.txt"), None).unwrap()
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_an_intruder_in_python_commands_nothing() {
    let python = python();
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let commands = Heard::on(&robot, "command/*");
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
