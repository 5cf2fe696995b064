//! The simulated cell as a robot on the link.
//!
//! A thread with a zenoh session of its own publishes joints and frames and obeys commands, on the
//! same keys and in the same form as a real arm; see `robots/PROTOCOL.md`. What is really there (bodies, what
//! is held) never goes on the link: it is read in process through a [`GroundTruth`].

use crate::{
    config::SimConfig, error::Result, facts::Fact, outcome::Outcome, scene::Scene, tasks::TaskKind,
    world::Simulation,
};
use apprentice_core::{CameraFrame, Seed};
use apprentice_link::{
    EpisodeVerdict, LinkError, RobotServer, ServerRequest,
    verdict::VerdictFact,
    wire::{AdvanceRequest, TickReply},
};
use apprentice_robot::RobotDescription;
use apprentice_safety::Phase;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How often the thread looks whether it should stop.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// How long a clock request may wait for the command it was sent after.
const COMMAND_PATIENCE: Duration = Duration::from_secs(2);
/// The longest time one clock request may ask for.
const LONGEST_ADVANCE_NS: u64 = 10_000_000_000;

/// How simulated time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Only when the runtime asks for the next tick.
    Lockstep,
    /// As on the wall; states at the robot's control rate, frames at its policy rate. When no command
    /// comes for 200 ms the arm stays where it is, after 2 s it has to be enabled again.
    RealTime,
}

/// A simulated robot on the link; it stops when dropped.
#[derive(Debug)]
pub struct SimNode {
    endpoint: String,
    truth: GroundTruth,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Reads what is really there, in the simulator's own process only.
#[derive(Clone, Debug)]
pub struct GroundTruth {
    view: Arc<Mutex<(Outcome, Scene)>>,
}

impl GroundTruth {
    /// How the episode stands, and what was measured of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.lock().0.clone()
    }

