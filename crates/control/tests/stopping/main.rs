//! Gate, arbiter and runtime together, as a state machine that hostile participants walk through at random: after
//! a stop, or a deadman that was let go of, the arm is at rest within its braking time and stays there until an
//! explicit act by who may.
//!
//! The arm's side, the arbiter, the guard and the control loop are the product's; simulated are the joints' servos,
//! the network in between, and time. What holds is judged from what people and clients did alone.
#![allow(clippy::unwrap_used)]

mod cell;
mod watch;
mod world;

use apprentice_control::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, record_episodes,
};
use apprentice_core::Seed;
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput};
use apprentice_episode::{EpisodeMeta, Source};
use apprentice_link::TakeoverInbox;
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use cell::{Cell, CellArm};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use world::{Act, World, acts};

/// Walks, and control ticks of each.
const WALKS: u32 = 2500;
const TICKS: usize = 300;

/// Everything that was counted over all walks.
static STEPS: AtomicU64 = AtomicU64::new(0);
static STOPS: AtomicU64 = AtomicU64::new(0);
static LET_GO: AtomicU64 = AtomicU64::new(0);
static MOVED: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);

fn robot() -> RobotDescription {
    let mut robot = RobotDescription::embedded("so101").unwrap();
    robot.cameras.clear();
    robot
}

/// Sends one joint from side to side.
struct Ditherer {
    home: Vec<f32>,
    asked: usize,
}

impl Agent for Ditherer {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        self.asked += 1;
        let mut wanted = self.home.clone();
        wanted[self.asked / 6 % self.home.len()] += if self.asked % 6 < 3 { 0.4 } else { -0.4 };
        wanted.push(0.02);
        let actions = vec![wanted; 3];
        inputs
            .iter()
            .map(|input| {
                let space = ActionSpace::JointPositions;
                Ok(ActionChunk::new(space, input.stamp(), &actions)?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }
}

/// One run after the other, until the acts are over.
fn walk(acts: Vec<Vec<Act>>) {
    let description = robot();
    let folder = tempfile::tempdir().unwrap();
    let (inbox, devices) = TakeoverInbox::in_process();
    let world = World::new(Cell::new(&description), devices, acts);
    let world = Arc::new(Mutex::new(world));
    let arm = CellArm::new(&description, Arc::clone(&world));
    let mut robot = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    robot.listen_to(inbox);
    let mut robots = [robot];
    let mut agent = Ditherer {
        home: description.home.iter().map(|&q| q as f32).collect(),
        asked: 0,
    };
    let mut runs = 0;
    while !world.lock().unwrap().is_over() {
        runs += 1;
        let plan = EpisodePlan {
            path: folder.path().join(format!("{runs}.mcap")),
            meta: EpisodeMeta::new(
                "a walk",
                &description.name,
                Source::Expert,
                Vec::new(),
                "joint",
                description.action_dim(),
                description.policy_hz,
            ),
            seed: Seed(runs),
        };
        let thinking = ChunkingConfig::default();
        let ran = record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            30,
            thinking,
            &|_, _| (),
            |_| true,
        );
        ENDED.fetch_add(u64::from(ran.is_err()), Relaxed);
        world.lock().unwrap().pass(3);
    }
    let world = world.lock().unwrap();
    STEPS.fetch_add(world.steps, Relaxed);
    STOPS.fetch_add(world.watch.stops, Relaxed);
    LET_GO.fetch_add(world.watch.let_go, Relaxed);
    MOVED.fetch_add(world.watch.moved, Relaxed);
}

#[test]
fn after_a_stop_or_a_released_deadman_the_arm_rests_until_an_explicit_act() {
    let config = ProptestConfig {
        cases: WALKS,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        ..ProptestConfig::default()
    };
    proptest!(config, |(acts in acts(TICKS))| walk(acts));
    let [steps, stops, let_go, moved, ended] =
        [&STEPS, &STOPS, &LET_GO, &MOVED, &ENDED].map(|c| c.load(Relaxed));
    println!(
        "{steps} steps of people, clients and control in {WALKS} walks: {stops} stops and {let_go} released deadmen \
         watched to rest, {ended} runs ended by them; the arm moved in {moved} control ticks"
    );
    assert!(steps >= 1_000_000, "{steps}");
    assert!(stops > 5_000 && let_go > 2_000 && moved > 50_000 && ended > 1_000);
}
