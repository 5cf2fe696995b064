//! A gate lets nothing through that it should not, whoever asks and whatever comes.

use super::*;
use apprentice_core::JointCommand;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MS: u64 = 1_000_000;

fn fr3() -> RobotDescription {
    RobotDescription::embedded("franka_fr3").unwrap()
}

fn command(sequence: u64, positions: &[f64]) -> JointCommand {
    JointCommand {
        sequence,
        stamp_ns: 0,
        positions: positions.to_vec(),
        gripper_width: 0.04,
    }
}

/// An arm at rest here.
fn at(positions: &[f64]) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: positions.to_vec(),
        velocities: vec![0.0; positions.len()],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    }
}

/// A client whose lease is there and who knows of so many stops.
fn by(client: u32, stops: u64) -> Caller {
    Caller {
        client,
        alive: true,
        stops,
    }
}

/// A gate that client 7 owns and has enabled at home.
fn active() -> (Gate, Vec<f64>) {
    let robot = fr3();
    let mut gate = Gate::new(&robot, GateConfig::of(&robot));
    gate.measured(0);
    gate.serve(Service::Acquire, by(7, 0), &at(&robot.home), 0)
        .unwrap();
    let phase = gate.serve(Service::Enable, by(7, 0), &at(&robot.home), 0);
    assert_eq!(phase, Ok(Phase::Active));
    (gate, robot.home)
}

#[test]
fn one_client_owns_the_arm_and_only_with_a_lease() {
    let robot = fr3();
    let mut gate = Gate::new(&robot, GateConfig::of(&robot));
    gate.measured(0);
    let arm = at(&robot.home);
    let mut ask = |service, client, alive| {
        let caller = Caller {
            alive,
            ..by(client, 1)
        };
        gate.serve(service, caller, &arm, 0)
    };
    assert_eq!(ask(Service::Acquire, 7, false), Err(Denial::NoLease));
    assert_eq!(ask(Service::Acquire, 0, true), Err(Denial::NoLease));
    assert_eq!(ask(Service::Enable, 7, true), Err(Denial::NotOwner));
    assert_eq!(ask(Service::Acquire, 7, true), Ok(Phase::Owned));
    assert_eq!(ask(Service::Acquire, 8, true), Err(Denial::Owned));
    assert_eq!(ask(Service::Enable, 8, true), Err(Denial::NotOwner));
    assert_eq!(ask(Service::Enable, 7, true), Ok(Phase::Active));
    // Anyone may stop it, nobody else may start it again.
    assert_eq!(ask(Service::Stop, 8, true), Ok(Phase::Stopped));
    assert_eq!(ask(Service::Enable, 8, true), Err(Denial::NotOwner));
    assert_eq!(ask(Service::Home, 7, true), Err(Denial::NotActive));
    assert_eq!(ask(Service::Enable, 7, true), Ok(Phase::Active));
    assert_eq!(ask(Service::Release, 7, true), Ok(Phase::Free));
    assert_eq!(ask(Service::Acquire, 8, true), Ok(Phase::Owned));
}

#[test]
fn each_bad_command_is_refused_for_its_reason_and_changes_nothing() {
    let (mut gate, home) = active();
    let with = |i: usize, q: f64| {
        let mut positions = home.clone();
        positions[i] = q;
        positions
    };
    gate.admit(7, &command(5, &home), &home, MS).unwrap();
    let cases = [
        (8, command(6, &home), Denial::NotOwner),
        (7, command(5, &home), Denial::Sequence),
        (7, command(0, &home), Denial::Sequence),
        (7, command(6, &home[..6]), Denial::Dimension),
        (7, command(6, &with(2, f64::NAN)), Denial::NotFinite),
        (7, command(6, &with(2, f64::INFINITY)), Denial::NotFinite),
        (7, command(6, &with(5, 0.2)), Denial::Bounds),
        (7, command(6, &with(0, 1.0)), Denial::Step),
    ];
    for (client, bad, reason) in cases {
        let before = gate.denials().of(reason);
        assert_eq!(gate.admit(client, &bad, &home, MS), Err(reason));
        assert_eq!(gate.denials().of(reason), before + 1);
    }
    // The arm is not where it should be: far behind, or somewhere that cannot be.
    assert_eq!(
        gate.admit(7, &command(6, &home), &with(0, 0.7), MS),
        Err(Denial::FollowingError)
    );
    assert_eq!(
        gate.admit(7, &command(6, &home), &with(0, f64::NAN), MS),
        Err(Denial::State)
    );
    assert_eq!(gate.accepted(), 1);
    gate.admit(7, &command(6, &with(0, 0.01)), &home, 2 * MS)
        .unwrap();
}

