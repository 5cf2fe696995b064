//! Episodes as the runtime drives them: our adapter, behind the guard, at 100 Hz.

use crate::motion::Motion;
use crate::row::Rows;
use crate::watch::{Watch, is_reflex};
use apprentice_adapter::franka_node::FrankaNode;
use apprentice_adapter::franka_node::wire::{Phase, State};
use apprentice_core::JointCommand;
use apprentice_link::{Arm as _, Freshness};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::{Guard, GuardConfig};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::time::{Duration, Instant};

const FRESH: Freshness = Freshness {
    state: Duration::from_millis(200),
    frame: Duration::from_millis(200),
};
/// Held at the end of a motion, seconds.
const HELD: f64 = 0.3;
/// First part of a session that says nothing of the link's rate yet: its window has 100 cycles of 1 ms.
const WINDOW: Duration = Duration::from_millis(100);

/// A Franka Research 3 as franka-node has it: 100 commands a second, no cameras.
///
/// # Errors
/// When the robot that comes with Apprentice cannot be read.
pub fn robot() -> Result<RobotDescription, Box<dyn Error>> {
    let mut robot = RobotDescription::embedded("franka_fr3")?;
    robot.control_hz = 100.0;
    robot.cameras.clear();
    Ok(robot)
}

/// What one episode came to.
#[derive(Debug, Default)]
struct Episode {
    sent: u64,
    accepted: u64,
    refused: u64,
    dropped: u64,
    changed_by_guard: u64,
    reflexes: u64,
    rates: Vec<f64>,
    off_target: f64,
    off_width: f64,
    late_ticks: u64,
}

/// Drives so many episodes, and judges them.
///
/// # Errors
/// When the arm cannot be connected to at all.
pub fn run(
    arm: &mut FrankaNode,
    watch: &Watch,
    episodes: u64,
    seed: u64,
) -> Result<Rows, Box<dyn Error>> {
    let mut rows = Rows::new("R18");
    let kinematics = Kinematics::new(arm.description())?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    arm.home(0.2)?;
    let mut all = Vec::new();
    let mut failures = Vec::new();
    for number in 1..=episodes {
        let start = Instant::now();
        let mut episode = Episode::default();
        let driven = drive(arm, watch, &kinematics, &mut rng, &mut episode);
        let _ = arm.disengage();
        if let Err(error) = driven {
            eprintln!("episode {number}: {error}");
            failures.push(format!("episode {number}: {error}"));
            // One that failed must not make all others fail.
            if let Err(error) = arm.recover() {
                eprintln!("recovering: {error}");
            }
        }
        println!(
            "episode {number}: {:.1} s, {} sent, {} accepted, {} refused, {} dropped, {} late ticks, lowest rate {:.2}, mean {:.4}, off {:.4} rad",
            start.elapsed().as_secs_f64(),
            episode.sent,
            episode.accepted,
            episode.refused,
            episode.dropped,
            episode.late_ticks,
            lowest(&episode.rates),
            mean(&episode.rates),
            episode.off_target
        );
        all.push(episode);
    }
    judge(&mut rows, episodes, &all, &failures);
    Ok(rows)
}

fn judge(rows: &mut Rows, wanted: u64, all: &[Episode], failures: &[String]) {
    let sum = |of: fn(&Episode) -> u64| all.iter().map(of).sum::<u64>();
    let done = wanted - failures.len() as u64;
    let why = failures
        .first()
        .map_or(String::new(), |f| format!("; first failure: {f}"));
    rows.exactly(format!("episodes driven to their end{why}"), done, wanted);
    rows.exactly("reflexes and faults of the arm", sum(|e| e.reflexes), 0);
    rows.exactly("targets refused by the node", sum(|e| e.refused), 0);
    let (sent, accepted) = (sum(|e| e.sent), sum(|e| e.accepted));
    rows.at_least(
        format!(
            "share of {sent} targets accepted, {} overtaken by newer ones",
            sum(|e| e.dropped)
        ),
        accepted as f64 / sent.max(1) as f64,
        0.99,
    );
    let rates: Vec<f64> = all.iter().flat_map(|e| e.rates.iter().copied()).collect();
    let means: Vec<f64> = all.iter().map(|e| mean(&e.rates)).collect();
    let below = rates.iter().filter(|r| **r < 0.99).count();
    rows.at_least(
        format!(
            "control_command_success_rate, lowest mean of an episode (of all {} states {:.5}; {below} of them below 0.99, lowest {:.2})",
            rates.len(),
            mean(&rates),
            lowest(&rates)
        ),
        // An episode without any states has no mean, and is not passed over.
        means.iter().copied().fold(1.0, |a, b| if b < a || b.is_nan() { b } else { a }),
        0.99,
    );
    rows.exactly(
        "commands changed by the guard for more than their shape",
        sum(|e| e.changed_by_guard),
        0,
    );
    let off = all.iter().map(|e| e.off_target).fold(0.0, f64::max);
    rows.at_most("farthest from the end of its motion, rad", off, 0.05);
    let off = all.iter().map(|e| e.off_width).fold(0.0, f64::max);
    rows.at_most("farthest from the gripper's opening, m", off, 0.002);
}

