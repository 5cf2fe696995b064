//! A person holds a key that the terminal repeats every 200 ms, and the arm holds by itself when it has heard nothing
//! for 150 ms. The gate that judges commands and silence is the product's; the joints behind it are where they are
//! told to be.

use crate::{episode, small_fr3};
use apprentice_control::operator::{
    DeviceError, InputSource, Jog, JogConfig, KeyboardState, OperatorInput, PersonAgent,
};
use apprentice_control::{ChunkingConfig, ControlLoop, record_episodes};
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_episode::Episode;
use apprentice_link::wire::{self, Request};
use apprentice_link::{Arm, CommandEndpoint, Freshness, LinkError};
use apprentice_robot::RobotDescription;
use apprentice_safety::{GateConfig, GuardConfig, Phase, Service};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CLIENT: u32 = 7;
const SILENCE: Duration = Duration::from_millis(150);
/// Before a terminal repeats a key for the first time, and from then on, ms.
const FIRST_REPEAT: u64 = 500;
const REPEAT: u64 = 200;
/// After a policy tick, ms.
const BESIDE: u64 = 30;
/// When the person ends the episode, ms, and the ticks that it has by then.
const END: u64 = 2800;
const TICKS: u64 = END / 100;
/// Ticks after which it would end by itself.
const MOST_TICKS: u64 = 100;

/// When the key that is held is heard of for the time of this number, counted from 0: between two policy ticks.
fn heard(number: u64) -> Duration {
    let first = if number == 0 {
        0
    } else {
        FIRST_REPEAT - REPEAT
    };
    Duration::from_millis(BESIDE + first + number * REPEAT)
}

/// The arm as its driver's thread and its commander share it.
struct Cell {
    endpoint: CommandEndpoint,
    state: RobotState,
    phase: Phase,
    /// Times it held because it had heard nothing.
    holds: u32,
}