#[test]
fn silence_holds_then_stops_and_a_lost_lease_frees() {
    let (mut gate, home) = active();
    gate.admit(7, &command(1, &home), &home, 10 * MS).unwrap();
    assert_eq!(gate.tick(210 * MS), Phase::Active);
    assert_eq!(gate.tick(211 * MS), Phase::Holding);
    gate.admit(7, &command(2, &home), &home, 500 * MS).unwrap();
    assert_eq!(gate.tick(600 * MS), Phase::Active);
    assert_eq!(gate.tick(2_501 * MS), Phase::Stopped);
    let late = gate.admit(7, &command(3, &home), &home, 2_600 * MS);
    assert_eq!(late, Err(Denial::NotActive));
    gate.measured(2_700 * MS);
    gate.serve(Service::Enable, by(7, 0), &at(&home), 2_700 * MS)
        .unwrap();
    gate.lease_lost(8);
    assert_eq!(gate.phase(), Phase::Active);
    gate.lease_lost(7);
    assert_eq!((gate.phase(), gate.owner()), (Phase::Free, None));
}

#[test]
fn a_fault_outlives_its_owner() {
    let (mut gate, home) = active();
    gate.fault();
    assert_eq!(
        gate.serve(Service::Enable, by(7, 0), &at(&home), 0),
        Err(Denial::Faulted)
    );
    gate.lease_lost(7);
    assert_eq!(
        gate.serve(Service::Acquire, by(9, 0), &at(&home), 0),
        Ok(Phase::Faulted)
    );
    assert_eq!(
        gate.serve(Service::Recover, by(9, 0), &at(&home), 0),
        Ok(Phase::Stopped)
    );
    assert_eq!(
        gate.serve(Service::Enable, by(9, 0), &at(&home), 0),
        Ok(Phase::Active)
    );
}

#[test]
fn silence_is_judged_when_a_command_comes_and_so_is_the_age_of_the_arms_own_state() {
    let (mut gate, home) = active();
    gate.admit(7, &command(1, &home), &home, 10 * MS).unwrap();
    // Nobody ticked for ten seconds.
    gate.measured(10_010 * MS);
    let late = gate.admit(7, &command(2, &home), &home, 10_010 * MS);
    assert_eq!(
        (late, gate.phase()),
        (Err(Denial::NotActive), Phase::Stopped)
    );
    // Commands come, and the driver that should say where the arm is hangs.
    let (mut gate, home) = active();
    for i in 1..=15 {
        let taken = gate.admit(7, &command(i, &home), &home, i * 100 * MS);
        let expected = if i <= 10 { Ok(()) } else { Err(Denial::State) };
        assert_eq!(taken, expected, "at {i}00 ms");
    }
    let before_any = &mut Gate::new(&fr3(), GateConfig::of(&fr3()));
    before_any
        .serve(Service::Acquire, by(7, 0), &at(&home), 0)
        .unwrap();
    let enabled = before_any.serve(Service::Enable, by(7, 0), &at(&home), 0);
    assert_eq!(enabled, Err(Denial::State), "the arm has said nothing");
}

#[test]
fn an_arm_is_enabled_at_rest_only_and_enabling_it_again_changes_nothing() {
    let (mut gate, home) = active();
    // What may be made up for at once is used up by one jump.
    let burst = 0.1 * fr3().joints[0].velocity;
    let with = |q: f64| {
        let mut positions = home.clone();
        positions[0] += q;
        positions
    };
    gate.admit(7, &command(1, &with(burst)), &with(burst), MS)
        .unwrap();
    for service in [Service::Enable, Service::Stop, Service::Enable] {
        let known = by(7, gate.stops());
        gate.serve(service, known, &at(&with(burst)), MS).unwrap();
        let jump = command(2, &with(1.5 * burst));
        let taken = gate.admit(7, &jump, &with(burst), MS);
        assert!(taken.is_err(), "{service:?} gave {taken:?}");
    }
    gate.serve(Service::Stop, by(7, 0), &at(&home), MS).unwrap();
    let mut moving = at(&home);
    moving.velocities[3] = 0.5;
    let enabled = gate.serve(Service::Enable, by(7, 2), &moving, MS);
    assert_eq!(
        (enabled, gate.phase()),
        (Err(Denial::Moving), Phase::Stopped)
    );
}

#[test]
fn an_enable_that_was_sent_before_its_sender_knew_of_a_stop_does_not_lift_it() {
    let (mut gate, home) = active();
    let mut ask = |service, caller| gate.serve(service, caller, &at(&home), MS);
    assert_eq!(ask(Service::Stop, by(8, 0)), Ok(Phase::Stopped));
    assert_eq!(ask(Service::Enable, by(7, 0)), Err(Denial::Stopped));
    assert_eq!(ask(Service::Enable, by(7, 2)), Err(Denial::Stopped));
    assert_eq!(ask(Service::Enable, by(7, 1)), Ok(Phase::Active));
    // Nor does an acknowledgement of the stop before.
    let _ = ask(Service::Stop, by(8, 0));
    assert_eq!(ask(Service::Acknowledge, by(9, 1)), Err(Denial::Stopped));
    assert_eq!(ask(Service::Acknowledge, by(9, 2)), Ok(Phase::Stopped));
    assert_eq!((gate.stops(), gate.denials().of(Denial::Stopped)), (2, 3));
}