fn drive(
    arm: &mut FrankaNode,
    watch: &Watch,
    kinematics: &Kinematics,
    rng: &mut ChaCha8Rng,
    episode: &mut Episode,
) -> Result<(), Box<dyn Error>> {
    let _ = watch.take();
    arm.engage()?;
    let begun = Instant::now();
    let result = follow(arm, kinematics, rng, episode);
    // What was accepted last is told when the arm stops.
    let left = arm.disengage();
    std::thread::sleep(Duration::from_millis(30));
    let ours = arm.client_id();
    let seen = watch.take();
    // Before our session the counts are of another.
    let states: Vec<&(Instant, State)> = seen
        .iter()
        .skip_while(|(_, s)| s.phase != Phase::Active || s.client_id != ours)
        .collect();
    // A fault lasts for many states and is one.
    let mut faulty = false;
    for (came, state) in states {
        let now = is_reflex(state);
        episode.reflexes += u64::from(now && !faulty);
        faulty = now;
        (episode.accepted, episode.refused, episode.dropped) =
            (state.accepted, state.refused, state.dropped);
        if state.phase == Phase::Active && *came > begun + WINDOW {
            episode.rates.push(state.success_rate);
        }
    }
    result.and(left.map_err(Into::into))
}

/// One motion, a command every 10 ms.
fn follow(
    arm: &mut FrankaNode,
    kinematics: &Kinematics,
    rng: &mut ChaCha8Rng,
    episode: &mut Episode,
) -> Result<(), Box<dyn Error>> {
    let robot = arm.description().clone();
    let mut guard = Guard::new(&robot, GuardConfig::default())?;
    let first = arm.latest(false, FRESH)?.state;
    guard.restart(&first).map_err(|reason| reason.say(&robot))?;
    let motion = Motion::random(rng, &robot, kinematics, &first.positions)
        .ok_or("no motion inside the workspace was found")?;
    let width = robot
        .gripper
        .map_or(0.0, |g| rng.random_range(0.01..g.max_width_m - 0.01));
    let period = Duration::from_secs_f64(1.0 / robot.control_hz);
    let ticks = ((motion.seconds + HELD) * robot.control_hz) as u64;
    let start = Instant::now();
    for tick in 1..=ticks {
        let due = start + period * tick as u32;
        match due.checked_duration_since(Instant::now()) {
            Some(left) => std::thread::sleep(left),
            None => episode.late_ticks += 1,
        }
        let state = arm.latest(false, FRESH)?.state;
        let now_ns = start.elapsed().as_nanos() as u64;
        let proposed = JointCommand {
            sequence: tick,
            stamp_ns: now_ns,
            positions: motion.at(tick as f64 / robot.control_hz),
            gripper_width: width,
        };
        let admitted = guard.admit(&proposed, &state, now_ns);
        if !admitted.interventions.is_empty() && !admitted.interventions.only_rate_limits() {
            episode.changed_by_guard += 1;
        }
        arm.send(&admitted.command)?;
        episode.sent += 1;
    }
    let end = motion.at(motion.seconds);
    let at = arm.latest(false, FRESH)?.state;
    episode.off_width = (at.gripper_width - width).abs();
    episode.off_target = end
        .iter()
        .zip(&at.positions)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    Ok(())
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn lowest(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NAN, f64::min)
}