    /// What is really there.
    #[must_use]
    pub fn scene(&self) -> Scene {
        self.lock().1.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Outcome, Scene)> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimNode {
    /// Starts a cell for this task at `listen` (such as `tcp/127.0.0.1:7447`), or at a free loopback port.
    ///
    /// # Errors
    /// When the configuration or the robot cannot be simulated, the address cannot be used, or no
    /// thread can be had.
    pub fn start(
        config: SimConfig,
        task: TaskKind,
        description: &RobotDescription,
        mode: ClockMode,
        listen: Option<&str>,
    ) -> Result<Self> {
        let server = RobotServer::open(description, listen, mode == ClockMode::Lockstep)?;
        Self::serve(config, task, description, mode, server)
    }

    /// Starts a cell for this task behind a server of its own, with keys or at a router.
    ///
    /// # Errors
    /// When the configuration or the robot cannot be simulated, or no thread can be had.
    pub fn serve(
        config: SimConfig,
        task: TaskKind,
        description: &RobotDescription,
        mode: ClockMode,
        server: RobotServer,
    ) -> Result<Self> {
        let simulation = Simulation::new(config, task, description)?;
        let truth = GroundTruth {
            view: Arc::new(Mutex::new((
                simulation.measure(),
                simulation.scene().clone(),
            ))),
        };
        let endpoint = server.endpoint().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let mut node = Cell {
            frame_sequences: vec![0; simulation.camera_count()],
            simulation,
            server,
            truth: truth.clone(),
            stop: Arc::clone(&stop),
            state_sequence: 0,
            moving: false,
            seed: None,
        };
        let tick = Duration::from_secs_f64(1.0 / description.control_hz);
        let frames_every = (description.control_hz / description.policy_hz)
            .round()
            .max(1.0) as u64;
        let thread = std::thread::Builder::new()
            .name("simulated-robot".into())
            .spawn(move || {
                let ended = match mode {
                    ClockMode::Lockstep => node.lockstep(),
                    ClockMode::RealTime => node.real_time(tick, frames_every),
                };
                if let Err(error) = ended {
                    tracing::error!("the simulated robot stopped: {error}");
                }
            })?;
        Ok(Self {
            endpoint,
            truth,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What is really there.
    #[must_use]
    pub fn ground_truth(&self) -> GroundTruth {
        self.truth.clone()
    }
}

impl Drop for SimNode {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulated robot's thread ended by a panic");
        }
    }
}

/// The thread's own things.
struct Cell {
    simulation: Simulation,
    server: RobotServer,
    truth: GroundTruth,
    stop: Arc<AtomicBool>,
    state_sequence: u64,
    frame_sequences: Vec<u64>,
    /// Whether the arm follows commands; it stands still of its own accord otherwise.
    moving: bool,
    /// Of the scene that was asked for last.
    seed: Option<u64>,
}

impl Cell {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn lockstep(&mut self) -> Result<()> {
        // Nothing is obeyed by an arm that has not said where it is.
        self.publish(false)?;
        while !self.stopped() {
            match self.server.next_request(HEARTBEAT) {
                Some(ServerRequest::Advance(request, reply)) => match self.catch_up(&request) {
                    Ok(()) => {
                        self.simulation.advance(request.duration_ns);
                        reply.done(&self.publish(request.want_frames)?);
                    }
                    Err(reason) => reply.refuse(reason),
                },
                Some(ServerRequest::Reset(seed, reply)) => {
                    self.reset(seed);
                    reply.done(&self.publish(true)?);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Obeys the command the request was sent after, which may still be on its way.
    fn catch_up(&mut self, request: &AdvanceRequest) -> Result<(), &'static str> {
        if request.duration_ns > LONGEST_ADVANCE_NS {
            return Err("at most 10 s (10000000000 ns) may be asked for at once");
        }
        let deadline = Instant::now() + COMMAND_PATIENCE;
        while self.server.newest_sequence() < request.command_sequence {
            if Instant::now() > deadline || self.stopped() {
                return Err("the newest command sent before this request has not arrived");
            }
            std::thread::yield_now();
        }
        self.obey();
        Ok(())
    }

    fn real_time(&mut self, tick: Duration, frames_every: u64) -> Result<()> {
        let mut next = Instant::now() + tick;
        let mut count = 0u64;
        while !self.stopped() {
            let left = next.saturating_duration_since(Instant::now());
            if let Some(request) = self.server.next_request(left.min(HEARTBEAT)) {
                match request {
                    ServerRequest::Reset(seed, reply) => {
                        self.reset(seed);
                        reply.done(&self.publish(true)?);
                    }
                    ServerRequest::Advance(_, reply) => {
                        reply.refuse("this robot's clock is the wall clock");
                    }
                }
                continue;
            }
            if Instant::now() < next {
                continue;
            }
            self.obey();
            self.simulation.advance(tick.as_nanos() as u64);
            self.publish(count.is_multiple_of(frames_every))?;
            count += 1;
            next += tick;
            // After a long stall simulated time falls behind rather than racing.
            if Instant::now() > next + 10 * tick {
                next = Instant::now() + tick;
            }
        }
        Ok(())
    }

    fn reset(&mut self, seed: u64) {
        self.simulation.reset(Seed(seed));
        self.seed = Some(seed);
        // A command from before the reset is not meant for the new scene.
        self.server.moved(&self.simulation.state());
    }

    /// Does what the gate lets through. Whoever commands the arm may be gone: it stays where it is then.
    fn obey(&mut self) {
        let due = self.server.due();
        if !matches!(due.phase, Phase::Active | Phase::Homing) {
            if std::mem::take(&mut self.moving) {
                self.simulation.stop();
            }
            return;
        }
        if let Some(command) = due.command {
            match self.simulation.apply(&command) {
                Ok(()) => self.moving = true,
                Err(error) => {
                    tracing::warn!("command {} was not obeyed: {error}", command.sequence);
                }
            }
        }
    }

    fn publish(&mut self, want_frames: bool) -> Result<TickReply> {
        let seen = (self.simulation.measure(), self.simulation.scene().clone());
        if self.server.answers_verdicts() {
            self.server.publish_verdict(&verdict(&seen.0, self.seed))?;
        }
        *self.truth.lock() = seen;
        self.state_sequence += 1;
        let mut state = self.simulation.state();
        state.sequence = self.state_sequence;
        let sent: Result<(), LinkError> = self.server.publish_state(&state);
        sent?;
        let mut frame_sequences = Vec::new();
        if want_frames {
            for (index, sequence) in self.frame_sequences.iter_mut().enumerate() {
                *sequence += 1;
                let frame = CameraFrame {
                    sequence: *sequence,
                    stamp_ns: state.stamp_ns,
                    image: self.simulation.render(index)?,
                };
                self.server.publish_frame(index, &frame)?;
                frame_sequences.push(*sequence);
            }
        }
        Ok(TickReply {
            state_sequence: self.state_sequence,
            frame_sequences,
        })
    }
}

/// What the cell says of an episode, where it is asked to.
fn verdict(outcome: &Outcome, seed: Option<u64>) -> EpisodeVerdict {
    let fact = |fact: &Fact| match fact {
        Fact::Number(number) => VerdictFact::Number(*number),
        Fact::Name(name) => VerdictFact::Word(name.clone().into_owned()),
    };
    let facts = outcome.facts.iter();
    EpisodeVerdict {
        success: outcome.success,
        seed,
        facts: facts.map(|(name, f)| (name.to_owned(), fact(f))).collect(),
        ..EpisodeVerdict::default()
    }
}
