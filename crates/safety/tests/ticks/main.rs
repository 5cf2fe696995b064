//! A tick of the guard and one of the gate allocate nothing, whatever they are given, and are short.
#![allow(clippy::unwrap_used)]

#[path = "../hostile/proposals.rs"]
#[allow(dead_code)]
mod proposals;
mod realtime;
#[path = "../hostile/robots.rs"]
mod robots;
mod tick_time;

use apprentice_core::{JointCommand, Seed};
use apprentice_robot::RobotDescription;
use apprentice_safety::{
    Caller, Gate, GateConfig, Guard, GuardConfig, Intervention, InterventionCounts, Proposal,
    Service,
};
use proposals::{Proposer, at, measurement};
use rand::Rng;
use realtime::allocations;

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
    let (mut inside, mut counts, mut states) = (0, InterventionCounts::default(), 0);
    let mut gate = Gate::new(robot, GateConfig::of(robot));
    let mut obeyed = 0;
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
        let (interventions, allocated) = allocations(|| {
            if holds {
                guard.hold_into(Intervention::Stale, &state, now_ns, &mut command)
            } else {
                guard.admit_into(proposal, &state, now_ns, &mut command)
            }
        });
        command.sequence = tick + 1;
        counts.count(interventions);
        inside += allocated;
        // The gate at the other end, with what left the guard or what did not; its owner enables it again.
        let client = 7 + u32::from(rng.random_bool(0.01));
        let sent = if tick % 7 == 0 { &proposed } else { &command };
        let arm = at(path.last().unwrap().clone());
        let gate_ns = (tick as f64 * 1e9 / robot.control_hz) as u64;
        if tick % 200 == 0 {
            let caller = Caller {
                client: 7,
                alive: true,
                stops: gate.stops(),
            };
            let _ = gate.serve(Service::Acquire, caller, &arm, gate_ns);
            let _ = gate.serve(Service::Enable, caller, &arm, gate_ns);
        }
        let (taken, allocated) = allocations(|| {
            gate.measured(gate_ns);
            gate.tick(gate_ns);
            gate.admit(client, sent, &arm.positions, gate_ns).is_ok()
        });
        obeyed += u64::from(taken);
        inside += allocated;
        path.push(command.positions.clone());
        if path.len() > 300 {
            path.drain(..200);
        }
    }
    let seen: Vec<&str> = counts.named().filter(|c| c.1 > 0).map(|c| c.0).collect();
    assert!(obeyed > ticks / 10, "the gate obeyed {obeyed} only");
    println!(
        "{}: {inside} allocations in {ticks} ticks of guard and gate, which obeyed {obeyed}; {}",
        robot.name,
        seen.join(", ")
    );
    inside
}

#[test]
fn a_tick_allocates_nothing() {
    if !realtime::is_sanitized() {
        let counted = allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))).1;
        assert_eq!(counted, 1, "the count must count");
    }
    for robot in [
        robots::shipped(),
        robots::at_1_khz(),
        robots::folder(),
        robots::slider(),
    ] {
        assert_eq!(in_ticks(&robot, 40_000), 0, "{}", robot.name);
        realtime::report(40_000);
    }
}

/// Why the shaping is not left to a planner of curves.
#[test]
fn rsruckig_allocates_when_it_refuses_a_state() {
    use rsruckig::prelude::*;
    if realtime::is_sanitized() {
        return;
    }
    let mut input = InputParameter::<1>::new(None);
    input.control_interface = ControlInterface::Velocity;
    input.max_acceleration[0] = 5.0;
    input.max_jerk[0] = 100.0;
    let mut otg = Ruckig::<1, IgnoreErrorHandler>::new(None, 0.001);
    let mut trajectory = Trajectory::new(None);
    let mut calculate = |speed: f64| {
        input.current_velocity[0] = speed;
        allocations(|| {
            let _ = std::hint::black_box(otg.calculate(&input, &mut trajectory));
        })
        .1
    };
    let _ = calculate(1.0);
    let (sound, refused) = (calculate(1.0), calculate(f64::NAN));
    println!("rsruckig: {sound} allocations for a sound state, {refused} for one it refuses");
    assert!(refused > 0);
}
