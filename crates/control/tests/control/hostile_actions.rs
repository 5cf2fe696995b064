//! Whatever an agent wants, a robot hears only what a separate checker finds within its limits.

use crate::fake_robot::{FakeRobot, Heard};
use crate::{Ditherer, beside_home, episode, fr3};
use apprentice_control::{Agent, ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_core::{ActionChunk, PolicyInput, RobotState, Seed};
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, GuardConfig, Intervention};
use rand::Rng;
use std::time::Duration;

/// An action in one of eight styles.
fn hostile(robot: &RobotDescription, style: u32, rng: &mut impl Rng) -> Vec<f32> {
    let numbers = robot.action_dim();
    let wild = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e30];
    match style {
        0 => vec![wild[rng.random_range(0..wild.len())]; numbers],
        1 => vec![0.0; numbers],
        2 => vec![0.3; rng.random_range(0..40)],
        3 => (0..numbers).map(|_| rng.random_range(-9.0..9.0)).collect(),
        4 => (0..numbers)
            .map(|_| rng.random_range(-1e30..1e30))
            .collect(),
        5 => beside_home(robot, 3.0),
        6 => {
            let mut action = beside_home(robot, 0.1);
            action[rng.random_range(0..3)] = wild[rng.random_range(0..wild.len())];
            action
        }
        _ => beside_home(robot, rng.random_range(-0.2..0.2)),
    }
}

/// What a checker that has not seen the guard says of all the robot heard.
fn judge(robot: &FakeRobot) -> (u64, Vec<String>) {
    let mut checker = Checker::new(&robot.description).unwrap();
    let mut found = Vec::new();
    for heard in robot.heard() {
        match heard {
            Heard::Reset => checker.restart(&RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: robot.description.home.clone(),
                velocities: vec![0.0; robot.description.joints.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            }),
            Heard::Command(_, command) => {
                found.extend(checker.check(&command, 0).into_iter().map(|v| v.what));
            }
        }
    }
    (checker.commands(), found)
}

fn drive(description: RobotDescription, guard: GuardConfig, seed: Seed) -> ControlLoop {
    let robot = FakeRobot::start(description, true);
    let mut control = robot.connect(guard);
    let (cartesian, mut rng) = (fr3(), seed.rng());
    for scene in 0..2 {
        control.reset(scene).unwrap();
        for tick in 0..150 {
            // Each style lasts a second, which is time enough to get somewhere.
            let action = hostile(&cartesian, tick / 10 % 8, &mut rng);
            let action = if robot.description.is_cartesian() {
                action
            } else {
                // The same numbers, taken for joints and an opening.
                action[..action.len().min(8)].to_vec()
            };
            let due_ns = match rng.random_range(0..20) {
                0 => 0,
                1 => u64::MAX,
                _ => control.now_ns(),
            };
            let interventions = control.act(&action, due_ns).unwrap().interventions;
            if action.iter().any(|v| !v.is_finite()) && action.len() > 7 {
                assert!(
                    interventions.contains(Intervention::NotFinite),
                    "{action:?}"
                );
            }
        }
    }
    let (commands, found) = judge(&robot);
    assert!(found.is_empty(), "{} outside: {:?}", found.len(), found[0]);
    let totals = control.totals();
    assert_eq!((totals.commands, totals.violations), (commands, 0));
    assert_eq!(commands, 2 * 150 * 5);
    assert!(totals.interventions > totals.shaped);
    let moved = robot
        .commands()
        .windows(2)
        .any(|w| w[0].1.positions != w[1].1.positions);
    assert!(moved, "standing still is no proof");
    control
}

#[test]
fn a_robot_hears_only_what_was_guarded() {
    let control = drive(fr3(), GuardConfig::default(), Seed(1));
    let reasons = control.totals().reasons;
    for reason in [
        Intervention::NotFinite,
        Intervention::NotAPose,
        Intervention::Dimension,
    ] {
        assert!(
            reasons.of(reason) > 100,
            "{reason:?}: {}",
            reasons.of(reason)
        );
    }
    assert!(reasons.of(Intervention::Workspace) > 0);
    let unlimited = GuardConfig {
        following_error_rad: 0.0,
        ..GuardConfig::default()
    };
    drive(fr3(), unlimited, Seed(2));
}

#[test]
fn nor_does_one_that_is_told_joints() {
    let mut joints = fr3();
    joints.control = apprentice_robot::description::Control::Joint;
    drive(joints, GuardConfig::default(), Seed(3));
}

