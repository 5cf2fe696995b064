//! R23: an arm is asked to stop, in every phase.

mod commander;

use crate::intruder::{Intruder, StateMonitor};
use crate::measured::largest_difference;
use crate::stub_agent::{beside_home, fr3};
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, bail, ensure};
use apprentice_control::ControlLoop;
use apprentice_core::{JointCommand, RobotState};
use apprentice_link::wire::Status;
use apprentice_link::{Arm as _, RobotLink};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::Stop;
use apprentice_safety::{GuardConfig, Phase, Service};
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use commander::Commander;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long the arm is looked at after the stop, while others do what they can.
const LOOKED_AT: Duration = Duration::from_millis(1300);
const PHASES: [Phase; 7] = [
    Phase::Free,
    Phase::Owned,
    Phase::Active,
    Phase::Holding,
    Phase::Stopped,
    Phase::Homing,
    Phase::Faulted,
];

/// Once from each phase, 5 times in full, each at a simulated robot of its own.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let times = scale.pick(1, 5);
    let (mut held, mut moving) = (0, 0);
    let (mut drifted, mut to_rest, mut too_long) = (0.0f64, 0.0f64, 0.0f64);
    let (mut obeyed, mut lifted) = (0, 0);
    let (mut wrong, mut words) = (String::new(), String::new());
    for _ in 0..times {
        let ended: Vec<(Phase, Result<Stopped>)> = scope(|scope| {
            let threads = PHASES.map(|phase| (phase, scope.spawn(move || stop_from(phase))));
            let joined = threads.into_iter().map(|(phase, thread)| {
                let ended = thread.join().ok().context("a panic");
                (phase, ended.and_then(|e| e))
            });
            joined.collect()
        });
        for (phase, ended) in ended {
            match ended {
                Ok(stopped) => {
                    held += u64::from(stopped.obeyed == 0 && stopped.drifted < 1e-6);
                    obeyed += stopped.obeyed;
                    moving += u64::from(stopped.was_moving);
                    lifted += u64::from(stopped.moved_again > 0.005);
                    drifted = drifted.max(stopped.drifted);
                    to_rest = to_rest.max(stopped.to_rest);
                    too_long = too_long.max(stopped.to_rest - stopped.allowed);
                    words = stopped.words;
                }
                Err(error) => wrong += &format!("; from {}: {error:#}", phase.name()),
            }
        }
    }
    let all = times * PHASES.len() as u64;
    rows.exactly(
        format!("stops from all phases, {moving} of them of a moving arm, from which the stop held{wrong}"),
        held,
        all,
    );
    rows.at_least("of these, arms that were moving", moving as f64, 2.0, "");
    rows.exactly(
        "commands of any client obeyed after the stop and before somebody lifted it",
        obeyed,
        0,
    );
    rows.at_most(
        "largest movement after the braking time, while owner, strangers and the next episode do what they can",
        drifted,
        1e-6,
        "rad",
    );
    rows.report(
        "from the stop until the arm is at rest, longest",
        to_rest,
        "s",
    );
    rows.at_most(
        "longer than braking takes from the speed it had, with a period to hear of it and one to see it",
        too_long,
        0.0,
        "s",
    );
    rows.exactly(
        format!("after acknowledge, acquire and enable it moves again; until then an episode ends with: {words}"),
        lifted,
        all,
    );
    Ok(())
}

/// What came of a stop.
struct Stopped {
    was_moving: bool,
    obeyed: u64,
    drifted: f64,
    to_rest: f64,
    /// What that may take, s.
    allowed: f64,
    moved_again: f64,
    /// How an episode ends that begins after it.
    words: String,
}

fn stop_from(phase: Phase) -> Result<Stopped> {
    let robot = fr3()?;
    let mut config = SimConfig::default();
    if phase == Phase::Faulted {
        // An arm too sluggish to come home in time reports a fault.
        config.servo_frequency_rad_s = 1.0;
    }
    let node = SimNode::start(
        config,
        TaskKind::default(),
        &robot,
        ClockMode::RealTime,
        None,
    )?;
    let connect = || RobotLink::connect(node.endpoint(), &robot.name, PATIENCE);
    let watched = StateMonitor::of(&Intruder::at(node.endpoint(), &robot.name)?)?;
    let stranger = Intruder::at(node.endpoint(), &robot.name)?;
    let bystander = connect()?;
    let mut owner = connect()?;
    let commands = bring(&mut owner, &bystander, phase, &watched, node.endpoint())?;

    let before = watched.newest()?;
    let granted = bystander.serve(Service::Stop)?;
    let after = watched.newest()?;
    let stays = if phase == Phase::Faulted {
        Phase::Faulted
    } else {
        Phase::Stopped
    };
    ensure!(granted == stays, "the stop ended in {}", granted.name());
    let latched = until(&bystander, |s| s.stop != Stop::None)?;

    // Whoever can does what they can; nobody lifts the stop on purpose.
    commands.go_on();
    let begun = Instant::now();
    while begun.elapsed() < LOOKED_AT {
        let late = latched.stops.saturating_sub(1);
        for service in [Service::Enable, Service::Home, Service::Acquire] {
            // Refused or not, it is the arm that is looked at.
            let _ = stranger.ask(service, owner.client(), late)?;
        }
        sleep(Duration::from_millis(50));
    }
    if phase != Phase::Free {
        let command = JointCommand {
            sequence: 1_000,
            stamp_ns: 0,
            positions: after.positions.clone(),
            gripper_width: 0.04,
        };
        let lost = owner
            .send(&command)
            .err()
            .context("the owner was not told")?;
        ensure!(
            lost.to_string().contains("apprentice acknowledge"),
            "the owner is told: {lost}"
        );
        let next = owner.reset(2).err().context("a new scene was set up")?;
        let again = owner.engage().err().context("the arm was engaged")?;
        ensure!(
            again.to_string().contains("acknowledge") || phase == Phase::Faulted,
            "the owner is told: {next}; {again}"
        );
    }
    owner.disengage()?;
    let (mut control, words) = next_episode(connect()?, &stranger, phase)?;
    sleep(Duration::from_millis(300));
    let still = bystander.status().context("no status")?;
    ensure!(still.stop != Stop::None, "the stop is gone");
    let states = watched.all();

    bystander.serve(Service::Acknowledge)?;
    let start = control.reset(4)?.state.positions;
    let aside = beside_home(&robot, 0.08)?;
    let mut moved_again = 0.0;
    for _ in 0..8 {
        let seen = control.act(&aside, control.now_ns())?.observation;
        moved_again = largest_difference(&seen.state.positions, &start).max(moved_again);
    }
    control.release()?;
    let mut stopped = look(&robot, &states, before.stamp_ns, after.stamp_ns)?;
    stopped.obeyed = still.accepted - latched.accepted;
    (stopped.moved_again, stopped.words) = (moved_again, words);
    Ok(stopped)
}