/// An arm that was set somewhere else starts there; what may be made up for at once comes back only with a clock that
/// begins anew.
#[test]
fn being_set_elsewhere_gives_no_speed_while_time_goes_on() {
    let burst = 0.1 * fr3().joints[0].velocity;
    for (moved_at, good) in [(50, false), (10, true)] {
        let (mut gate, home) = active();
        let mut there = home.clone();
        there[0] += burst;
        gate.measured(50 * MS);
        gate.admit(7, &command(1, &there), &there, 50 * MS).unwrap();
        gate.moved(&at(&home), moved_at * MS).unwrap();
        let again = gate.admit(7, &command(2, &there), &home, moved_at * MS);
        assert_eq!(again.is_ok(), good, "moved at {moved_at} ms: {again:?}");
    }
}

#[test]
fn chunks_that_cannot_begin_keep_no_arm_active() {
    let (mut gate, home) = active();
    let mut far = home.clone();
    far[0] += 1.0;
    for (client, first, reason) in [
        (7, command(1, &home[..6]), Denial::Dimension),
        (7, command(1, &far), Denial::Step),
        (8, command(1, &home), Denial::NotOwner),
        (7, command(u64::MAX, &home), Denial::Sequence),
    ] {
        let begun = gate.begin_chunk(client, &first, &home, 150 * MS);
        assert_eq!(begun, Err(reason));
    }
    assert_eq!(gate.tick(201 * MS), Phase::Holding);
}

/// A number near the end of all numbers would lock the arm's owner out, and one that was used is used up for good.
#[test]
fn numbers_neither_leap_nor_come_twice() {
    let (mut gate, home) = active();
    let leap = gate.admit(7, &command(u64::MAX, &home), &home, MS);
    assert_eq!(leap, Err(Denial::Sequence));
    gate.admit(7, &command(1, &home), &home, MS).unwrap();
    gate.serve(Service::Release, by(7, 0), &at(&home), MS)
        .unwrap();
    for service in [Service::Acquire, Service::Enable] {
        gate.serve(service, by(7, 0), &at(&home), MS).unwrap();
    }
    let replayed = gate.admit(7, &command(1, &home), &home, 2 * MS);
    assert_eq!(replayed, Err(Denial::Sequence));
    gate.admit(7, &command(2, &home), &home, 2 * MS).unwrap();
}

/// Whatever is sent, at whatever times: targets that were taken never move faster than the joints may.
#[test]
fn no_stream_of_commands_moves_a_target_faster_than_its_joint() {
    let robot = fr3();
    let burst = GateConfig::of(&robot).burst_ns as f64 * 1e-9;
    let mut taken = 0;
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut gate, mut target) = active();
        let mut measured = target.clone();
        let (mut now, mut sequence) = (0u64, 0u64);
        let mut path = vec![0.0; target.len()];
        for _ in 0..10_000 {
            now += rng.random_range(0..40) * MS / 2;
            sequence = sequence.saturating_add_signed(rng.random_range(-2..6));
            let size = 10f64.powf(rng.random_range(-4.0..1.0));
            let mut wild = command(sequence, &target);
            for q in &mut wild.positions {
                *q += size * rng.random_range(-1.0..1.0);
            }
            if rng.random_bool(0.05) {
                let bad = [f64::NAN, f64::MAX, -f64::MAX, f64::INFINITY];
                wild.positions[rng.random_range(0..7)] = bad[rng.random_range(0..4)];
            }
            let client = if rng.random_bool(0.1) { 8 } else { 7 };
            gate.measured(now);
            // Nothing that the owner may ask for gives it more speed.
            if rng.random_bool(0.1) {
                for service in [Service::Stop, Service::Enable, Service::Enable] {
                    let known = by(7, gate.stops());
                    let _ = gate.serve(service, known, &at(&measured), now);
                }
            }
            if gate.admit(client, &wild, &measured, now).is_ok() {
                taken += 1;
                assert_eq!(client, 7);
                for (p, (new, old)) in path.iter_mut().zip(wild.positions.iter().zip(&target)) {
                    *p += (new - old).abs();
                }
                target.clone_from(&wild.positions);
                measured.clone_from(&target);
            }
            if gate.tick(now) == Phase::Stopped {
                let known = by(7, gate.stops());
                gate.serve(Service::Enable, known, &at(&measured), now)
                    .unwrap();
            }
            for (moved, joint) in path.iter().zip(&robot.joints) {
                let most = joint.velocity * (now as f64 * 1e-9 + burst) + 1e-6;
                assert!(*moved <= most, "{moved} rad in {now} ns, allowed {most}");
            }
        }
    }
    println!("{taken} of 200000 wild commands were taken");
    assert!(taken > 1000, "too few were taken for the test to say much");
}
