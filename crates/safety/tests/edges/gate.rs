//! The gate.

use crate::{MS, at, beside, command, fr3};
use apprentice_core::RobotState;
use apprentice_safety::{Caller, Denial, Gate, GateConfig, Phase, Service};

/// Client 7, who knows of so many stops.
fn by(stops: u64) -> Caller {
    Caller {
        client: 7,
        alive: true,
        stops,
    }
}

/// A gate that client 7 has acquired, and the home posture.
fn owned(config: impl Fn(&mut GateConfig)) -> (Gate, Vec<f64>) {
    let robot = fr3();
    let mut settings = GateConfig::of(&robot);
    config(&mut settings);
    let mut gate = Gate::new(&robot, settings);
    gate.measured(0);
    gate.serve(Service::Acquire, by(0), &at(&robot.home), 0)
        .unwrap();
    (gate, robot.home)
}

/// As [`owned`], and enabled at home.
fn active() -> (Gate, Vec<f64>) {
    let (mut gate, home) = owned(|_| ());
    gate.serve(Service::Enable, by(0), &at(&home), 0).unwrap();
    (gate, home)
}

/// What the gate makes of a command of client 7, beside an arm that is there already.
fn send(gate: &mut Gate, sequence: u64, positions: &[f64], now_ns: u64) -> Result<(), Denial> {
    gate.measured(now_ns);
    gate.admit(7, &command(sequence, positions), positions, now_ns)
}

#[test]
fn what_is_taken_and_what_is_not_is_counted() {
    let (mut gate, home) = active();
    assert_eq!((gate.accepted(), gate.denials().total()), (0, 0));
    gate.malformed();
    assert_eq!(gate.denials().of(Denial::Malformed), 1);
    send(&mut gate, 1, &home, MS).unwrap();
    assert_eq!((gate.accepted(), gate.denials().total()), (1, 1));
    assert_eq!(gate.reset(8), Err(Denial::NotOwner));
    assert_eq!(gate.denials().of(Denial::NotOwner), 1);
    assert_eq!(gate.stops(), 0);
    gate.serve(Service::Stop, by(0), &at(&home), MS).unwrap();
    assert_eq!(gate.stops(), 1);
}

#[test]
fn silence_is_judged_to_the_nanosecond_and_by_services_too() {
    let (mut gate, home) = active();
    assert_eq!(gate.tick(200 * MS), Phase::Active);
    assert_eq!(gate.tick(200 * MS + 1), Phase::Holding);
    assert_eq!(gate.tick(2_000 * MS), Phase::Holding);
    assert_eq!(gate.tick(2_000 * MS + 1), Phase::Stopped);
    // Nobody called `tick` meanwhile.
    let (mut gate, _) = active();
    let late = gate.serve(Service::Home, by(0), &at(&home), 2_001 * MS);
    assert_eq!(late, Err(Denial::NotActive));
}

#[test]
fn silence_begins_anew_where_the_arm_is_enabled_homed_or_moved() {
    let (mut gate, home) = active();
    assert_eq!(gate.tick(5_000 * MS), Phase::Stopped);
    gate.measured(5_000 * MS);
    gate.serve(Service::Enable, by(0), &at(&home), 5_000 * MS)
        .unwrap();
    assert_eq!(gate.tick(5_200 * MS), Phase::Active);
    gate.serve(Service::Home, by(0), &at(&home), 5_200 * MS)
        .unwrap();
    gate.homed(&at(&home), 9_000 * MS).unwrap();
    assert_eq!(gate.tick(9_200 * MS), Phase::Active);
    gate.moved(&at(&home), 20_000 * MS).unwrap();
    assert_eq!(gate.tick(20_200 * MS), Phase::Active);
}

#[test]
fn targets_go_on_from_where_the_arm_came_home_and_from_nowhere_else() {
    let (mut gate, home) = active();
    let away = beside(&home, 0.3);
    // It is not on its way home: where it says it has come to means nothing.
    gate.homed(&at(&away), MS).unwrap();
    send(&mut gate, 1, &beside(&home, 0.01), 2 * MS).unwrap();
    gate.serve(Service::Home, by(0), &at(&home), 3 * MS)
        .unwrap();
    assert_eq!(gate.homed(&at(&home[..6]), 4 * MS), Err(Denial::State));
    gate.homed(&at(&away), 500 * MS).unwrap();
    assert_eq!(send(&mut gate, 2, &home, 501 * MS), Err(Denial::Step));
    send(&mut gate, 3, &beside(&away, 0.01), 502 * MS).unwrap();
}

