//! What is taken and what is left out.

mod put_elsewhere;

use super::*;
use crate::LinkError;
use apprentice_core::Image;

#[test]
fn a_camera_that_repeats_its_picture_is_noticed() {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.truncate(1);
    let camera = &mut robot.cameras[0];
    (camera.width, camera.height, camera.frozen_after_s) = (2, 1, Some(0.03));
    let inbox = Inbox::new(&robot, "state", str::to_owned);
    for sequence in 1..=3 {
        let joints = RobotState {
            sequence,
            stamp_ns: sequence,
            positions: robot.home.clone(),
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        inbox.put_state(0, Ok(joints));
        std::thread::sleep(Duration::from_millis(110));
    }
    let second = Duration::from_secs(1);
    let within = Freshness {
        state: second,
        frame: second,
    };
    for (sequence, grey, good) in [
        (1, 7, true),
        (2, 8, true),
        (3, 8, true),
        (4, 8, false),
        (5, 9, true),
    ] {
        let image = Image::new(2, 1, vec![grey; 6]).unwrap();
        inbox.put_frame(
            0,
            6,
            Ok(CameraFrame {
                sequence,
                stamp_ns: sequence,
                image,
            }),
        );
        let seen = inbox.latest(true, within);
        assert_eq!(seen.is_ok(), good, "frame {sequence}: {seen:?}");
        if !good {
            assert!(matches!(seen, Err(LinkError::Frozen { .. })));
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// What becomes of states, at made-up times.
struct Bench {
    robot: RobotDescription,
    judge: PlausibilityCheck,
    sequence: u64,
}

impl Bench {
    fn new() -> Self {
        let robot = RobotDescription::embedded("ur5e").unwrap();
        Self {
            judge: PlausibilityCheck::new(&robot),
            sequence: 0,
            robot,
        }
    }

    fn state(&mut self, by: f64, stamp_ms: u64) -> RobotState {
        self.sequence += 1;
        RobotState {
            sequence: self.sequence,
            stamp_ns: stamp_ms * 1_000_000,
            positions: self.robot.home.iter().map(|q| q + by).collect(),
            velocities: vec![0.0; self.robot.home.len()],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        }
    }

    /// A state so far from home comes at a time, stamped with it.
    fn comes(&mut self, by: f64, at_ms: u64) -> Verdict {
        self.comes_stamped(by, at_ms, at_ms)
    }

    fn comes_stamped(&mut self, by: f64, at_ms: u64, stamp_ms: u64) -> Verdict {
        let state = self.state(by, stamp_ms);
        self.judge.judge(&state, at_ms * 1_000_000)
    }

    /// Home, believed at 1100 ms.
    fn believed() -> Self {
        let mut bench = Self::new();
        for at in (900..1100).step_by(10) {
            assert_eq!(bench.comes(0.0, at), Verdict::Pending, "{at}");
        }
        assert_eq!(bench.comes(0.0, 1100), Verdict::Accepted);
        bench
    }

    fn is_left_out(&mut self, by: f64, at_ms: u64) -> bool {
        matches!(self.comes(by, at_ms), Verdict::Rejected(_))
    }
}

#[test]
fn an_arm_is_believed_once_several_states_agree_and_never_while_they_contradict_each_other() {
    let mut bench = Bench::believed();
    assert!(bench.is_left_out(-2.4, 1110));
    // Two senders, one after the other, of which none is known to be true.
    for clocks_differ in [0, 500_000] {
        let mut bench = Bench::new();
        for at in (1000..4000).step_by(20) {
            let truth = bench.comes(0.0, at);
            let lie = bench.comes_stamped(-2.4, at + 10, at + 10 + clocks_differ);
            assert!(
                truth != Verdict::Accepted && lie != Verdict::Accepted,
                "{at}"
            );
        }
        // Once one of them falls silent the other is heard.
        let mut at = (4000..4600).step_by(20);
        assert!(at.any(|at| bench.comes(0.0, at) == Verdict::Accepted));
    }
}

#[test]
fn a_lie_is_left_out_however_often_it_is_told_while_the_arm_is_commanded() {
    let mut bench = Bench::believed();
    bench.judge.set_commanding(true);
    for at in (1110..3000).step_by(20) {
        // Moving as fast as it may.
        let by = 1.57e-3 * (at - 1110) as f64 * 0.5;
        assert_eq!(bench.comes(by, at), Verdict::Accepted, "{at}");
        assert!(bench.is_left_out(-2.4, at + 10));
    }
    // The true one falls silent: the other is not believed for that.
    for at in (3000..20_000).step_by(10) {
        assert!(bench.is_left_out(-2.4, at), "{at}");
    }
    // Nobody commands any more: it may be there after all.
    bench.judge.set_commanding(false);
    assert!(bench.is_left_out(-2.4, 20_000));
    assert!(!bench.judge.has_accepted());
    let mut at = (20_010..20_600).step_by(10);
    assert_eq!(
        at.find(|at| bench.comes(-2.4, *at) == Verdict::Accepted),
        Some(20_500)
    );
    bench.judge.set_commanding(true);
    bench.judge.restart();
    let mut at = (20_700..21_000).step_by(10);
    assert_eq!(
        at.find(|at| bench.comes(0.3, *at) == Verdict::Accepted),
        Some(20_900)
    );
}

#[test]
fn whoever_was_believed_is_doubted_when_another_speaks_before_the_arm_is_commanded() {
    // The true one was held up while the other began.
    let mut bench = Bench::new();
    let mut at = (1000..1400).step_by(10);
    assert!(at.any(|at| bench.comes(-2.0, at) == Verdict::Accepted));
    for at in (1400..3000).step_by(10) {
        let by = if at % 50 == 0 { 0.0 } else { -2.0 };
        assert_ne!(bench.comes(by, at), Verdict::Accepted, "{at}");
    }
}

#[test]
fn jitter_and_short_silences_are_no_lies() {
    // 0.9 of the arm's own speed, twice what is asked of it; five at once after 100 ms; then nothing for 150 ms.
    let mut bench = Bench::believed();
    bench.judge.set_commanding(true);
    let speed_per_ms = 2.0 * 1.57e-3 * 0.9;
    for burst in 0..20_u64 {
        let began = 1100 + burst * 250;
        for late in 1..=5 {
            let stamp = began + 20 * late;
            let by = 0.1 * (speed_per_ms * (stamp - 1100) as f64).sin();
            assert_eq!(
                bench.comes_stamped(by, began + 100, stamp),
                Verdict::Accepted
            );
        }
    }
    // Nor are stamps that do not count time.
    for stamp in [0, 1] {
        let mut bench = Bench::new();
        let verdicts = (0..300).map(|i| bench.comes_stamped(1.57e-3 * i as f64, 10 * i, stamp * i));
        assert_eq!(
            verdicts
                .filter(|v| matches!(v, Verdict::Rejected(_)))
                .count(),
            0
        );
    }
}

#[test]
fn a_clock_that_is_set_back_costs_one_state_and_numbers_do_not_leap() {
    let mut bench = Bench::believed();
    bench.judge.set_commanding(true);
    assert_eq!(
        bench.comes_stamped(0.0, 1110, 110),
        Verdict::Rejected(Problem::TimeBack { by_ns: 990_000_000 })
    );
    assert_eq!(bench.comes_stamped(0.0, 1120, 120), Verdict::Accepted);
    // A lie with a clock of its own takes no one's time away.
    assert!(matches!(
        bench.comes_stamped(-2.4, 1125, 900_000),
        Verdict::Rejected(Problem::Jump { joint: 0, .. })
    ));
    assert_eq!(bench.comes_stamped(0.0, 1130, 130), Verdict::Accepted);
    let sequence = std::mem::replace(&mut bench.sequence, u64::MAX - 1);
    assert!(matches!(
        bench.comes_stamped(0.0, 1140, 140),
        Verdict::Rejected(Problem::Number { to: u64::MAX, .. })
    ));
    bench.sequence = sequence + 500;
    assert_eq!(bench.comes_stamped(0.0, 1150, 150), Verdict::Accepted);
}

#[test]
fn what_no_such_arm_can_say_is_left_out_and_named() {
    let mut bench = Bench::believed();
    let mut good = bench.state(0.0, 1110);
    let joint = &bench.robot.joints[2];
    let (high, margin) = (
        joint.position[1],
        0.05 * (joint.position[1] - joint.position[0]),
    );
    for (change, says) in [
        (3, "it has 5 joints, the robot has 6"),
        (0, "not finite"),
        (1, "not finite"),
        (
            2,
            "joint elbow_joint is at 3.4658, allowed: -3.1416 to 3.1416, and 0.314 beyond",
        ),
    ] {
        let mut state = good.clone();
        match change {
            0 => state.positions[3] = f64::NAN,
            1 => state.velocities[0] = f64::INFINITY,
            2 => state.positions[2] = high + margin + 0.01,
            _ => drop(state.positions.pop()),
        }
        let Verdict::Rejected(problem) = bench.judge.judge(&state, 1_110_000_000) else {
            panic!("{change} was taken");
        };
        let mut rejected = rejected::Rejected::default();
        rejected.add(problem);
        let text = rejected.describe(bench.judge.joints()).unwrap();
        assert!(text.contains(says), "{text}");
    }
    // A bit outside it may be.
    good.positions[2] = high + margin / 2.0;
    let _ = bench.judge.judge(&good, 1_110_000_000);
    bench.judge.restart();
    let verdicts = (0..30).map(|i| {
        good.sequence += 1;
        bench.judge.judge(&good, 2_000_000_000 + i * 10_000_000)
    });
    assert!(verdicts.into_iter().any(|v| v == Verdict::Accepted));
}

#[test]
fn one_message_that_cannot_be_read_ends_nothing_and_many_say_how_many() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let inbox = Inbox::new(&robot, "arm/state", str::to_owned);
    let within = |ms| Freshness {
        state: Duration::from_millis(ms),
        frame: Duration::from_millis(ms),
    };
    let mut sequence = 0;
    let mut put = |by: f64| {
        sequence += 1;
        let state = RobotState {
            sequence,
            stamp_ns: sequence * 20_000_000,
            positions: robot.home.iter().map(|q| q + by).collect(),
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        let taken = inbox.put_state(0, Ok(state));
        std::thread::sleep(Duration::from_millis(20));
        taken
    };
    let error = inbox.latest(false, within(1)).unwrap_err();
    assert!(matches!(error, LinkError::Silent { .. }));
    assert_eq!(put(0.0), Acceptance::Pending);
    let error = inbox.latest(false, within(1)).unwrap_err().to_string();
    assert!(error.contains("1 joint states that agree"), "{error}");
    while put(0.0) != Acceptance::Accepted {}
    inbox.put_state(9, Err("it is cut off".into()));
    assert!(inbox.latest(false, within(200)).is_ok());
    assert_eq!(put(0.001), Acceptance::Accepted);
    inbox.set_commanding(true);
    for _ in 0..4 {
        assert_eq!(put(1.0), Acceptance::Rejected);
    }
    inbox.put_state(9, Err("it is cut off".into()));
    let error = inbox.latest(false, within(50)).unwrap_err();
    let text = error.to_string();
    assert!(error.is_silence());
    for says in [
        "robot franka_fr3",
        "arm/state",
        "allowed: 50 ms",
        "1 unreadable, 4 faster than the arm",
        "it is cut off (a message of 9 bytes)",
    ] {
        assert!(text.contains(says), "{text}");
    }
    put(1.0);
    let text = inbox.latest(false, within(50)).unwrap_err().to_string();
    assert!(
        text.contains("joint fr3_joint1 went 0.999 rad in")
            && text.contains("(at 3.90 rad/s")
            && text.contains("a second program publishes there"),
        "{text}"
    );
    assert_eq!(inbox.rejected().sum(), 7);
    // Where the arm was last believed it still is, for those who show it.
    assert_eq!(
        inbox.newest_state().unwrap().positions[0],
        robot.home[0] + 0.001
    );
}

#[test]
fn in_lockstep_the_time_that_was_asked_for_counts() {
    let robot = RobotDescription::embedded("ur5e").unwrap();
    let inbox = Inbox::new(&robot, "arm/state", str::to_owned).in_lockstep();
    inbox.set_commanding(true);
    let mut sequence = 0;
    let mut put = |by: f64| {
        sequence += 1;
        inbox.put_state(
            0,
            Ok(RobotState {
                sequence,
                stamp_ns: sequence,
                positions: robot.home.iter().map(|q| q + by).collect(),
                velocities: vec![0.0; robot.home.len()],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            }),
        )
    };
    assert_eq!(put(0.0), Acceptance::Accepted);
    assert_eq!(put(-2.0), Acceptance::Rejected);
    let began = Instant::now();
    let error = inbox.since(2, &[], Duration::from_secs(10)).unwrap_err();
    assert!(matches!(error, LinkError::Rejected { .. }));
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "nothing else was coming"
    );
    inbox.advance_requested(2_000_000_000);
    assert_eq!(put(-2.0), Acceptance::Accepted);
    inbox.restart();
    assert_eq!(put(1.0), Acceptance::Accepted);
}

/// Two programs count: the numbers of one are ahead of the other's, and it drifts no faster than the arm can.
#[test]
fn of_two_programs_that_count_neither_is_believed() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let inbox = Inbox::new(&robot, "state", str::to_owned);
    let put = |sequence: u64, by: f64| {
        let mut positions = robot.home.clone();
        positions[0] += by;
        let state = RobotState {
            sequence,
            stamp_ns: sequence * 10_000_000,
            positions,
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        inbox.put_state(0, Ok(state))
    };
    let pause = || std::thread::sleep(Duration::from_millis(10));
    let mut number = 0;
    let accepted = (0..100).any(|_| {
        number += 1;
        pause();
        put(number, 0.0) == Acceptance::Accepted
    });
    assert!(accepted);
    inbox.set_commanding(true);
    let (mut last_false, mut drift) = (0, 0.0);
    for round in 0..40 {
        number += 1;
        drift += 0.002;
        if put(number + 30, drift) == Acceptance::Accepted {
            last_false = round;
        }
        put(number, 0.0);
        pause();
    }
    assert!(
        last_false < 10,
        "the liar is believed in round {last_false}"
    );
    let second = Duration::from_millis(100);
    let within = Freshness {
        state: second,
        frame: second,
    };
    let error = inbox.latest(false, within).unwrap_err().to_string();
    assert!(error.contains("two programs publish here"), "{error}");
}

proptest::proptest! {
    /// Whatever comes, and whenever: what is believed one after the other never went faster than the arm can.
    #[test]
    fn no_states_make_an_arm_leap_that_is_commanded(
        states in proptest::collection::vec(
            (-4.0..4.0_f64, 0..400_u64, proptest::num::u64::ANY, proptest::num::u64::ANY, 0..12_u8),
            1..80,
        )
    ) {
        let mut bench = Bench::believed();
        bench.judge.set_commanding(true);
        let home = bench.robot.home[0];
        let (mut at_ms, mut last) = (1100, (home, 1100_u64));
        for (to, gap_ms, sequence, stamp_ns, style) in states {
            at_ms += gap_ms;
            let mut state = bench.state(to, at_ms);
            match style {
                0 => (state.sequence, state.stamp_ns) = (sequence, stamp_ns),
                1 => state.stamp_ns = stamp_ns,
                2 => state.positions[1] = f64::from_bits(sequence),
                3 => state.positions.truncate((sequence % 7) as usize),
                4..8 => state.positions = bench.robot.home.clone(),
                _ => {}
            }
            if bench.judge.judge(&state, at_ms * 1_000_000) == Verdict::Accepted {
                let seconds = (at_ms - last.1) as f64 * 1e-3;
                let allowed = 3.0 * 1.57 * (seconds.min(0.2) + 0.1);
                let step = (state.positions[0] - last.0).abs();
                assert!(step <= allowed + 1e-9, "{step} rad in {seconds} s");
                last = (state.positions[0], at_ms);
            }
        }
    }
}
