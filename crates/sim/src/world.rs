//! The whole simulated cell: arm, hand, mug, table, cameras.

use crate::{
    arm::Arm,
    camera::Pinhole,
    config::SimConfig,
    error::{Result, SimError},
    grasp::{Grasp, Outcome},
    hand, mug,
    physics::ContactWorld,
    raster::Canvas,
    scene::{Placement, SceneModel},
    servo::JointServo,
};
use apprentice_core::{Image, JointCommand, RobotState, Seed};
use apprentice_robot::RobotDescription;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;

/// A command this much wider than what is held lets go, metres; less only eases the grip, as the
/// fingers of a force-controlled gripper give.
const RELEASE_MARGIN: f64 = 0.010;

/// What is really there: for the scripted expert and the judge only. It never goes on the link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// The mug frame in the base frame (origin under the mug, z up, handle along +x).
    pub mug_pose: Isometry3<f64>,
    /// Where the handle points, radians about base z from base x.
    pub handle_direction: f64,
    /// Middle of the directions handles may point in, radians, from the configuration.
    pub nominal_direction: f64,
    /// Radius of the middle of the mug's wall, metres.
    pub rim_radius_m: f64,
    /// Height of the rim over the underside, metres.
    pub rim_height_m: f64,
    /// Distance of the handle's upright bar from the mug's axis, metres.
    pub handle_radius_m: f64,
}

/// The simulated cell. Time stands still except in [`Self::advance`]; everything follows from the
/// configuration, the robot description, the seed of the last reset and the commands since.
#[derive(Debug)]
pub struct Simulation {
    config: SimConfig,
    arm: Arm,
    joints: Vec<JointServo>,
    width: f64,
    width_target: f64,
    contacts: ContactWorld,
    start_height: f64,
    last_grasp: Option<Grasp>,
    model: SceneModel,
    canvases: Vec<Canvas>,
    clock_ns: u64,
    /// Time asked for and not yet simulated, less than one step.
    owed_ns: u64,
}

impl Simulation {
    /// A cell as after `reset(Seed(0))`.
    ///
    /// # Errors
    /// When a configuration value is out of range, or the robot is not an arm with joints.
    pub fn new(config: SimConfig, description: &RobotDescription) -> Result<Self> {
        config.validate()?;
        let arm = Arm::new(description)?;
        let home = arm.home.clone();
        let tool = arm.tool(&home);
        let model = SceneModel::new(&arm.links(&home), &tool);
        let canvases = arm
            .cameras
            .iter()
            .map(|c| Canvas::new(c.width, c.height, config.supersample))
            .collect();
        let contacts = ContactWorld::new(
            &Isometry3::identity(),
            &tool,
            hand::MAX_WIDTH,
            config.step_us as f64 * 1e-6,
        );
        let mut simulation = Self {
            config,
            arm,
            joints: Vec::new(),
            width: hand::MAX_WIDTH,
            width_target: hand::MAX_WIDTH,
            contacts,
            start_height: 0.0,
            last_grasp: None,
            model,
            canvases,
            clock_ns: 0,
            owed_ns: 0,
        };
        simulation.reset(Seed(0));
        Ok(simulation)
    }

    /// Puts the arm near its home, opens the fingers and stands the mug somewhere, all from `seed`.
    /// The clock runs on.
    pub fn reset(&mut self, seed: Seed) {
        let mut rng = seed.derive("reset", 0).rng();
        let config = &self.config;
        let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        let (x, y) = (between(config.mug_x_m), between(config.mug_y_m));
        let spread = config.handle_spread_deg;
        let direction = (config.handle_direction_deg + between([-spread, spread])).to_radians();
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
        self.last_grasp = None;
        self.owed_ns = 0;
        self.clock_ns = 0;
        let mug = Isometry3::from_parts(
            Translation3::new(x, y, 0.0),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), direction),
        );
        let dt = config.step_us as f64 * 1e-6;
        self.contacts = ContactWorld::new(&mug, &self.tool_pose(), self.width, dt);
        self.start_height = self.contacts.mug_pose().translation.z;
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
    }

    fn step(&mut self, dt: f64) {
        for joint in &mut self.joints {
            joint.step(dt);
        }
        let tool = self.tool_pose();
        let closing = self.width_target < self.width;
        if closing && self.contacts.try_hold(&tool) {
            // Blocked by what is between the fingers.
            self.last_grasp = self.contacts.held();
        } else {
            if self.width_target > self.width + RELEASE_MARGIN {
                self.contacts.release();
            }
            if self.contacts.held().is_none() {
                let most = self.arm.gripper_speed * dt;
                self.width += (self.width_target - self.width).clamp(-most, most);
            }
        }
        self.contacts.step(&tool, self.width);
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
            mug: self.contacts.mug_pose(),
        };
        Ok(self.model.render(&placement, &pinhole, canvas)?)
    }

    /// Number of cameras.
    #[must_use]
    pub fn camera_count(&self) -> usize {
        self.arm.cameras.len()
    }

    /// How the episode stands.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let lifted_m = self.contacts.mug_pose().translation.z - self.start_height;
        Outcome {
            success: self.contacts.held().is_some() && lifted_m >= self.config.success_lift_m,
            grasp: self.last_grasp,
            lifted_m,
        }
    }

    /// What is really there.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let mug_pose = self.contacts.mug_pose();
        let handle = mug_pose.rotation * Vector3::x();
        Scene {
            mug_pose,
            handle_direction: handle.y.atan2(handle.x),
            nominal_direction: self.config.handle_direction_deg.to_radians(),
            rim_radius_m: mug::rim_radius(),
            rim_height_m: mug::HEIGHT,
            handle_radius_m: mug::handle_radius(),
        }
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
