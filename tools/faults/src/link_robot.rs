//! A robot on the link in real time: it is where it was last told to be, remembers what came when, and its
//! cameras misbehave on request.

use crate::measured::{largest_difference, monotonic_ns};
use crate::memory_robot::noise;
use anyhow::Result;
use apprentice_control::ControlLoop;
use apprentice_core::{CameraFrame, Image, JointCommand, RobotState, Seed};
use apprentice_link::security::Security;
use apprentice_link::session::Connection;
use apprentice_link::wire::{Status, TickReply};
use apprentice_link::{LinkError, RobotLink, RobotServer, ServerRequest};
use apprentice_robot::RobotDescription;
use apprentice_safety::{GuardConfig, Phase};
use rand::Rng as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How it misbehaves.
#[derive(Debug, Default)]
pub struct Faults {
    /// Whether it has stopped publishing anything.
    pub silent: AtomicBool,
    /// Whether it has stopped publishing frames.
    pub blind: AtomicBool,
    /// Whether its pictures have stopped changing.
    pub frozen: AtomicBool,
    /// Of a hundred frames, how many are lost.
    pub lost_percent: AtomicU32,
    /// Whether frames come in the wrong order, and twice.
    pub shuffled: AtomicBool,
    /// What is added to its stamps, nanoseconds.
    pub skew_ns: AtomicI64,
}

/// What it was told, and how it stood.
#[derive(Debug, Default)]
pub struct CommandLog {
    /// When the newest command came that was obeyed.
    pub last: Option<Instant>,
    /// Commands obeyed: when they came, ns of the machine's monotonic clock, and what they were.
    pub commands: Vec<(u64, JointCommand)>,
    /// When each phase began.
    pub phases: Vec<(Instant, Phase)>,
    /// How it stands.
    pub status: Option<Status>,
    /// The farthest a command was from where the robot was when it came, rad (or the joint's unit).
    pub farthest: f64,
}

impl CommandLog {
    /// When the first phase for which `is` holds began after `since`.
    #[must_use]
    pub fn first(&self, since: Instant, is: impl Fn(Phase) -> bool) -> Option<Instant> {
        let found = self.phases.iter().find(|(at, p)| *at >= since && is(*p));
        found.map(|(at, _)| *at)
    }
}

/// The robot; it ends when dropped.
pub struct LinkRobot {
    /// What it is.
    pub description: RobotDescription,
    /// How it misbehaves.
    pub faults: Arc<Faults>,
    endpoint: String,
    log: Arc<Mutex<CommandLog>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LinkRobot {
    /// Starts it, listening at a free loopback port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(description: RobotDescription) -> Result<Self> {
        let server = RobotServer::open(&description, None, false)?;
        Self::run(description, server)
    }

    /// Starts it as a client of the router at `endpoint`.
    ///
    /// # Errors
    /// When no router is there.
    pub fn join(description: RobotDescription, endpoint: &str) -> Result<Self> {
        let server = RobotServer::serve(
            &description,
            (Connection::Join, endpoint),
            &Security::LoopbackOnly,
            false,
        )?;
        Self::run(description, server)
    }