#[test]
fn an_arm_that_was_moved_is_known_there_with_all_its_allowance() {
    let (mut gate, home) = owned(|_| ());
    let away = beside(&home, 0.3);
    // Where it was moved to it has been measured.
    gate.moved(&at(&away), 5_000 * MS).unwrap();
    gate.serve(Service::Enable, by(0), &at(&away), 5_000 * MS)
        .unwrap();
    send(&mut gate, 1, &beside(&away, 0.12), 5_000 * MS).unwrap();
    let more = send(&mut gate, 2, &beside(&away, 0.24), 5_000 * MS);
    assert_eq!(more, Err(Denial::Step));
    // In a new scene the clock may begin anew; time counts from there on.
    gate.moved(&at(&home), 0).unwrap();
    send(&mut gate, 3, &beside(&home, 0.12), 0).unwrap();
    let more = send(&mut gate, 4, &beside(&home, 0.24), 0);
    assert_eq!(more, Err(Denial::Step));
    send(&mut gate, 5, &beside(&home, 0.24), 100 * MS).unwrap();
}

#[test]
fn only_time_gives_allowance_and_never_more_than_a_burst() {
    let robot = fr3();
    let burst = 0.1 * robot.joints[0].velocity;
    let (mut gate, home) = active();
    // However long nothing came, and at any later time as at first.
    let wait = |gate: &mut Gate, at_ms: u64| {
        gate.measured(at_ms * MS);
        gate.tick(at_ms * MS);
        let caller = by(gate.stops());
        gate.serve(Service::Enable, caller, &at(&home), at_ms * MS)
            .unwrap();
    };
    for (start, sequence) in [(0, 1), (3_000, 10), (60_000, 20)] {
        wait(&mut gate, start);
        let now_ns = start * MS;
        let far = send(&mut gate, sequence, &beside(&home, burst + 1e-6), now_ns);
        assert_eq!(far, Err(Denial::Step), "{start}");
        send(&mut gate, sequence + 1, &beside(&home, burst), now_ns).unwrap();
        // A hundredth of a second is good for a tenth of the burst.
        let soon_ns = now_ns + 10 * MS;
        let far = send(
            &mut gate,
            sequence + 2,
            &beside(&home, burst * 0.89),
            soon_ns,
        );
        assert_eq!(far, Err(Denial::Step), "{start}");
        send(
            &mut gate,
            sequence + 3,
            &beside(&home, burst * 0.91),
            soon_ns,
        )
        .unwrap();
    }
    // A stop and an enable give none; the time between them does.
    gate.serve(Service::Stop, by(0), &at(&home), 60_010 * MS)
        .unwrap();
    wait(&mut gate, 60_020);
    let far = send(&mut gate, 30, &beside(&home, burst * 0.5), 60_020 * MS);
    assert_eq!(far, Err(Denial::Step));
    gate.serve(Service::Stop, by(1), &at(&home), 60_030 * MS)
        .unwrap();
    wait(&mut gate, 60_120);
    send(&mut gate, 31, &beside(&home, burst * 0.9), 60_120 * MS).unwrap();
}

#[test]
fn commands_are_counted_to_the_last_that_may_come() {
    // 125 a second, and so twelve and a half in a tenth of one.
    let (mut gate, home) = active();
    for sequence in 1..=12 {
        send(&mut gate, sequence, &home, 0).unwrap();
    }
    assert_eq!(send(&mut gate, 13, &home, 0), Err(Denial::Rate));
    send(&mut gate, 14, &home, 8 * MS).unwrap();
    assert_eq!(send(&mut gate, 15, &home, 8 * MS), Err(Denial::Rate));
    // Where there is room for exactly one, it is taken.
    let (mut gate, home) = owned(|c| c.rate_hz = 10.0);
    gate.serve(Service::Enable, by(0), &at(&home), 0).unwrap();
    send(&mut gate, 1, &home, 0).unwrap();
    assert_eq!(send(&mut gate, 2, &home, 0), Err(Denial::Rate));
    // And where a burst is worth less than one command, one at a time.
    let (mut gate, home) = owned(|c| c.rate_hz = 5.0);
    gate.serve(Service::Enable, by(0), &at(&home), 0).unwrap();
    send(&mut gate, 1, &home, 0).unwrap();
    assert_eq!(send(&mut gate, 2, &home, 0), Err(Denial::Rate));
}

