//! The whole simulated cell: arm, hand, a task's bodies, table, cameras.

use crate::{
    arm::Arm,
    camera::Pinhole,
    config::SimConfig,
    drawing::{Placement, SceneModel},
    error::{Result, SimError},
    hand,
    measuring::Measuring,
    outcome::Outcome,
    physics::ContactWorld,
    raster::Canvas,
    scene::{BodyState, Hold, Holding, Scene},
    servo::JointServo,
    tasks::TaskKind,
};
use apprentice_core::{Image, JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use nalgebra::Isometry3;
use rand::Rng;

/// A command this much wider than what is held lets go, metres; less only eases the grip, as the
/// fingers of a force-controlled gripper give.
const RELEASE_MARGIN: f64 = 0.010;

/// The simulated cell. Time stands still except in [`Self::advance`]; everything follows from the
/// configuration, the task, the robot description, the seed of the last reset and the commands since.
#[derive(Debug)]
pub struct Simulation {
    config: SimConfig,
    task: TaskKind,
    arm: Arm,
    joints: Vec<JointServo>,
    width: f64,
    width_target: f64,
    /// Opening at which the fingers touched what they hold by friction.
    touched: Option<f64>,
    contacts: ContactWorld,
    scene: Scene,
    measuring: Measuring,
    model: SceneModel,
    canvases: Vec<Canvas>,
    clock_ns: u64,
    /// Time asked for and not yet simulated, less than one step.
    owed_ns: u64,
}

impl Simulation {
    /// A cell for a task, as after `reset(Seed(0))`.
    ///
    /// # Errors
    /// When a setting of the cell or the task is out of range, or the robot is not an arm with joints.
    pub fn new(config: SimConfig, task: TaskKind, description: &RobotDescription) -> Result<Self> {
        config.validate()?;
        task.validate()?;
        let arm = Arm::new(description)?;
        let home = arm.home.clone();
        let tool = arm.tool(&home);
        let model = SceneModel::new(&arm.links(&home), &tool);
        let canvases = arm
            .cameras
            .iter()
            .map(|c| Canvas::new(c.width, c.height, config.supersample))
            .collect();
        let contacts = ContactWorld::new(&[], &tool, hand::MAX_WIDTH, config.step_us as f64 * 1e-6);
        let mut simulation = Self {
            config,
            task,
            arm,
            joints: Vec::new(),
            width: hand::MAX_WIDTH,
            width_target: hand::MAX_WIDTH,
            touched: None,
            contacts,
            scene: Scene {
                bodies: Vec::new(),
                tool,
                width_m: hand::MAX_WIDTH,
                held: None,
                last_held: None,
                time_s: 0.0,
            },
            measuring: Measuring::new(description)?,
            model,
            canvases,
            clock_ns: 0,
            owed_ns: 0,
        };
        simulation.reset(Seed(0));
        Ok(simulation)
    }

    /// Puts the arm near its home, opens the fingers and has the task lay out a scene, all from `seed`. The clock
    /// begins at 0.
    pub fn reset(&mut self, seed: Seed) {
        let mut rng = seed.derive("reset", 0).rng();
        let config = &self.config;
        let bodies = self.task.reset(&mut rng);
        let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        let jitter = config.home_jitter_rad;
        self.joints = self
            .arm
            .home
            .iter()
            .zip(&self.arm.limits)
            .map(|(&home, &limits)| {
                JointServo::new(
                    home + between([-jitter, jitter]),
                    limits,
                    config.servo_frequency_rad_s,
                    config.servo_damping,
                )
            })
            .collect();
        self.width = self.arm.max_width;
        self.width_target = self.width;
        self.touched = None;
        self.owed_ns = 0;
        self.clock_ns = 0;
        let tool = self.tool_pose();
        let dt = config.step_us as f64 * 1e-6;
        self.contacts = ContactWorld::new(&bodies, &tool, self.width, dt);
        let start = bodies.iter().enumerate().map(|(index, body)| {
            let pose = self.contacts.pose(index);
            BodyState {
                name: body.name,
                pose,
                start: pose,
                contact_force_n: 0.0,
            }
        });
        self.scene = Scene {
            bodies: start.collect(),
            tool,
            width_m: self.width,
            held: None,
            last_held: None,
            time_s: 0.0,
        };
        self.model
            .show(bodies.into_iter().map(|body| body.mesh).collect());
        let joints = self.positions();
        self.measuring.begin(&joints, &tool, self.width);
        self.ask_task();
    }

    /// Has the task measure the scene as it is now.
    fn ask_task(&mut self) {
        let success = self.task.measure(&self.scene, &mut self.measuring.facts);
        self.measuring.judged(success);
    }

    /// Takes a command over; it holds until the next one.
    ///
    /// # Errors
    /// When the number of joints is wrong or a number is not finite; the last command still holds.
    pub fn apply(&mut self, command: &JointCommand) -> Result<()> {
        let finite = command.positions.iter().all(|p| p.is_finite());
        if command.positions.len() != self.joints.len()
            || !finite
            || !command.gripper_width.is_finite()
        {
            return Err(SimError::Command {
                got: command.positions.len(),
                expected: self.joints.len(),
            });
        }
        for (joint, &target) in self.joints.iter_mut().zip(&command.positions) {
            joint.follow(target);
        }
        self.width_target = command.gripper_width.clamp(0.0, self.arm.max_width);
        Ok(())
    }

    /// Brakes the arm and lets it stay where it comes to rest, until the next command; the fingers keep their grip.
    pub fn stop(&mut self) {
        self.joints.iter_mut().for_each(JointServo::stop);
    }

    /// Goes on in time, in whole steps; what is left over is owed to the next call.
    pub fn advance(&mut self, duration_ns: u64) {
        let step_ns = self.config.step_us * 1000;
        self.owed_ns += duration_ns;
        while self.owed_ns >= step_ns {
            self.owed_ns -= step_ns;
            self.clock_ns += step_ns;
            self.step(step_ns as f64 * 1e-9);
        }
        let joints = self.positions();
        self.measuring.look_at_joints(&joints);
    }

    fn step(&mut self, dt: f64) {
        for joint in &mut self.joints {
            joint.step(dt);
        }
        let tool = self.tool_pose();
        let held = match self.task.holding() {
            Holding::Attachment => self.attach(&tool, dt),
            Holding::Friction => self.squeeze(&tool, dt),
        };
        self.contacts.step(&tool, self.width);
        self.look(tool, held);
        self.measuring.step(&self.scene, dt);
        self.ask_task();
    }

    /// Closes and opens the fingers where what is held is attached; says what is.
    fn attach(&mut self, tool: &Isometry3<f64>, dt: f64) -> Option<Hold> {
        let closing = self.width_target < self.width;
        if closing && self.contacts.try_hold(tool) {
            // Blocked by what is between the fingers.
            self.scene.last_held = self.contacts.held();
        } else {
            if self.width_target > self.width + RELEASE_MARGIN {
                self.contacts.release();
            }
            if self.contacts.held().is_none() {
                let most = self.arm.gripper_speed * dt;
                self.width += (self.width_target - self.width).clamp(-most, most);
            }
        }
        self.contacts.held()
    }

    /// Closes and opens the fingers where friction holds; says what they squeeze.
    fn squeeze(&mut self, tool: &Isometry3<f64>, dt: f64) -> Option<Hold> {
        let (held, closed) = self.contacts.squeezes(tool, self.width, &mut self.touched);
        let least = if closed {
            0.0
        } else {
            -self.arm.gripper_speed * dt
        };
        let most = self.arm.gripper_speed * dt;
        self.width += (self.width_target - self.width).clamp(least, most);
        self.scene.last_held = held.or(self.scene.last_held);
        held
    }

    /// Brings the scene up to date.
    fn look(&mut self, tool: Isometry3<f64>, held: Option<Hold>) {
        for (index, body) in self.scene.bodies.iter_mut().enumerate() {
            body.pose = self.contacts.pose(index);
            body.contact_force_n = self.contacts.force(index);
        }
        self.scene.tool = tool;
        self.scene.width_m = self.width;
        self.scene.held = held;
        self.scene.time_s = self.clock_ns as f64 * 1e-9;
    }

    /// The joints and the fingers as a real arm would report them. `sequence` is left at 0 for
    /// whoever sends it.
    #[must_use]
    pub fn state(&self) -> RobotState {
        RobotState {
            sequence: 0,
            stamp_ns: self.clock_ns,
            positions: self.positions(),
            velocities: self.joints.iter().map(|j| j.velocity).collect(),
            gripper_width: self.width,
            efforts: None,
            external_wrench: None,
        }
    }

    /// What camera `index` of the robot description sees now.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn render(&mut self, index: usize) -> Result<Image> {
        let positions = self.positions();
        let tool = self.arm.tool(&positions);
        let cameras = &self.arm.cameras;
        let (Some(camera), Some(canvas)) = (cameras.get(index), self.canvases.get_mut(index))
        else {
            return Err(SimError::Camera {
                index,
                count: cameras.len(),
            });
        };
        let pose = camera.pose(&tool);
        let pinhole = Pinhole::new(&pose, camera.vertical_fov, camera.height);
        let placement = Placement {
            links: &self.arm.links(&positions),
            tool,
            width: self.width,
            bodies: &self.scene.bodies,
        };
        Ok(self.model.render(&placement, &pinhole, canvas)?)
    }

    /// Number of cameras.
    #[must_use]
    pub fn camera_count(&self) -> usize {
        self.arm.cameras.len()
    }

    /// How the episode stands, and what was measured of it.
    #[must_use]
    pub fn measure(&self) -> Outcome {
        self.measuring.outcome()
    }

    /// What is really there.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &TaskKind {
        &self.task
    }

    /// The tool frame in the base frame.
    #[must_use]
    pub fn tool_pose(&self) -> Isometry3<f64> {
        self.arm.tool(&self.positions())
    }

    /// Simulated time since the start, nanoseconds.
    #[must_use]
    pub fn clock_ns(&self) -> u64 {
        self.clock_ns
    }

    fn positions(&self) -> Vec<f64> {
        self.joints.iter().map(|j| j.position).collect()
    }
}