/// Has the arm in a phase, the owner's commands ready to go on.
fn bring(
    owner: &mut RobotLink,
    bystander: &RobotLink,
    phase: Phase,
    watched: &StateMonitor,
    endpoint: &str,
) -> Result<Commander> {
    let (robot, client) = (owner.description().name.clone(), owner.client());
    let commander = |from: Vec<f64>| {
        let stranger = Intruder::at(endpoint, &robot)?;
        Commander::start(stranger, client, from, phase == Phase::Faulted)
    };
    if matches!(phase, Phase::Free | Phase::Owned) {
        let commands = commander(watched.newest()?.positions)?;
        commands.pause();
        if phase == Phase::Owned {
            owner.reset(1)?;
        }
        until(bystander, |s| s.phase == phase)?;
        return Ok(commands);
    }
    owner.reset(1)?;
    owner.engage()?;
    let commands = commander(watched.newest()?.positions)?;
    sleep(match phase {
        Phase::Faulted => Duration::from_secs(3),
        _ => Duration::from_millis(600),
    });
    match phase {
        Phase::Holding | Phase::Stopped => commands.pause(),
        Phase::Homing | Phase::Faulted => {
            commands.pause();
            owner.serve(Service::Home)?;
            if phase == Phase::Homing {
                sleep(Duration::from_millis(200));
            }
        }
        _ => {}
    }
    until(bystander, |s| s.phase == phase)?;
    Ok(commands)
}

/// Waits until the arm says that of itself.
fn until(link: &RobotLink, is: impl Fn(&Status) -> bool) -> Result<Status> {
    let begun = Instant::now();
    loop {
        match link.status() {
            Some(status) if is(&status) => return Ok(status),
            other if begun.elapsed() > PATIENCE => bail!("it stands otherwise: {other:?}"),
            _ => sleep(Duration::from_millis(1)),
        }
    }
}

/// A runtime's next episode must not begin, and must say what to do.
fn next_episode(
    link: RobotLink,
    stranger: &Intruder,
    phase: Phase,
) -> Result<(ControlLoop, String)> {
    let client = link.client();
    let mut control = ControlLoop::new(Box::new(link), GuardConfig::default())?;
    let mut ended = || -> Result<String> {
        let error = control.reset(3).err().context("an episode began")?;
        Ok(error.to_string())
    };
    let mut words = ended()?;
    if phase == Phase::Faulted {
        ensure!(words.contains("recover"), "the episode ended with: {words}");
        let recovered = stranger.ask(Service::Recover, client, 0)?;
        ensure!(
            recovered == Ok(Phase::Stopped),
            "recover ended in {recovered:?}"
        );
        words = ended()?;
    }
    ensure!(
        words.contains("apprentice acknowledge"),
        "the episode ended with: {words}"
    );
    Ok((control, words))
}

/// How the arm moved, in its own time: asked before `asked_ns` was over, and known to be stopped at `known_ns`.
fn look(
    robot: &RobotDescription,
    states: &[RobotState],
    asked_ns: u64,
    known_ns: u64,
) -> Result<Stopped> {
    let period = 1.0 / robot.control_hz;
    let braking = |state: &RobotState| {
        let joints = state.velocities.iter().zip(&robot.joints);
        joints
            .map(|(v, j)| v.abs() / j.acceleration)
            .fold(0.0, f64::max)
    };
    // It may have become faster until it heard of the stop.
    let heard_ns = known_ns + (period * 1e9) as u64;
    let around = states
        .iter()
        .filter(|s| (asked_ns..=heard_ns).contains(&s.stamp_ns));
    let braking_s = around.map(braking).fold(0.0, f64::max);
    let allowed = braking_s + (known_ns - asked_ns) as f64 * 1e-9 + 2.0 * period;
    let moves = |s: &&RobotState| braking(s) > 0.0;
    let last_moving = states.iter().rev().find(moves);
    let rest_ns = last_moving.map_or(asked_ns, |s| s.stamp_ns.max(asked_ns));
    let due_ns = asked_ns + (allowed * 1e9) as u64;
    let mut rested = states.iter().filter(|s| s.stamp_ns >= due_ns);
    let rest = rested.next().context("no state after the braking time")?;
    let drifted = rested.map(|s| largest_difference(&s.positions, &rest.positions));
    Ok(Stopped {
        was_moving: braking_s > 0.02,
        obeyed: 0,
        drifted: drifted.fold(0.0, f64::max),
        to_rest: (rest_ns - asked_ns) as f64 * 1e-9,
        allowed,
        moved_again: 0.0,
        words: String::new(),
    })
}