#[test]
fn an_arm_is_enabled_only_at_rest_and_where_it_can_be() {
    let robot = fr3();
    let rest = 0.05 * robot.joints[0].velocity;
    let enable = |change: &dyn Fn(&mut RobotState)| {
        let (mut gate, home) = owned(|_| ());
        let mut arm = at(&home);
        change(&mut arm);
        gate.serve(Service::Enable, by(0), &arm, 0)
    };
    assert_eq!(enable(&|a| a.velocities[0] = rest), Ok(Phase::Active));
    assert_eq!(enable(&|a| a.velocities[0] = -rest), Ok(Phase::Active));
    for speed in [rest * 1.001, -rest * 1.001, 2.0] {
        let moving = enable(&|a| a.velocities[0] = speed);
        assert_eq!(moving, Err(Denial::Moving), "{speed}");
    }
    for bad in [
        enable(&|a| a.velocities[3] = f64::NAN),
        enable(&|a| a.velocities.truncate(6)),
        enable(&|a| a.velocities.clear()),
        enable(&|a| a.velocities.push(0.0)),
        enable(&|a| a.positions[3] = f64::NAN),
        enable(&|a| a.positions.truncate(6)),
        enable(&|a| a.positions.clear()),
        enable(&|a| a.positions.push(0.0)),
    ] {
        assert_eq!(bad, Err(Denial::State));
    }
}

#[test]
fn each_limit_of_a_command_holds_on_both_sides() {
    let robot = fr3();
    let admit = |change: &dyn Fn(&mut apprentice_core::JointCommand), measured: &[f64]| {
        let (mut gate, home) = active();
        let mut sent = command(1, &home);
        change(&mut sent);
        gate.admit(7, &sent, measured, 0)
    };
    let home = &robot.home;
    // Openings.
    let widest = robot.gripper.unwrap().max_width_m;
    for (width, taken) in [
        (0.0, Ok(())),
        (widest, Ok(())),
        (-1e-6, Err(Denial::Bounds)),
        (widest + 1e-6, Err(Denial::Bounds)),
        (f64::NAN, Err(Denial::NotFinite)),
    ] {
        assert_eq!(admit(&|c| c.gripper_width = width, home), taken, "{width}");
    }
    // Following errors, with the arm on either side.
    for (away, taken) in [
        (0.599, Ok(())),
        (-0.599, Ok(())),
        (0.601, Err(Denial::FollowingError)),
        (-0.601, Err(Denial::FollowingError)),
    ] {
        assert_eq!(admit(&|_| (), &beside(home, away)), taken, "{away}");
    }
    for bad in [&home[..6], &[], &[f64::NAN; 7], &[0.0; 8]] {
        assert_eq!(admit(&|_| (), bad), Err(Denial::State));
    }
    // Positions, from near each limit.
    let joint = &robot.joints[0];
    for (limit, side) in [(joint.position[0], -1.0), (joint.position[1], 1.0)] {
        let (mut gate, home) = owned(|_| ());
        let near = beside(&home, limit - side * 0.01 - home[0]);
        gate.serve(Service::Enable, by(0), &at(&near), 0).unwrap();
        let beyond = beside(&near, side * (0.01 + 1e-6));
        assert_eq!(send(&mut gate, 1, &beyond, 0), Err(Denial::Bounds));
        send(&mut gate, 2, &beside(&near, side * 0.01), 0).unwrap();
        // From beyond it may only come back.
        let (mut gate, _) = owned(|_| ());
        gate.serve(Service::Enable, by(0), &at(&beyond), 0).unwrap();
        let further = beside(&beyond, side * 1e-6);
        assert_eq!(send(&mut gate, 1, &further, 0), Err(Denial::Bounds));
        send(&mut gate, 2, &near, 0).unwrap();
    }
}

#[test]
fn commands_of_a_chunk_are_judged_like_any_other_and_bridge_one_silence() {
    let (mut gate, home) = active();
    gate.begin_chunk(7, &command(1, &home), &home, 0).unwrap();
    gate.measured(150 * MS);
    let due = command(1, &beside(&home, 0.01));
    gate.admit_due(&due, &home, 150 * MS).unwrap();
    assert_eq!(gate.accepted(), 1);
    let far = command(1, &beside(&home, 0.5));
    assert_eq!(gate.admit_due(&far, &home, 160 * MS), Err(Denial::Step));
    // What is due is no word of the owner's: silence goes on.
    assert_eq!(
        gate.admit_due(&due, &home, 201 * MS),
        Err(Denial::NotActive)
    );
    assert_eq!(gate.phase(), Phase::Holding);
    gate.begin_chunk(7, &command(2, &home), &home, 202 * MS)
        .unwrap();
    assert_eq!(gate.phase(), Phase::Active);
    // The first is judged before it begins, and its number is taken.
    let again = gate.begin_chunk(7, &command(2, &home), &home, 203 * MS);
    assert_eq!(again, Err(Denial::Sequence));
    let far = gate.begin_chunk(7, &command(3, &beside(&home, 0.5)), &home, 203 * MS);
    assert_eq!(far, Err(Denial::Step));
    let stranger = gate.begin_chunk(8, &command(3, &home), &home, 203 * MS);
    assert_eq!(stranger, Err(Denial::NotOwner));
    assert_eq!(gate.denials().of(Denial::Step), 2);
    assert_eq!(gate.denials().of(Denial::NotOwner), 1);
    assert_eq!(gate.denials().of(Denial::NotActive), 1);
}

