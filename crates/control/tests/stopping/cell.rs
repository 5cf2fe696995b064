//! The arm's side in process: the command endpoint, and servos that do what it says.

use crate::world::World;
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::wire::{self, Request};
use apprentice_link::{Arm, CommandEndpoint, Freshness, LinkError};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::Stop;
use apprentice_safety::{GateConfig, Phase, Service};
use apprentice_sim::servo::{JointLimits, JointServo};
use std::sync::{Arc, Mutex, MutexGuard};

/// The runtime's number.
pub const RUNTIME: u32 = 1;
const STEP_S: f64 = 0.0025;

pub struct Cell {
    pub robot: RobotDescription,
    pub endpoint: CommandEndpoint,
    pub joints: Vec<JointServo>,
    pub state: RobotState,
    moving: bool,
}

impl Cell {
    pub fn new(robot: &RobotDescription) -> Self {
        let servo = |(joint, &home): (&apprentice_robot::Joint, &f64)| {
            let limits = JointLimits {
                position: joint.position,
                velocity: 2.0 * joint.velocity,
                acceleration: 2.0 * joint.acceleration,
                braking: joint.acceleration,
            };
            JointServo::new(home, limits, 25.0, 1.0)
        };
        let mut cell = Self {
            endpoint: CommandEndpoint::new(robot, GateConfig::of(robot), true).unwrap(),
            joints: robot.joints.iter().zip(&robot.home).map(servo).collect(),
            robot: robot.clone(),
            state: RobotState {
                sequence: 1,
                stamp_ns: 0,
                positions: robot.home.clone(),
                velocities: vec![0.0; robot.joints.len()],
                gripper_width: 0.02,
                efforts: None,
                external_wrench: None,
            },
            moving: false,
        };
        cell.endpoint.measure(&cell.state);
        cell
    }

    /// One control period, as a driver does it.
    pub fn period(&mut self) {
        let due = self.endpoint.due();
        if !matches!(due.phase, Phase::Active | Phase::Homing) {
            if std::mem::take(&mut self.moving) {
                self.joints.iter_mut().for_each(JointServo::stop);
            }
        } else if let Some(command) = due.command {
            self.moving = true;
            let targets = self.joints.iter_mut().zip(&command.positions);
            targets.for_each(|(joint, &q)| joint.follow(q));
        }
        let period_s = 1.0 / self.robot.control_hz;
        let steps = (period_s / STEP_S).round().max(1.0);
        for _ in 0..steps as u64 {
            let joints = self.joints.iter_mut();
            joints.for_each(|joint| joint.step(period_s / steps));
        }
        self.state.positions = self.joints.iter().map(|j| j.position).collect();
        self.state.velocities = self.joints.iter().map(|j| j.velocity).collect();
        self.state.stamp_ns += (period_s * 1e9) as u64;
        self.state.sequence += 1;
        self.endpoint.measure(&self.state);
    }

    pub fn ask(&mut self, service: Service, client: u32) -> bool {
        let stops = self.endpoint.status().stops;
        let request = Request { client, stops };
        self.endpoint.serve(service, request).is_ok()
    }
}

/// The arm as the control loop drives it, in lockstep; every period lets the others act.
pub struct CellArm {
    description: RobotDescription,
    world: Arc<Mutex<World>>,
}

impl CellArm {
    pub fn new(description: &RobotDescription, world: Arc<Mutex<World>>) -> Self {
        Self {
            description: description.clone(),
            world,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn lost(&self, said: &str) -> LinkError {
        LinkError::ControlLost {
            robot: self.description.name.clone(),
            said: said.into(),
        }
    }

    fn seen(world: &World) -> Observation {
        Observation {
            state: world.cell.state.clone(),
            frames: Vec::new(),
        }
    }
}

impl Arm for CellArm {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn is_lockstep(&self) -> bool {
        true
    }

    /// As the native link's client does it: a stop is never ours to lift.
    fn engage(&mut self) -> Result<(), LinkError> {
        let mut world = self.world();
        world.cell.endpoint.lease(RUNTIME, true);
        for _ in 0..100 {
            if world.is_over() {
                return Err(self.lost("the walk is over"));
            }
            if !world.cell.ask(Service::Acquire, RUNTIME) {
                return Err(self.lost("owned"));
            }
            if world.cell.endpoint.status().stop != Stop::None {
                return Err(self.lost("stopped"));
            }
            if world.cell.ask(Service::Enable, RUNTIME) {
                return Ok(());
            }
            // It still moves, or reports a fault.
            world.pass(1);
        }
        Err(self.lost("not enabled"))
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        let mut world = self.world();
        world.cell.ask(Service::Release, RUNTIME);
        world.cell.endpoint.lease(RUNTIME, false);
        Ok(())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let mut world = self.world();
        let status = world.cell.endpoint.status();
        let obeys = matches!(status.phase, Phase::Active | Phase::Holding);
        if status.owner != RUNTIME || !obeys {
            return Err(self.lost(status.phase.name()));
        }
        world.sent = command.sequence;
        world
            .cell
            .endpoint
            .command(Some(RUNTIME), &wire::encode_command(RUNTIME, command));
        Ok(())
    }

    fn latest(&self, _: bool, _: Freshness) -> Result<Observation, LinkError> {
        Ok(Self::seen(&self.world()))
    }

    fn advance(&mut self, _: u64, _: bool) -> Result<Observation, LinkError> {
        let mut world = self.world();
        if world.is_over() {
            return Err(self.lost("the walk is over"));
        }
        world.pass(1);
        Ok(Self::seen(&world))
    }
}