    fn run(description: RobotDescription, server: RobotServer) -> Result<Self> {
        let endpoint = server.endpoint().to_owned();
        let (faults, heard, stop) = (Arc::default(), Arc::default(), Arc::default());
        let period = Duration::from_secs_f64(1.0 / description.control_hz);
        let body = Body {
            positions: description.home.clone(),
            frames_every: (description.control_hz / description.policy_hz)
                .round()
                .max(1.0) as u64,
            since: Instant::now(),
            description: description.clone(),
            period,
            sequence: 0,
            frames: 0,
            held_back: None,
            rng: Box::new(Seed(3).rng()),
            faults: Arc::clone(&faults),
            log: Arc::clone(&heard),
            stop: Arc::clone(&stop),
            server,
        };
        let thread = std::thread::Builder::new()
            .name("robot".into())
            .spawn(move || body.run())?;
        Ok(Self {
            description,
            faults,
            endpoint,
            log: heard,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it is reached.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it was told.
    pub fn log(&self) -> MutexGuard<'_, CommandLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until what it was told is as `is` says.
    pub fn wait_for(&self, patience: Duration, is: impl Fn(&CommandLog) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !is(&self.log()) {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn link(&self) -> Result<RobotLink, LinkError> {
        RobotLink::connect(
            &self.endpoint,
            &self.description.name,
            Duration::from_secs(10),
        )
    }

    /// A control loop over a connection to it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn control(&self) -> Result<ControlLoop> {
        Ok(ControlLoop::new(
            Box::new(self.link()?),
            GuardConfig::default(),
        )?)
    }
}

impl Drop for LinkRobot {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of its thread was printed.
            let _ = thread.join();
        }
    }
}

/// What runs on its thread.
struct Body {
    description: RobotDescription,
    server: RobotServer,
    faults: Arc<Faults>,
    log: Arc<Mutex<CommandLog>>,
    stop: Arc<AtomicBool>,
    positions: Vec<f64>,
    period: Duration,
    frames_every: u64,
    since: Instant,
    sequence: u64,
    frames: u64,
    held_back: Option<CameraFrame>,
    rng: Box<dyn rand::RngCore + Send>,
}

impl Body {
    fn run(mut self) {
        let mut next = Instant::now();
        while !self.stop.load(Relaxed) {
            let left = next.saturating_duration_since(Instant::now());
            self.obey(left.min(Duration::from_millis(2)));
            while let Some(request) = self.server.next_request(Duration::ZERO) {
                match request {
                    ServerRequest::Reset(_, reply) => reply.done(&self.reset()),
                    ServerRequest::Advance(_, reply) => reply.refuse("its clock is the wall's"),
                }
            }
            if Instant::now() >= next {
                self.publish(self.sequence.is_multiple_of(self.frames_every));
                // A robot that was held up does not publish all it missed.
                next = (next + self.period).max(Instant::now());
            }
        }
    }

    /// Obeys what comes until `patience` is over or one command has come.
    fn obey(&mut self, patience: Duration) {
        let due = self.server.due_within(patience);
        let (now, now_ns) = (Instant::now(), monotonic_ns());
        let status = self.server.status();
        let mut heard = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(command) = due.command {
            heard.farthest = heard
                .farthest
                .max(largest_difference(&command.positions, &self.positions));
            self.positions.clone_from(&command.positions);
            heard.last = Some(now);
            heard.commands.push((now_ns, command));
        }
        if heard.phases.last().is_none_or(|(_, p)| *p != due.phase) {
            heard.phases.push((now, due.phase));
        }
        heard.status = Some(status);
    }

    fn state(&self) -> RobotState {
        let now_ns = self.since.elapsed().as_nanos() as u64;
        RobotState {
            sequence: self.sequence,
            stamp_ns: now_ns.saturating_add_signed(self.faults.skew_ns.load(Relaxed)),
            velocities: vec![0.0; self.positions.len()],
            positions: self.positions.clone(),
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        }
    }

    fn reset(&mut self) -> TickReply {
        self.positions.clone_from(&self.description.home);
        self.server.moved(&self.state());
        self.publish(true)
    }

    fn publish(&mut self, want_frames: bool) -> TickReply {
        self.sequence += 1;
        let state = self.state();
        let silent = self.faults.silent.load(Relaxed);
        if !silent {
            // Nobody can be told more while a router is away.
            let _ = self.server.publish_state(&state);
        }
        let mut frame_sequences = Vec::new();
        if want_frames && !silent && !self.faults.blind.load(Relaxed) {
            self.frames += 1;
            let lost = self.rng.random_range(0..100) < self.faults.lost_percent.load(Relaxed);
            for index in 0..self.description.cameras.len() {
                let frame = CameraFrame {
                    sequence: self.frames,
                    stamp_ns: state.stamp_ns,
                    image: self.picture(index),
                };
                frame_sequences.push(frame.sequence);
                if !lost {
                    self.send(index, frame);
                }
            }
        }
        TickReply {
            state_sequence: self.sequence,
            frame_sequences,
        }
    }

    fn picture(&self, index: usize) -> Image {
        let (width, height) = self
            .description
            .cameras
            .get(index)
            .map_or((1, 1), |c| (c.width, c.height));
        let frozen = self.faults.frozen.load(Relaxed);
        noise(width, height, if frozen { 0 } else { self.frames })
    }

    fn send(&mut self, index: usize, frame: CameraFrame) {
        let shuffled = self.faults.shuffled.load(Relaxed) && index == 0;
        let held_back = if shuffled {
            self.held_back.take()
        } else {
            None
        };
        let frames = match (shuffled, held_back) {
            (false, _) => vec![frame],
            (true, None) => {
                self.held_back = Some(frame);
                Vec::new()
            }
            (true, Some(older)) => vec![frame.clone(), older.clone(), frame, older],
        };
        for frame in frames {
            let _ = self.server.publish_frame(index, &frame);
        }
    }
}
