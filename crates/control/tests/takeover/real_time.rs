//! The same while time passes by itself and the agent thinks beside the control loop.

use crate::marks::{Mark, somewhere};
use crate::watched_arm::{Motion, Onlooker, WatchedArm};
use crate::{episode, small_fr3};
use apprentice_control::{Agent, ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_core::{ActionChunk, JointCommand, PolicyInput, RobotState, Seed};
use apprentice_episode::{DecidedBy, Episode, Tick};
use apprentice_link::{Arm as _, OperatorAccess, OperatorLink, RobotLink};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CHUNK: u32 = 12;
const TICKS: u64 = 90;

/// When each command was sent, and what it carried out.
struct Commands {
    motion: Motion,
    sent: Vec<(Instant, f64)>,
}

impl Onlooker for Commands {
    fn reset(&mut self, state: &RobotState) {
        self.motion.restart(state);
    }

    fn command(&mut self, command: &JointCommand) {
        self.motion.step(command);
        self.sent.push((Instant::now(), command.gripper_width));
    }
}

/// Thinks for 60 ms, and plans more than it is asked for.
struct Planner {
    robot: RobotDescription,
    rng: ChaCha8Rng,
    plans: Vec<(Instant, Vec<Vec<f32>>)>,
}

impl Agent for Planner {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let begun = Instant::now();
        std::thread::sleep(Duration::from_millis(60));
        let chunk = self.plans.len() as u32;
        let actions: Vec<Vec<f32>> = (0..CHUNK)
            .map(|i| somewhere(&self.robot, Mark::Policy(chunk, i), &mut self.rng))
            .collect();
        self.plans.push((begun, actions.clone()));
        let space = self.robot.action_space();
        Ok(vec![ActionChunk::new(space, inputs[0].stamp(), actions)?])
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        4
    }
}

/// A person who takes the arm again and again until told to stop. Answers when the arm was handed back, and
/// what was wanted.
fn person(
    mut device: OperatorLink,
    robot: &RobotDescription,
    stop: &AtomicBool,
) -> (Vec<Instant>, Vec<Vec<f32>>) {
    let mut rng = Seed(16).rng();
    let (mut handed_back, mut wishes) = (Vec::new(), Vec::new());
    let period = Duration::from_millis(20);
    let wait = |ms: u64| std::thread::sleep(Duration::from_millis(ms));
    wait(800);
    while !stop.load(Relaxed) {
        for _ in 0..rng.random_range(15..25) {
            let wish = somewhere(robot, Mark::Person(wishes.len() as u32), &mut rng);
            device.send(true, false, &wish).unwrap();
            wishes.push(wish);
            std::thread::sleep(period);
        }
        // Lets go, or is not heard of any more.
        if rng.random_bool(0.5) {
            device.send(false, false, &[]).unwrap();
            wait(rng.random_range(50..300));
        } else {
            wait(rng.random_range(250..350));
        }
        handed_back.push(Instant::now());
        // One message may be lost.
        for _ in 0..3 {
            device.send(false, true, &[]).unwrap();
            std::thread::sleep(period);
        }
        wait(rng.random_range(600..1000));
    }
    (handed_back, wishes)
}

/// How often a person took over, by the episode; what it kept of plans must be what was planned.
fn compare(ticks: &[Tick], plans: &[(Instant, Vec<Vec<f32>>)], wishes: &[Vec<f32>]) -> (u64, u64) {
    let (mut takeovers, mut kept) = (0, 0);
    let mut before = DecidedBy::Agent;
    for tick in ticks {
        let at = tick.index;
        if let Some(first) = tick.unexecuted.first() {
            assert_ne!(tick.decided_by, DecidedBy::Agent, "tick {at}");
            let Some(Mark::Policy(chunk, action)) = Mark::of(f64::from(first[9])) else {
                panic!("tick {at}: what was not executed was never planned");
            };
            let planned = &plans[chunk as usize].1[action as usize..];
            assert_eq!(tick.unexecuted, planned, "tick {at}");
            kept += 1;
        }
        if tick.decided_by == DecidedBy::Human {
            assert!(
                wishes.contains(&tick.action),
                "tick {at}: nobody wanted that"
            );
            takeovers += u64::from(before == DecidedBy::Agent);
        }
        before = tick.decided_by;
    }
    (takeovers, kept)
}

