//! A tick of the guard allocates nothing, whatever it is given, and is short.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "../hostile/proposals.rs"]
#[allow(dead_code)]
mod proposals;
#[path = "../hostile/robots.rs"]
mod robots;
mod tick_time;

use apprentice_core::{JointCommand, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Guard, GuardConfig, Proposal, Refusal, RefusalCounts};
use proposals::{Proposer, at, measurement};
use rand::Rng;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what the calling thread allocates.
struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count() {
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// Allocations in so many ticks.
fn in_ticks(robot: &RobotDescription, ticks: u64) -> u64 {
    let mut rng = Seed(3).derive(&robot.name, 0).rng();
    let mut guard = Guard::new(robot, GuardConfig::default()).unwrap();
    let mut proposer = Proposer::new(robot);
    let mut command = JointCommand {
        sequence: 0,
        stamp_ns: 0,
        positions: Vec::with_capacity(robot.joints.len()),
        gripper_width: 0.0,
    };
    guard.restart(&at(robot.home.clone())).unwrap();
    let mut path = vec![robot.home.clone()];
    let (mut inside, mut counts, mut states) = (0, RefusalCounts::default(), 0);
    for tick in 0..ticks {
        if rng.random_bool(0.01) {
            states = rng.random_range(0..10);
        }
        let now_ns = proposer.now_ns(&mut rng, 1_000_000);
        let state = measurement(states, &path, &mut rng);
        let proposed = proposer.next(robot, path.last().unwrap(), (tick, now_ns), &mut rng);
        let observed_ns = rng.random_bool(0.02).then(|| rng.random());
        let proposal = Proposal {
            observed_ns,
            ..Proposal::from(&proposed)
        };
        let holds = rng.random_bool(0.01);
        let before = allocations();
        let refusals = if holds {
            guard.hold_into(Refusal::Stale, &state, now_ns, &mut command)
        } else {
            guard.admit_into(proposal, &state, now_ns, &mut command)
        };
        counts.count(refusals);
        inside += allocations() - before;
        path.push(command.positions.clone());
        if path.len() > 300 {
            path.drain(..200);
        }
    }
    let seen: Vec<&str> = counts.named().filter(|c| c.1 > 0).map(|c| c.0).collect();
    println!(
        "{}: {inside} allocations in {ticks} ticks; {}",
        robot.name,
        seen.join(", ")
    );
    inside
}

#[test]
fn a_tick_allocates_nothing() {
    let before = allocations();
    drop(std::hint::black_box(vec![1_u8; 100]));
    assert_eq!(allocations() - before, 1, "the count must count");
    for robot in [
        robots::shipped(),
        robots::at_1_khz(),
        robots::folder(),
        robots::slider(),
    ] {
        assert_eq!(in_ticks(&robot, 40_000), 0, "{}", robot.name);
    }
}

/// Why the shaping is not left to a planner of curves.
#[test]
fn rsruckig_allocates_when_it_refuses_a_state() {
    use rsruckig::prelude::*;
    let mut input = InputParameter::<1>::new(None);
    input.control_interface = ControlInterface::Velocity;
    input.max_acceleration[0] = 5.0;
    input.max_jerk[0] = 100.0;
    let mut otg = Ruckig::<1, IgnoreErrorHandler>::new(None, 0.001);
    let mut trajectory = Trajectory::new(None);
    let mut calculate = |speed: f64| {
        input.current_velocity[0] = speed;
        let before = allocations();
        let _ = std::hint::black_box(otg.calculate(&input, &mut trajectory));
        allocations() - before
    };
    let _ = calculate(1.0);
    let (sound, refused) = (calculate(1.0), calculate(f64::NAN));
    println!("rsruckig: {sound} allocations for a sound state, {refused} for one it refuses");
    assert!(refused > 0);
}
