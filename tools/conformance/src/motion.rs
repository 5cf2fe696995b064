//! Random smooth motions of an arm within its limits.

use apprentice_robot::{Kinematics, RobotDescription};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// How far each joint may be from the home of the robot, rad: ours.
const REACH: f64 = 0.25;
/// Highest joint speed, rad/s. The node drives a joint session at a fifth of the arm's limits (its
/// default), 0.52 rad/s for the slowest joints; ours is well below.
const FASTEST: f64 = 0.35;
/// Metres the tool keeps from the sides of the workspace.
const INSIDE: f64 = 0.03;

/// A rest-to-rest motion with the least jerk between two joint positions.
#[derive(Clone, Debug)]
pub struct Motion {
    from: Vec<f64>,
    to: Vec<f64>,
    /// Seconds it takes.
    pub seconds: f64,
}

impl Motion {
    /// From here to somewhere near home, so that the tool stays in the workspace all the way; `None` when
    /// nowhere was found.
    pub fn random(
        rng: &mut ChaCha8Rng,
        robot: &RobotDescription,
        kinematics: &Kinematics,
        from: &[f64],
    ) -> Option<Self> {
        for _ in 0..1000 {
            let to: Vec<f64> = robot
                .home
                .iter()
                .zip(&robot.joints)
                .map(|(home, joint)| {
                    let [low, high] = joint.position;
                    (home + rng.random_range(-REACH..REACH)).clamp(low + 0.15, high - 0.15)
                })
                .collect();
            let farthest = from
                .iter()
                .zip(&to)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            // Such a motion is fastest in its middle, at 15/8 of its mean speed.
            let seconds = (farthest * 1.875 / FASTEST).max(1.5);
            let motion = Self {
                from: from.to_vec(),
                to,
                seconds,
            };
            // Where the arm starts it already is.
            let inside = (1..=20).all(|i| {
                let at = kinematics
                    .tool_pose(&motion.at(seconds * f64::from(i) / 20.0))
                    .translation
                    .vector;
                robot.workspace.is_none_or(|w| {
                    (0..3).all(|a| at[a] > w.min[a] + INSIDE && at[a] < w.max[a] - INSIDE)
                })
            });
            if inside {
                return Some(motion);
            }
        }
        None
    }

    /// Joint positions after so many seconds.
    #[must_use]
    pub fn at(&self, seconds: f64) -> Vec<f64> {
        let t = (seconds / self.seconds).clamp(0.0, 1.0);
        let part = t * t * t * (10.0 + t * (-15.0 + 6.0 * t));
        self.from
            .iter()
            .zip(&self.to)
            .map(|(a, b)| a + part * (b - a))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn motions_begin_and_end_at_rest_within_speed_and_workspace() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let kinematics = Kinematics::new(&robot).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut at = robot.home.clone();
        for _ in 0..20 {
            let motion = Motion::random(&mut rng, &robot, &kinematics, &at).unwrap();
            assert_eq!(motion.at(0.0), at);
            let mut before = at.clone();
            let ticks = (motion.seconds * 100.0) as u32;
            for tick in 1..=ticks {
                let now = motion.at(f64::from(tick) / 100.0);
                for (a, b) in before.iter().zip(&now) {
                    assert!((a - b).abs() * 100.0 < FASTEST * 1.001);
                }
                before = now;
            }
            at = motion.at(motion.seconds);
        }
    }
}