#[test]
fn states_that_cannot_be_end_the_episode_with_a_clear_line() {
    let robot = FakeRobot::start(fr3(), true);
    let mut control = robot.connect(GuardConfig::default());
    control.reset(1).unwrap();
    let action = beside_home(&robot.description, 0.1);
    control.act(&action, control.now_ns()).unwrap();
    for (lie, says) in [
        (vec![f64::NAN; 7], "not finite"),
        (vec![0.1; 6], "it has 6 joints, the robot has 7"),
        (vec![0.0; 7], "joint fr3_joint4 is at 0.0000, allowed"),
        (
            robot.description.home.iter().map(|q| q + 0.5).collect(),
            "faster than the arm",
        ),
    ] {
        *robot.manners.lie.lock().unwrap() = Some(lie);
        let error = control.act(&action, control.now_ns()).unwrap_err();
        assert!(matches!(
            error,
            ControlError::Link(LinkError::Rejected { .. })
        ));
        let text = error.to_string();
        assert!(
            text.contains("franka_fr3/state") && text.contains(says),
            "{text}"
        );
    }
    *robot.manners.lie.lock().unwrap() = None;
    control.reset(2).unwrap();
    control.act(&action, control.now_ns()).unwrap();
}

#[test]
fn an_arm_that_says_it_is_outside_its_limits_is_not_started() {
    for lockstep in [true, false] {
        let robot = FakeRobot::start(fr3(), lockstep);
        let mut control = robot.connect(GuardConfig::default());
        let mut outside = robot.description.home.clone();
        // Its limit is -0.1518.
        outside[3] = -0.03;
        *robot.manners.lie.lock().unwrap() = Some(outside);
        let error = control.reset(1).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, ControlError::Start(..))
                && text.contains(
                    "joint fr3_joint4 is at -0.0300 rad, allowed: -3.1392 to -0.0547 rad"
                )
                && text.contains("by hand"),
            "{text}"
        );
        assert!(robot.commands().is_empty());
        *robot.manners.lie.lock().unwrap() = None;
        control.reset(2).unwrap();
    }
}

#[test]
fn commanding_before_a_reset_is_refused() {
    let robot = FakeRobot::start(fr3(), true);
    let mut control = robot.connect(GuardConfig::default());
    let error = control
        .act(&beside_home(&robot.description, 0.1), 0)
        .unwrap_err();
    assert!(matches!(error, ControlError::NoStart(_)));
    assert!(robot.heard().is_empty());
}

#[test]
fn what_is_not_finite_is_not_recorded() {
    struct Broken(RobotDescription);
    impl Agent for Broken {
        fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
            let execute = beside_home(&self.0, 0.1);
            let mut record = execute.clone();
            record[4] = f32::NAN;
            let space = self.0.action_space();
            let chunk = ActionChunk::new(space, inputs[0].stamp(), [execute])?;
            Ok(vec![chunk.recording([record])?])
        }

        fn observation_history(&self) -> usize {
            1
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let robot = FakeRobot::start(fr3(), true);
    let mut robots = [robot.connect(GuardConfig::default())];
    let plans = [episode(&robot.description, folder.path(), "broken", 1)];
    let mut agent = Broken(robot.description.clone());
    let ran = record_episodes(
        &mut robots,
        &mut agent,
        &plans,
        3,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| true,
    );
    let text = ran.unwrap_err().to_string();
    assert!(
        text.contains("number 4 is NaN") && text.contains("10 finite numbers"),
        "{text}"
    );
    assert!(robot.commands().is_empty());
}

#[test]
fn in_lockstep_no_time_passes_while_an_agent_thinks() {
    let folder = tempfile::tempdir().unwrap();
    let run = |thinks_ms, name: &str| {
        let robot = FakeRobot::start(fr3(), true);
        let mut robots = [robot.connect(GuardConfig {
            stale_ms: 1,
            ..GuardConfig::default()
        })];
        let plans = [episode(&robot.description, folder.path(), name, 1)];
        let mut agent = Ditherer {
            robot: robot.description.clone(),
            thinks: Duration::from_millis(thinks_ms),
            thought: Vec::new(),
        };
        record_episodes(
            &mut robots,
            &mut agent,
            &plans,
            9,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        )
        .unwrap();
        assert_eq!(robots[0].totals().reasons.of(Intervention::Stale), 0);
        let commands = robot.commands().into_iter().map(|(_, command)| command);
        commands.collect::<Vec<_>>()
    };
    let (quick, slow) = (run(0, "quick"), run(60, "slow"));
    assert_eq!(quick.len(), 45);
    assert_eq!(quick, slow);
}
