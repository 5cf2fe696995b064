//! The simulator's own driver against the test that drivers of others are put to.
#![allow(clippy::unwrap_used)]

use apprentice_link::live_check::{Finding, Permission, Verdict, check_driver};
use apprentice_link::security::Security;
use apprentice_robot::RobotDescription;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};

fn checked(mode: ClockMode, permission: Permission) -> Vec<Finding> {
    let mut description = RobotDescription::embedded("franka_fr3").unwrap();
    for camera in &mut description.cameras {
        (camera.width, camera.height) = (32, 32);
    }
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &description,
        mode,
        None,
    )
    .unwrap();
    let security = Security::LoopbackOnly;
    check_driver(&description, node.endpoint(), &security, permission).unwrap()
}

fn assert_passes(found: &[Finding], what: &[&str]) {
    let failed: Vec<_> = found
        .iter()
        .filter(|f| f.verdict == Verdict::Fail)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for name in what {
        let passed = |f: &Finding| f.what.starts_with(name) && f.verdict == Verdict::Pass;
        assert!(found.iter().any(passed), "{name} is missing in {found:#?}");
    }
}

const ALL: Permission = Permission {
    moves: true,
    resets: true,
};

#[test]
fn our_simulator_in_lockstep_passes() {
    let found = checked(ClockMode::Lockstep, ALL);
    assert_passes(&found, &["stamps of states", "a jump", "silence", "reset"]);
}

#[test]
fn our_simulator_in_real_time_passes() {
    // Others may use this machine's processors: what is wrong with the driver is wrong every time.
    let fails = |found: &Vec<Finding>| found.iter().any(|f| f.verdict == Verdict::Fail);
    let mut found = checked(ClockMode::RealTime, ALL);
    for _ in 0..2 {
        if fails(&found) {
            found = checked(ClockMode::RealTime, ALL);
        }
    }
    assert_passes(
        &found,
        &["rate of states", "a stranger's commands", "a jump", "reset"],
    );
    let short = found.iter().find(|f| f.what == "a request of 3 bytes");
    let said = &short.unwrap().got;
    assert!(said.contains("it has 3 bytes, such a request 20"), "{said}");
}

#[test]
fn an_arm_that_may_not_move_is_never_enabled() {
    let found = checked(ClockMode::RealTime, Permission::default());
    assert_passes(&found, &["acquire", "stop by anyone"]);
    assert!(!found.iter().any(|f| f.what.contains("enable")));
    let left: Vec<_> = found
        .iter()
        .filter(|f| f.verdict == Verdict::NotTried)
        .collect();
    assert!(left.iter().any(|f| f.advice.contains("--move")), "{left:?}");
}
