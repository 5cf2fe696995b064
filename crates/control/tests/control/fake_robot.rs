//! A robot that does what it is told and remembers it; it can be made to fall silent and to lie.

use apprentice_control::ControlLoop;
use apprentice_core::{CameraFrame, Image, JointCommand, RobotState};
use apprentice_link::wire::TickReply;
use apprentice_link::{RobotLink, RobotServer, ServerRequest};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What came from the runtime.
#[derive(Clone, Debug)]
pub enum Heard {
    Reset,
    Command(Instant, JointCommand),
}

/// How it misbehaves.
#[derive(Default)]
pub struct Manners {
    /// Whether it has stopped publishing states and frames.
    pub silent: AtomicBool,
    /// Whether it has stopped publishing frames.
    pub blind: AtomicBool,
    /// What it says its joints are, if not the truth.
    pub lie: Mutex<Option<Vec<f64>>>,
    /// How far, at most, a command was from where the robot was when it came, rad.
    pub farthest: Mutex<f64>,
}

/// The robot; it ends when dropped.
pub struct FakeRobot {
    pub description: RobotDescription,
    pub manners: Arc<Manners>,
    endpoint: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeRobot {
    pub fn start(mut description: RobotDescription, lockstep: bool) -> Self {
        for camera in &mut description.cameras {
            (camera.width, camera.height) = (8, 6);
        }
        let server = RobotServer::open(&description, None, lockstep).unwrap();
        let endpoint = server.endpoint().to_owned();
        let (manners, heard, stop) = (Arc::default(), Arc::default(), Arc::default());
        let body = Body {
            positions: description.home.clone(),
            home: description.home.clone(),
            frames: vec![0; description.cameras.len()],
            period: Duration::from_secs_f64(1.0 / description.control_hz),
            sequence: 0,
            manners: Arc::clone(&manners),
            heard: Arc::clone(&heard),
            stop: Arc::clone(&stop),
            server,
        };
        let thread = std::thread::spawn(move || if lockstep { body.asked() } else { body.alone() });
        Self {
            description,
            manners,
            endpoint,
            heard,
            stop,
            thread: Some(thread),
        }
    }

    pub fn connect(&self, guard: GuardConfig) -> ControlLoop {
        let name = &self.description.name;
        let link = RobotLink::connect(&self.endpoint, name, Duration::from_secs(10)).unwrap();
        ControlLoop::new(Box::new(link), guard).unwrap()
    }

    /// Where others find it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Commands that came, oldest first.
    pub fn commands(&self) -> Vec<(Instant, JointCommand)> {
        let commands = self.heard().into_iter().filter_map(|heard| match heard {
            Heard::Command(when, command) => Some((when, command)),
            Heard::Reset => None,
        });
        commands.collect()
    }
}

impl Drop for FakeRobot {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// What runs on its thread.
struct Body {
    server: RobotServer,
    manners: Arc<Manners>,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    home: Vec<f64>,
    positions: Vec<f64>,
    frames: Vec<u64>,
    period: Duration,
    sequence: u64,
}

impl Body {
    fn asked(mut self) {
        while !self.stop.load(Relaxed) {
            match self.server.next_request(Duration::from_millis(20)) {
                Some(ServerRequest::Advance(request, reply)) => {
                    let deadline = Instant::now() + Duration::from_secs(5);
                    while self.server.newest_sequence() < request.command_sequence
                        && Instant::now() < deadline
                    {
                        std::thread::yield_now();
                    }
                    self.obey();
                    reply.done(&self.publish(request.want_frames));
                }
                Some(ServerRequest::Reset(_, reply)) => reply.done(&self.reset()),
                None => {}
            }
        }
    }

    fn alone(mut self) {
        let mut next = Instant::now();
        while !self.stop.load(Relaxed) {
            if let Some(ServerRequest::Reset(_, reply)) =
                self.server.next_request(Duration::from_millis(2))
            {
                reply.done(&self.reset());
            }
            self.obey();
            if Instant::now() >= next {
                self.publish(self.sequence.is_multiple_of(5));
                next += self.period;
            }
        }
    }

    fn obey(&mut self) {
        if let Some(command) = self.server.due().command {
            let steps = command.positions.iter().zip(&self.positions);
            let farthest = steps.map(|(to, at)| (to - at).abs()).fold(0.0, f64::max);
            let mut before = self.manners.farthest.lock().unwrap();
            *before = before.max(farthest);
            drop(before);
            self.positions.clone_from(&command.positions);
            let heard = Heard::Command(Instant::now(), command);
            self.heard.lock().unwrap().push(heard);
        }
    }

    fn reset(&mut self) -> TickReply {
        self.obey();
        self.positions.clone_from(&self.home);
        self.server.moved(&RobotState {
            sequence: self.sequence,
            stamp_ns: self.sequence * self.period.as_nanos() as u64,
            velocities: vec![0.0; self.home.len()],
            positions: self.home.clone(),
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        });
        self.heard.lock().unwrap().push(Heard::Reset);
        self.publish(true)
    }

    fn publish(&mut self, want_frames: bool) -> TickReply {
        self.sequence += 1;
        let lie = self.manners.lie.lock().unwrap().clone();
        let positions = lie.unwrap_or_else(|| self.positions.clone());
        let stamp_ns = self.sequence * self.period.as_nanos() as u64;
        let silent = self.manners.silent.load(Relaxed);
        if !silent {
            let state = RobotState {
                sequence: self.sequence,
                stamp_ns,
                velocities: vec![0.0; positions.len()],
                positions,
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            };
            self.server.publish_state(&state).unwrap();
        }
        let mut frame_sequences = Vec::new();
        if want_frames && !silent && !self.manners.blind.load(Relaxed) {
            for (index, sequence) in self.frames.iter_mut().enumerate() {
                *sequence += 1;
                let frame = CameraFrame {
                    sequence: *sequence,
                    stamp_ns,
                    image: Image::new(8, 6, vec![0; 8 * 6 * 3]).unwrap(),
                };
                self.server.publish_frame(index, &frame).unwrap();
                frame_sequences.push(*sequence);
            }
        }
        TickReply {
            state_sequence: self.sequence,
            frame_sequences,
        }
    }
}
