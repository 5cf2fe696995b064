//! What no policy should want.

use crate::stub_agent::beside_home;
use apprentice_robot::{DescriptionError, RobotDescription};
use rand::Rng;

const WILD: [f32; 8] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    1e-45,
    -1e30,
    -1e-40,
];

/// Makes hostile actions for one robot.
pub struct Hostile {
    robot: RobotDescription,
    home: Vec<f32>,
    far: Vec<f32>,
}

impl Hostile {
    /// Kinds of [`Self::bad`].
    pub const BAD: u64 = 6;
    /// Kinds of [`Self::adversarial`].
    pub const KINDS: u64 = 10;

    /// For this robot.
    ///
    /// # Errors
    /// When it has no kinematics.
    pub fn new(robot: &RobotDescription) -> Result<Self, DescriptionError> {
        let plain = |aside: f64| -> Result<Vec<f32>, DescriptionError> {
            Ok(if robot.is_cartesian() {
                beside_home(robot, aside)?
            } else {
                let joints = robot.home.iter().map(|q| *q as f32);
                let numbers: Vec<f32> = joints.chain([0.04]).collect();
                numbers.iter().map(|q| q + aside as f32).collect()
            })
        };
        Ok(Self {
            home: plain(0.0)?,
            far: plain(3.0)?,
            robot: robot.clone(),
        })
    }

    /// An action that is none: not finite, of another length, or no pose.
    pub fn bad(&self, kind: u64, rng: &mut impl Rng) -> Vec<f32> {
        let numbers = self.robot.action_dim();
        let mut action = self.home.clone();
        match kind {
            0 => vec![f32::NAN; numbers],
            1 => {
                // One wrong number among good ones.
                let place = rng.random_range(0..action.len());
                if let Some(number) = action.get_mut(place) {
                    *number = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][rng.random_range(0..3)];
                }
                action
            }
            2 => {
                action.truncate(rng.random_range(0..numbers));
                action
            }
            3 => vec![0.3; numbers + rng.random_range(1..40)],
            // Axes of length nothing, or almost.
            4 => {
                action.iter_mut().skip(3).take(6).for_each(|v| *v = 0.0);
                action
            }
            _ => {
                action.iter_mut().skip(3).take(6).for_each(|v| *v = 1e-45);
                action
            }
        }
    }

    /// An action of one of ten kinds; bad ones, far ones, ones that jump, and good ones.
    pub fn adversarial(&self, kind: u64, tick: u64, rng: &mut impl Rng) -> Vec<f32> {
        let mut action = self.home.clone();
        let numbers = action.len();
        match kind {
            0 => return self.bad(tick % Self::BAD, rng),
            1 => action.fill_with(|| WILD[rng.random_range(0..WILD.len())]),
            2 => action.fill_with(|| rng.random_range(-9.0..9.0)),
            3 => action.fill_with(|| rng.random_range(-1e30..1e30)),
            4 => return self.far.clone(),
            5 => action.iter_mut().for_each(|v| *v = -*v),
            6 => {
                let place = rng.random_range(0..numbers);
                if let Some(number) = action.get_mut(place) {
                    *number = WILD[rng.random_range(0..WILD.len())];
                }
            }
            // From one side to the other and back at every tick.
            7 => {
                let side = if tick.is_multiple_of(2) { 0.3 } else { -0.3 };
                action.iter_mut().take(3).for_each(|v| *v += side);
            }
            8 => action
                .iter_mut()
                .for_each(|v| *v += rng.random_range(-0.3..0.3)),
            _ => action
                .iter_mut()
                .take(3)
                .for_each(|v| *v += rng.random_range(-0.2..0.2)),
        }
        action
    }
}
