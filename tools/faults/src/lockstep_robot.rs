//! A robot in lockstep that is where it was told to be, and keeps what it was told at which time of its own: for
//! speeds and accelerations without the noise of this machine's clock.

use anyhow::Result;
use apprentice_core::RobotState;
use apprentice_link::wire::TickReply;
use apprentice_link::{LinkError, RobotLink, RobotServer, ServerRequest};
use apprentice_robot::RobotDescription;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Joint positions it was told, one each control period.
type Told = Arc<Mutex<Vec<Vec<f64>>>>;

/// The robot; it ends when dropped. See [`LinkRobot`](crate::link_robot::LinkRobot) for one in real time.
pub struct LockstepRobot {
    endpoint: String,
    name: String,
    told: Told,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LockstepRobot {
    /// Starts it, listening at a free loopback port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(description: &RobotDescription) -> Result<Self> {
        let server = RobotServer::open(description, None, true)?;
        let endpoint = server.endpoint().to_owned();
        let (told, stop): (Told, Arc<AtomicBool>) = (Arc::default(), Arc::default());
        let body = Body {
            server,
            state: RobotState {
                sequence: 0,
                stamp_ns: 0,
                positions: description.home.clone(),
                velocities: vec![0.0; description.home.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            },
            told: Arc::clone(&told),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("robot".into())
            .spawn(move || body.run())?;
        Ok(Self {
            endpoint,
            name: description.name.clone(),
            told,
            stop,
            thread: Some(thread),
        })
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn link(&self) -> Result<RobotLink, LinkError> {
        RobotLink::connect(&self.endpoint, &self.name, Duration::from_secs(10))
    }

    /// What it was told, one posture each control period.
    #[must_use]
    pub fn told(&self) -> Vec<Vec<f64>> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }
}

impl Drop for LockstepRobot {
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
    server: RobotServer,
    state: RobotState,
    told: Told,
    stop: Arc<AtomicBool>,
}

impl Body {
    fn run(mut self) {
        self.publish();
        while !self.stop.load(Relaxed) {
            match self.server.next_request(Duration::from_millis(20)) {
                Some(ServerRequest::Advance(request, reply)) => {
                    let deadline = Instant::now() + Duration::from_secs(5);
                    while self.server.newest_sequence() < request.command_sequence
                        && Instant::now() < deadline
                    {
                        std::thread::yield_now();
                    }
                    self.obey(request.duration_ns);
                    reply.done(&self.publish());
                }
                Some(ServerRequest::Reset(_, reply)) => reply.refuse("it sets up no scenes"),
                None => {}
            }
        }
    }

    fn obey(&mut self, duration_ns: u64) {
        let seconds = duration_ns as f64 * 1e-9;
        let to = match self.server.due().command {
            Some(command) => command.positions,
            None => self.state.positions.clone(),
        };
        let steps = to.iter().zip(&self.state.positions);
        self.state.velocities = steps.map(|(to, at)| (to - at) / seconds).collect();
        self.state.positions = to;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(self.state.positions.clone());
        self.state.stamp_ns += duration_ns;
    }

    fn publish(&mut self) -> TickReply {
        self.state.sequence += 1;
        // Whoever asked for time says so when nothing comes.
        let _ = self.server.publish_state(&self.state);
        TickReply {
            state_sequence: self.state.sequence,
            frame_sequences: Vec::new(),
        }
    }
}
