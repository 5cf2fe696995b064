//! Somebody else who says where the arm is: it is not moved by that.

use crate::fake_robot::FakeRobot;
use crate::{beside_home, fr3};
use apprentice_control::{ControlError, ControlLoop};
use apprentice_core::RobotState;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::{LinkError, keys::Keys, wire};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::qos::Priority;

/// Publishes states of its own, a hundred a second, until it is dropped.
struct Liar {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the newest true state was numbered and stamped, which a liar may know.
type Newest = Arc<Mutex<(u64, u64)>>;

impl Liar {
    fn start(robot: &FakeRobot, positions: Vec<f64>) -> Self {
        Self::saying(robot, move |sequence, stamp_ns| {
            // As if it came between this and the next.
            let state = RobotState {
                sequence: sequence + 1,
                stamp_ns: stamp_ns + 4_000_000,
                velocities: vec![0.0; positions.len()],
                positions: positions.clone(),
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            };
            wire::encode_state(&state)
        })
    }

    /// Says bytes that may go by the number and stamp of the newest true state.
    fn saying(robot: &FakeRobot, bytes: impl Fn(u64, u64) -> Vec<u8> + Send + 'static) -> Self {
        let stranger = Participant {
            role: Role::Guest,
            connection: Connection::Join,
            robot: "",
            endpoint: robot.endpoint(),
        };
        let session = stranger
            .open(&Security::LoopbackOnly, Duration::from_secs(5))
            .unwrap();
        let key = Keys::new(&robot.description.name).state();
        let newest = Newest::default();
        let to = Arc::clone(&newest);
        let true_ones = session
            .declare_subscriber(key.clone())
            .callback(move |sample| {
                if let Ok(state) = wire::decode_state(&sample.payload().to_bytes()) {
                    *to.lock().unwrap() = (state.sequence, state.stamp_ns);
                }
            });
        let true_ones = true_ones.wait().unwrap();
        let publisher = session
            .declare_publisher(key)
            .priority(Priority::RealTime)
            .express(true);
        let publisher = publisher.wait().unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let (_session, _true_ones) = (session, true_ones);
            while !ended.load(Relaxed) {
                let (sequence, stamp_ns) = *newest.lock().unwrap();
                publisher.put(bytes(sequence, stamp_ns)).wait().unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self {
            end,
            thread: Some(thread),
        }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.end.store(true, Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// Zeros, and a place the arm could be.
fn lies(robot: &RobotDescription) -> [Vec<f64>; 2] {
    let mut elsewhere = robot.home.clone();
    elsewhere[1] += 1.0;
    [vec![0.0; robot.home.len()], elsewhere]
}

/// The largest step that one control period allows.
fn one_tick(robot: &RobotDescription) -> f64 {
    let speeds = robot.joints.iter().map(|j| j.velocity);
    speeds.fold(0.0, f64::max) / robot.control_hz
}

/// Acts so many times, from side to side; answers what ended it.
fn sway(control: &mut ControlLoop, times: usize) -> Result<(), ControlError> {
    for i in 0..times {
        let side = if i % 6 < 3 { 0.1 } else { -0.1 };
        let action = beside_home(control.description(), side);
        let seen = control.act(&action, control.now_ns())?.observation;
        let home = &control.description().home;
        let away = seen
            .state
            .positions
            .iter()
            .zip(home)
            .map(|(q, h)| (q - h).abs());
        assert!(
            away.fold(0.0, f64::max) < 0.6,
            "a lie was handed on: {seen:?}"
        );
    }
    Ok(())
}

#[test]
fn whoever_lies_from_the_beginning_moves_nothing() {
    for lie in lies(&fr3()) {
        let robot = FakeRobot::start(fr3(), false);
        let mut control = robot.connect(GuardConfig::default());
        let liar = Liar::start(&robot, lie);
        std::thread::sleep(Duration::from_millis(100));
        let outcome = control
            .reset(1)
            .map(|_| ())
            .and_then(|()| sway(&mut control, 10));
        let farthest = *robot.manners.farthest.lock().unwrap();
        println!("lied to from the beginning: {farthest:.4} rad from the arm at most, {outcome:?}");
        assert!(farthest <= one_tick(&robot.description), "{farthest}");
        if let Err(error) = outcome {
            let text = error.to_string();
            assert!(text.contains("in disagreement"), "{text}");
        }
        drop(liar);
        control.reset(2).unwrap();
        sway(&mut control, 3).unwrap();
    }
}

#[test]
fn whoever_lies_in_between_is_left_out_and_never_recorded() {
    for lie in lies(&fr3()) {
        let robot = FakeRobot::start(fr3(), false);
        let mut control = robot.connect(GuardConfig::default());
        control.reset(1).unwrap();
        sway(&mut control, 3).unwrap();
        let _liar = Liar::start(&robot, lie);
        sway(&mut control, 20).unwrap();
        let farthest = *robot.manners.farthest.lock().unwrap();
        println!("lied to in between: {farthest:.4} rad from the arm at most");
        assert!(farthest <= one_tick(&robot.description), "{farthest}");
    }
}

#[test]
fn when_only_the_liar_is_left_the_run_ends_where_the_arm_was_last_believed() {
    for (lie, says) in lies(&fr3())
        .into_iter()
        .zip(["outside the limits", "faster than the arm"])
    {
        let robot = FakeRobot::start(fr3(), false);
        let mut control = robot.connect(GuardConfig::default());
        control.reset(1).unwrap();
        sway(&mut control, 3).unwrap();
        let _liar = Liar::start(&robot, lie);
        sway(&mut control, 2).unwrap();
        robot.manners.silent.store(true, Relaxed);
        let began = Instant::now();
        let error = sway(&mut control, 100).unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(3));
        let text = error.to_string();
        assert!(
            matches!(error, ControlError::Link(LinkError::Rejected { .. }))
                && text.contains("franka_fr3/state")
                && text.contains(says),
            "{text}"
        );
        let farthest = *robot.manners.farthest.lock().unwrap();
        println!("only the liar left: {farthest:.4} rad from the arm at most; {text}");
        assert!(farthest <= one_tick(&robot.description), "{farthest}");
        let commands = robot.commands();
        let last: Vec<_> = commands
            .iter()
            .rev()
            .take(2)
            .map(|c| &c.1.positions)
            .collect();
        assert_eq!(last[0], last[1], "the arm was left moving");
    }
}

#[test]
fn what_cannot_be_read_among_states_ends_nothing_until_nothing_else_comes() {
    let robot = FakeRobot::start(fr3(), false);
    let mut control = robot.connect(GuardConfig::default());
    let _babbler = Liar::saying(&robot, |sequence, _| vec![7; sequence as usize % 300]);
    control.reset(1).unwrap();
    sway(&mut control, 10).unwrap();
    robot.manners.silent.store(true, Relaxed);
    let text = sway(&mut control, 100).unwrap_err().to_string();
    assert!(
        text.contains("nothing that can be used") && text.contains(" unreadable; the last: "),
        "{text}"
    );
}