#[test]
fn without_a_fresh_measurement_nothing_is_taken() {
    let (mut gate, home) = active();
    let mut sequence = 0;
    let mut keep_alive = |gate: &mut Gate, now_ns| {
        sequence += 1;
        gate.admit(7, &command(sequence, &home), &home, now_ns)
    };
    // Measured at 0 for the last time.
    for now_ms in (100..=1_000).step_by(100) {
        keep_alive(&mut gate, now_ms * MS).unwrap();
    }
    assert_eq!(keep_alive(&mut gate, 1_000 * MS + 1), Err(Denial::State));
    let due = gate.admit_due(&command(0, &home), &home, 1_000 * MS + 1);
    assert_eq!(due, Err(Denial::State));
    gate.admit_due(&command(0, &home), &home, 1_000 * MS)
        .unwrap();
    gate.serve(Service::Stop, by(0), &at(&home), 1_001 * MS)
        .unwrap();
    let enabled = gate.serve(Service::Enable, by(1), &at(&home), 1_002 * MS);
    assert_eq!(enabled, Err(Denial::State));
    gate.measured(1_002 * MS);
    gate.serve(Service::Enable, by(1), &at(&home), 1_002 * MS)
        .unwrap();
}

#[test]
fn commands_of_a_long_chunk_are_credited_as_time_passes() {
    let (mut gate, home) = active();
    gate.begin_chunk(7, &command(1, &home), &home, 0).unwrap();
    let (one, two) = (beside(&home, 0.12), beside(&home, 0.24));
    gate.admit_due(&command(1, &one), &one, 0).unwrap();
    let more = gate.admit_due(&command(1, &two), &two, 0);
    assert_eq!(more, Err(Denial::Step));
    gate.admit_due(&command(1, &two), &two, 100 * MS).unwrap();
}

#[test]
fn an_arm_of_few_commands_a_second_is_given_five_periods() {
    let mut robot = fr3();
    robot.control_hz = 2.0;
    let config = GateConfig::of(&robot);
    assert_eq!(config.burst_ns, 2_500 * MS);
    assert_eq!(config.measured_within_ns, 2_500 * MS);
}

#[test]
fn numbers_are_remembered_however_often_others_take_turns() {
    let (mut gate, home) = owned(|_| ());
    let arm = at(&home);
    let mut now_ns = 0;
    let mut turn = |client: u32, number: u64| {
        // Whoever takes turns is a tenth of a second later.
        now_ns += 100 * MS;
        gate.measured(now_ns);
        let caller = Caller {
            client,
            ..by(gate.stops())
        };
        for service in [Service::Release, Service::Acquire, Service::Enable] {
            let _ = gate.serve(service, caller, &arm, now_ns);
        }
        let sent = gate.admit(client, &command(number, &home), &home, now_ns);
        gate.serve(Service::Release, caller, &arm, now_ns).unwrap();
        sent
    };
    turn(7, 5).unwrap();
    for number in 1..=80 {
        let client = 8 + u32::from(number % 2 == 0);
        turn(client, number).unwrap();
    }
    assert_eq!(turn(7, 5), Err(Denial::Sequence));
}

#[test]
fn what_comes_over_the_link_is_read_as_it_was_written() {
    for phase in Phase::ALL {
        assert_eq!(Phase::from_number(phase as u8), Some(phase));
    }
    assert_eq!(Phase::from_number(200), None);
    use apprentice_safety::gate::Stop;
    for stop in [Stop::None, Stop::Owner, Stop::Person] {
        assert_eq!(Stop::from_number(stop as u8), Some(stop));
    }
    assert_eq!(Stop::from_number(3), None);
    let counts = apprentice_safety::DenialCounts::from_counts(&[4, 0, 2]);
    assert_eq!((counts.total(), counts.of(Denial::ALL[2])), (6, 2));
}
