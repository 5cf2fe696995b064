//! Robots whose time does not wait: they are commanded while an agent thinks, and told to stop when
//! they fall silent.

use crate::fake_robot::FakeRobot;
use crate::{Ditherer, beside_home, episode, fr3};
use apprentice_control::{ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_core::JointCommand;
use apprentice_link::LinkError;
use apprentice_safety::{GuardConfig, Intervention};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Whether the last two commands say the same, after ones that did not.
fn came_to_rest(commands: &[(Instant, JointCommand)]) -> bool {
    let same = |w: &[(Instant, JointCommand)]| w[0].1.positions == w[1].1.positions;
    commands.windows(2).any(|w| !same(w)) && commands.windows(2).next_back().is_some_and(same)
}

fn act(control: &mut ControlLoop, side: f64) -> Result<(), ControlError> {
    let action = beside_home(control.description(), side);
    control.act(&action, control.now_ns()).map(|_| ())
}

#[test]
fn a_robot_that_falls_silent_is_told_to_stop_and_reported() {
    for blind in [false, true] {
        let robot = FakeRobot::start(fr3(), false);
        let mut control = robot.connect(GuardConfig::default());
        control.reset(1).unwrap();
        (0..3).for_each(|_| act(&mut control, 0.15).unwrap());
        let begun = Instant::now();
        if blind {
            robot.manners.blind.store(true, Relaxed);
        } else {
            robot.manners.silent.store(true, Relaxed);
        }
        let error = (0..100).find_map(|i| {
            let side = if i % 2 == 0 { -0.15 } else { 0.15 };
            act(&mut control, side).err()
        });
        let took = begun.elapsed();
        let Some(ControlError::Link(LinkError::Stale {
            key, allowed_ms, ..
        })) = error
        else {
            panic!("it went on, or said something else: {error:?}");
        };
        let expected = if blind {
            ("apprentice/franka_fr3/camera/front", 500)
        } else {
            ("apprentice/franka_fr3/state", 200)
        };
        assert_eq!((key.as_str(), allowed_ms), expected);
        assert!(took < Duration::from_secs(3), "noticed only after {took:?}");
        std::thread::sleep(Duration::from_millis(100));
        assert!(came_to_rest(&robot.commands()), "the arm was left moving");
    }
}

#[test]
fn a_stall_that_ends_soon_only_brakes_the_arm() {
    let robot = FakeRobot::start(fr3(), false);
    let mut control = robot.connect(GuardConfig {
        stale_ms: 1000,
        ..GuardConfig::default()
    });
    control.reset(1).unwrap();
    act(&mut control, 0.15).unwrap();
    robot.manners.silent.store(true, Relaxed);
    let manners = std::sync::Arc::clone(&robot.manners);
    let wakes = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1400));
        manners.silent.store(false, Relaxed);
    });
    (0..20).for_each(|_| act(&mut control, 0.15).unwrap());
    wakes.join().unwrap();
    assert!(control.totals().reasons.of(Intervention::Stale) > 0);
}

#[test]
fn an_arm_is_commanded_while_its_agent_thinks_and_braked_when_that_takes_long() {
    let folder = tempfile::tempdir().unwrap();
    let robot = FakeRobot::start(fr3(), false);
    let mut robots = [robot.connect(GuardConfig::default())];
    let plans = [episode(&robot.description, folder.path(), "slow", 1)];
    let mut agent = Ditherer {
        robot: robot.description.clone(),
        thinks: Duration::from_millis(900),
        thought: Vec::new(),
    };
    record_episodes(
        &mut robots,
        &mut agent,
        &plans,
        6,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| true,
    )
    .unwrap();
    let totals = robots[0].totals();
    assert!(totals.reasons.of(Intervention::Stale) > 20, "{totals:?}");
    assert_eq!(totals.violations, 0);
    let commands = robot.commands();
    let &(from, to) = agent.thought.last().unwrap();
    let meanwhile: Vec<_> = commands
        .iter()
        .filter(|(when, _)| (from..to).contains(when))
        .cloned()
        .collect();
    // 45 are due in 0.9 s.
    assert!(meanwhile.len() > 20, "{} commands", meanwhile.len());
    assert!(
        came_to_rest(&meanwhile),
        "it moved on without anyone deciding"
    );
    // What was decided late is obeyed all the same: it is meant for when it was decided.
    assert!(commands.iter().any(|(when, _)| *when > to));
    let (last, after) = (&meanwhile.last().unwrap().1, &commands.last().unwrap().1);
    assert_ne!(last.positions, after.positions);
    // And at the end of the episode the arm is at rest.
    assert!(came_to_rest(&commands));
}

#[test]
fn actions_that_come_too_late_are_not_obeyed() {
    let robot = FakeRobot::start(fr3(), false);
    let mut control = robot.connect(GuardConfig::default());
    control.reset(1).unwrap();
    let action = beside_home(&robot.description, 0.15);
    let due_ns = control.now_ns();
    std::thread::sleep(Duration::from_millis(300));
    let interventions = control.act(&action, due_ns).unwrap().interventions;
    assert_eq!(interventions.names().collect::<Vec<_>>(), ["stale"]);
    let interventions = control
        .act(&action, control.now_ns())
        .unwrap()
        .interventions;
    assert!(!interventions.contains(Intervention::Stale));
}

#[test]
fn an_arm_that_is_asked_to_brake_comes_to_rest_within_a_policy_tick_whoever_thinks() {
    let folder = tempfile::tempdir().unwrap();
    let robot = FakeRobot::start(fr3(), false);
    let mut robots = [robot.connect(GuardConfig::default())];
    let brake = Arc::new(AtomicBool::new(false));
    robots[0].brake_when(Arc::clone(&brake));
    let plans = [episode(&robot.description, folder.path(), "cut", 1)];
    let mut agent = Ditherer {
        robot: robot.description.clone(),
        thinks: Duration::from_millis(100),
        thought: Vec::new(),
    };
    let ticks = Mutex::new(0);
    let asked = Mutex::new(None);
    let ended = record_episodes(
        &mut robots,
        &mut agent,
        &plans,
        600,
        ChunkingConfig::default(),
        &|_, _| {
            *ticks.lock().unwrap() += 1;
            if *ticks.lock().unwrap() == 5 {
                *asked.lock().unwrap() = Some(Instant::now());
                brake.store(true, Relaxed);
            }
        },
        |_| true,
    );
    assert!(matches!(ended, Err(ControlError::Stopped)), "{ended:?}");
    let took = asked.lock().unwrap().unwrap().elapsed();
    // The agent's last thought, too, has to end; without the request it would have gone on for a minute.
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(*ticks.lock().unwrap() <= 7, "{ticks:?} ticks");
    std::thread::sleep(Duration::from_millis(100));
    assert!(came_to_rest(&robot.commands()), "the arm was left moving");
}