struct GatedArm {
    robot: RobotDescription,
    cell: Arc<Mutex<Cell>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl GatedArm {
    fn new(robot: &RobotDescription) -> (Self, Arc<Mutex<Cell>>) {
        let gate = GateConfig {
            hold_after_ns: SILENCE.as_nanos() as u64,
            ..GateConfig::of(robot)
        };
        let mut endpoint = CommandEndpoint::new(robot, gate, false).unwrap();
        let state = RobotState {
            sequence: 1,
            stamp_ns: 1,
            positions: robot.home.clone(),
            velocities: vec![0.0; robot.home.len()],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        };
        endpoint.measure(&state);
        let cell = Arc::new(Mutex::new(Cell {
            endpoint,
            state,
            phase: Phase::Holding,
            holds: 0,
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (drives, until) = (Arc::clone(&cell), Arc::clone(&stop));
        let begun = Instant::now();
        let thread = std::thread::spawn(move || {
            while !until.load(Relaxed) {
                let mut cell = drives.lock().unwrap();
                let due = cell.endpoint.due();
                let was = std::mem::replace(&mut cell.phase, due.phase);
                cell.holds += u32::from(was == Phase::Active && due.phase == Phase::Holding);
                if let (Phase::Active, Some(command)) = (due.phase, due.command) {
                    cell.state.positions = command.positions;
                    cell.state.gripper_width = command.gripper_width;
                }
                cell.state.sequence += 1;
                cell.state.stamp_ns = begun.elapsed().as_nanos() as u64 + 1;
                let state = cell.state.clone();
                cell.endpoint.measure(&state);
                drop(cell);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let arm = Self {
            robot: robot.clone(),
            cell: Arc::clone(&cell),
            stop,
            thread: Some(thread),
        };
        (arm, cell)
    }

    fn seen(&self) -> Observation {
        let state = self.cell.lock().unwrap().state.clone();
        let frames = Vec::new();
        Observation { state, frames }
    }

    fn serve(&self, service: Service) {
        let endpoint = &mut self.cell.lock().unwrap().endpoint;
        endpoint.lease(CLIENT, true);
        let stops = endpoint.status().stops;
        let request = Request {
            client: CLIENT,
            stops,
        };
        endpoint.serve(service, request).unwrap();
    }
}

impl Drop for GatedArm {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Arm for GatedArm {
    fn description(&self) -> &RobotDescription {
        &self.robot
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        self.serve(Service::Acquire);
        self.serve(Service::Enable);
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.serve(Service::Release);
        Ok(())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let bytes = wire::encode_command(CLIENT, command);
        self.cell
            .lock()
            .unwrap()
            .endpoint
            .command(Some(CLIENT), &bytes);
        Ok(())
    }

    fn latest(&self, _: bool, _: Freshness) -> Result<Observation, LinkError> {
        Ok(self.seen())
    }

    fn sets_up_scenes(&self) -> bool {
        true
    }

    fn reset(&mut self, _: u64) -> Result<Observation, LinkError> {
        Ok(self.seen())
    }
}

/// The key, as one who looks at the keyboard is told of it.
struct HeldKey {
    begun: Option<Instant>,
    presses: u64,
    /// The product's memory of keys; `None` remembers a key for as long as the arm bears silence.
    keys: Option<KeyboardState>,
}

impl InputSource for HeldKey {
    fn input(&mut self) -> Result<OperatorInput, DeviceError> {
        let since = self.begun.get_or_insert_with(Instant::now).elapsed();
        let now_ns = since.as_nanos() as u64;
        while heard(self.presses) <= since {
            self.presses += 1;
            if let Some(keys) = &mut self.keys {
                keys.press('w', now_ns);
            }
        }
        if since >= Duration::from_millis(END) {
            return Ok(OperatorInput {
                hand_back: true,
                ..OperatorInput::default()
            });
        }
        if let Some(keys) = &mut self.keys {
            return Ok(keys.input(now_ns));
        }
        let newest = self.presses.checked_sub(1).map(heard);
        let held = newest.is_some_and(|at| since - at <= SILENCE);
        Ok(OperatorInput {
            deadman: held,
            shift: [f64::from(u8::from(held)), 0.0, 0.0],
            ..OperatorInput::default()
        })
    }
}

/// Times the arm held, and ticks without motion while the key was held.
fn recorded(bridged: bool) -> (u32, usize) {
    let mut robot = small_fr3();
    robot.cameras.clear();
    let folder = tempfile::tempdir().unwrap();
    let plan = episode(&robot, folder.path(), "held", 1);
    let (arm, cell) = GatedArm::new(&robot);
    let source = HeldKey {
        begun: None,
        presses: 0,
        keys: bridged.then(|| KeyboardState::new(false)),
    };
    let config = JogConfig {
        // Slow enough to have room for all of it.
        speed_m_s: 0.05,
        ..JogConfig::default()
    };
    let mut agent = PersonAgent::new(&robot, config, source, false).unwrap();
    let guard = GuardConfig {
        // Other tests may keep the processor.
        stale_ms: 1000,
        ..GuardConfig::default()
    };
    let mut robots = [ControlLoop::new(Box::new(arm), guard).unwrap()];
    let path = plan.path.clone();
    let mut holds = 0;
    record_episodes(
        &mut robots,
        &mut agent,
        &[plan],
        MOST_TICKS,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| {
            holds = cell.lock().unwrap().holds;
            true
        },
    )
    .unwrap();
    let ticks = Episode::open(&path).unwrap().ticks;
    let count = ticks.len() as u64;
    assert!((TICKS - 2..=TICKS + 10).contains(&count), "{count} ticks");
    let steps = ticks.windows(2).map(|w| w[1].action[0] - w[0].action[0]);
    // Before its first repeat nobody can tell a key that is held from one that was tapped.
    let after = (FIRST_REPEAT / 100 + 2) as usize;
    let held = steps.take(TICKS as usize - 3).skip(after);
    (holds, held.filter(|s| *s < 1e-4).count())
}

/// Times the arm holds where commands go to it as keys come, and nothing in between.
fn holds_without_a_loop() -> u32 {
    let mut robot = small_fr3();
    robot.cameras.clear();
    let (mut arm, cell) = GatedArm::new(&robot);
    arm.engage().unwrap();
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    let begun = Instant::now();
    for number in 0..8 {
        std::thread::sleep(heard(number).saturating_sub(begun.elapsed()));
        let state = cell.lock().unwrap().state.clone();
        let pressed = OperatorInput {
            deadman: true,
            ..OperatorInput::default()
        };
        assert!(!jog.tick(&pressed, Some(&state), 0.0).action.is_empty());
        let command = JointCommand {
            sequence: number + 1,
            stamp_ns: state.stamp_ns,
            positions: state.positions,
            gripper_width: state.gripper_width,
        };
        arm.send(&command).unwrap();
    }
    cell.lock().unwrap().holds
}

#[test]
fn a_key_repeated_every_200_ms_makes_an_arm_that_holds_after_150_ms_never_hold() {
    let (bridged, forgetful, bare) = std::thread::scope(|scope| {
        let bridged = scope.spawn(|| recorded(true));
        let forgetful = scope.spawn(|| recorded(false));
        let bare = holds_without_a_loop();
        (bridged.join().unwrap(), forgetful.join().unwrap(), bare)
    });
    println!(
        "a key repeated every {REPEAT} ms, an arm that holds after {} ms: {} holds and {} ticks of {TICKS} without \
         motion; {} with a memory of keys as short as the arm's patience; {bare} holds in 8 keys where commands come \
         as keys do",
        SILENCE.as_millis(),
        bridged.0,
        bridged.1,
        forgetful.1
    );
    assert_eq!(bridged, (0, 0));
    assert!(forgetful.1 > 2, "{forgetful:?}");
    assert!(bare >= 6, "{bare}");
}