#[test]
fn takeovers_while_the_agent_thinks_in_real_time() {
    let folder = tempfile::tempdir().unwrap();
    let robot = small_fr3();
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &robot,
        ClockMode::RealTime,
        None,
    )
    .unwrap();
    let patience = Duration::from_secs(10);
    let link = RobotLink::connect(node.endpoint(), &robot.name, patience).unwrap();
    let inbox = link.takeover(OperatorAccess::Shared).unwrap();
    let device = OperatorLink::connect(node.endpoint(), &robot.name, patience).unwrap();
    let begun = Instant::now();
    // It takes a few states until one is believed.
    while inbox.devices() < 1 || !device.has_listener() || device.state().is_err() {
        assert!(begun.elapsed() < patience, "the device is not heard of");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(device.state().unwrap().positions.len(), 7);
    let commands = Arc::new(Mutex::new(Commands {
        motion: Motion::new(&robot),
        sent: Vec::new(),
    }));
    let arm = WatchedArm::new(link, Arc::clone(&commands));
    let guard = GuardConfig {
        // Other tests may keep the processor.
        stale_ms: 1000,
        ..GuardConfig::default()
    };
    let mut control = ControlLoop::new(Box::new(arm), guard).unwrap();
    control.listen_to(inbox.clone());
    let mut robots = [control];
    let plans = [episode(&robot, folder.path(), "live", 1)];
    let mut agent = Planner {
        robot: robot.clone(),
        rng: Seed(17).rng(),
        plans: Vec::new(),
    };
    let stop = AtomicBool::new(false);
    let (figures, (handed_back, wishes)) = std::thread::scope(|scope| {
        let hands = scope.spawn(|| person(device, &robot, &stop));
        let figures = record_episodes(
            &mut robots,
            &mut agent,
            &plans,
            TICKS,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        stop.store(true, Relaxed);
        (figures.unwrap(), hands.join().unwrap())
    });
    let recorded = Episode::open(&plans[0].path).unwrap();
    assert_eq!(
        (recorded.complete, recorded.ticks.len()),
        (true, TICKS as usize)
    );
    let (takeovers, kept) = compare(&recorded.ticks, &agent.plans, &wishes);
    let commands = commands.lock().unwrap();
    let mut old = 0;
    for (when, opening) in &commands.sent {
        let Some(Mark::Policy(chunk, _)) = Mark::of(*opening) else {
            continue;
        };
        let planned = agent.plans[chunk as usize].0;
        old += handed_back
            .iter()
            .filter(|back| planned < **back && *when > **back)
            .count();
    }
    println!(
        "R15 in real time: {takeovers} takeovers in {TICKS} ticks, {} commands, {old} of them carried out what was \
         planned before the arm was handed back (limit 0), {} violations (limit 0), {kept} plans kept that were not \
         carried out, {} decisions, control ticks late by {:.0} us (p99)",
        commands.sent.len(),
        commands.motion.violations.len(),
        figures.decisions,
        figures.lateness(0.99)
    );
    assert!(
        commands.motion.violations.is_empty(),
        "{:?}",
        commands.motion.violations[0]
    );
    assert_eq!(old, 0);
    assert!(
        takeovers >= 3 && kept >= 3,
        "{takeovers} takeovers, {kept} plans kept"
    );
    let by = |who| {
        recorded
            .ticks
            .iter()
            .filter(|t| t.decided_by == who)
            .count()
    };
    assert!(by(DecidedBy::Agent) > 15 && by(DecidedBy::Human) > 10 && by(DecidedBy::Nobody) > 3);
}
