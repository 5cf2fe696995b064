//! Inverse kinematics of one pose: joints that put the tool there, found from several starts.

use crate::{DescriptionError, Kinematics, RobotDescription};
use apprentice_core::Seed;
use nalgebra::{DMatrix, DVector, Isometry3, Vector6};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

/// A pose is reached when the tool is this near to it, metres and radians.
pub const TOLERANCE: f64 = 1e-7;
/// Postures that are tried before a pose counts as out of reach: the one given, home, then random ones.
const STARTS: usize = 64;
/// Starts after which an arm that cannot reach every orientation settles for the nearest.
const STARTS_FOR_THE_WHOLE_POSE: usize = 24;
/// Steps from one start.
const STEPS: usize = 80;
/// A start is given up when this many steps have not halved its error.
const PATIENCE: usize = 12;
/// Largest change of a joint in one step, rad: beyond it the linear picture of the arm is worth nothing.
const STRIDE: f64 = 0.8;
/// Damping that is left where the error is none.
const LEAST_DAMPING: f64 = 1e-9;
/// How much an orientation counts beside a position (m/rad), tightened until position alone counts.
const WEIGHTS: [f64; 6] = [1.0, 0.1, 0.01, 1e-3, 2e-4, 0.0];

/// Joints for a pose.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseSolution {
    /// Within the robot's limits, rad.
    pub joints: Vec<f64>,
    /// How far the tool is from the pose, metres.
    pub position_error_m: f64,
    /// How far it is turned from it, radians. More than [`TOLERANCE`] only for an arm of fewer than six
    /// joints: as near as the arm could be turned there.
    pub orientation_error_rad: f64,
    /// Postures that were started from.
    pub starts: usize,
}

/// Why there are no joints for a pose.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum PoseError {
    /// Not this robot's numbers.
    #[error("{what} is {got}, allowed: {allowed}")]
    Input {
        /// Which input.
        what: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// Nothing found.
    #[error(
        "no joints of {robot} within its limits put the tool at the pose: the nearest of {starts} tries stays {position_m:.4} m and {orientation_rad:.4} rad away; choose a pose within reach"
    )]
    OutOfReach {
        /// The robot.
        robot: String,
        /// Postures that were started from.
        starts: usize,
        /// Metres.
        position_m: f64,
        /// Radians.
        orientation_rad: f64,
    },
}

/// Levenberg-Marquardt within joint limits, the damping as large as the error (Sugihara 2011), from several
/// starts. The same pose, start and seed always give the same joints.
#[derive(Clone, Debug)]
pub struct PoseSolver {
    robot: String,
    kinematics: Kinematics,
    limits: Vec<[f64; 2]>,
    home: Vec<f64>,
}

/// A posture on the way, and how far off its tool is.
struct Attempt {
    joints: Vec<f64>,
    position: f64,
    orientation: f64,
}

impl PoseSolver {
    /// For this robot.
    ///
    /// # Errors
    /// When its description has no kinematics.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        Ok(Self {
            robot: description.name.clone(),
            kinematics: Kinematics::new(description)?,
            limits: description.joints.iter().map(|j| j.position).collect(),
            home: description.home.clone(),
        })
    }

    /// Whether every orientation is possible in principle: from six joints on.
    #[must_use]
    pub fn reaches_any_orientation(&self) -> bool {
        self.limits.len() >= 6
    }

    /// Joints that put the tool at `target` (base frame), looked for first near `start` (rad).
    ///
    /// An arm of fewer than six joints that cannot reach the whole pose reaches its position, turned as near
    /// to it as it could be from the starts that were tried.
    ///
    /// # Errors
    /// When an input is not this robot's or not finite, or no joints are found.
    pub fn solve_pose(
        &self,
        target: &Isometry3<f64>,
        start: &[f64],
        seed: Seed,
    ) -> Result<PoseSolution, PoseError> {
        let count = self.limits.len();
        if start.len() != count || start.iter().any(|q| !q.is_finite()) {
            return Err(PoseError::Input {
                what: "the start",
                got: format!("{start:?}"),
                allowed: format!("{count} finite numbers (rad)"),
            });
        }
        // NaN is in no range.
        let sound = |v: &f64| (-1e6..1e6).contains(v);
        if !target.to_homogeneous().iter().all(sound) {
            return Err(PoseError::Input {
                what: "the pose",
                got: format!("{target}"),
                allowed: "finite numbers (m)".into(),
            });
        }
        let mut rng = seed.rng();
        let mut best: Option<Attempt> = None;
        let whole = if self.reaches_any_orientation() {
            STARTS
        } else {
            STARTS_FOR_THE_WHOLE_POSE
        };
        for tried in 0..whole {
            let mut attempt = self.start(tried, start, &mut rng, target);
            self.descend(&mut attempt, target, 1.0);
            if attempt.position < TOLERANCE && attempt.orientation < TOLERANCE {
                return Ok(attempt.solution(tried + 1));
            }
            let off = |a: &Attempt| a.position.hypot(a.orientation);
            if best.as_ref().is_none_or(|b| off(&attempt) < off(b)) {
                best = Some(attempt);
            }
        }
        let (position_m, orientation_rad) = best
            .as_ref()
            .map_or((f64::NAN, f64::NAN), |b| (b.position, b.orientation));
        if !self.reaches_any_orientation() {
            let near = self.nearest_turn(target, start, best, &mut rng);
            if let Some(attempt) = near {
                return Ok(attempt.solution(STARTS));
            }
        }
        Err(PoseError::OutOfReach {
            robot: self.robot.clone(),
            starts: STARTS,
            position_m,
            orientation_rad,
        })
    }

    /// Reaches the position, turned as near as may be.
    fn nearest_turn(
        &self,
        target: &Isometry3<f64>,
        start: &[f64],
        first: Option<Attempt>,
        rng: &mut ChaCha8Rng,
    ) -> Option<Attempt> {
        let rest = STARTS - STARTS_FOR_THE_WHOLE_POSE;
        let mut first = first;
        let mut best: Option<Attempt> = None;
        for tried in 0..rest {
            let mut attempt = match first.take() {
                Some(attempt) => attempt,
                None => self.start(tried, start, rng, target),
            };
            for weight in WEIGHTS {
                self.descend(&mut attempt, target, weight);
            }
            let reached = attempt.position < TOLERANCE;
            let nearer = |b: &Attempt| attempt.orientation < b.orientation;
            if reached && best.as_ref().is_none_or(nearer) {
                best = Some(attempt);
            }
        }
        best
    }

    fn start(
        &self,
        tried: usize,
        given: &[f64],
        rng: &mut ChaCha8Rng,
        target: &Isometry3<f64>,
    ) -> Attempt {
        let limits = self.limits.iter();
        let joints: Vec<f64> = match tried {
            0 => limits
                .zip(given)
                .map(|([low, high], q)| q.clamp(*low, *high))
                .collect(),
            1 => self.home.clone(),
            _ => limits
                .map(|[low, high]| rng.random_range(*low..=*high))
                .collect(),
        };
        let error = self.error(&joints, target);
        Attempt::new(joints, &error)
    }

    /// Goes downhill from a posture until it is there or gets no further. `weight` is what a radian counts
    /// beside a metre.
    fn descend(&self, attempt: &mut Attempt, target: &Isometry3<f64>, weight: f64) {
        let weights = Vector6::new(1.0, 1.0, 1.0, weight, weight, weight);
        let mut joints = attempt.joints.clone();
        let mut error = self.error(&joints, target);
        let (mut mark, mut since) = (f64::INFINITY, 0);
        for _ in 0..STEPS {
            let weighted = error.component_mul(&weights);
            let square = weighted.norm_squared();
            if square < (0.1 * TOLERANCE).powi(2) * weight.max(1e-3).powi(2) {
                break;
            }
            if square < 0.25 * mark {
                (mark, since) = (square, 0);
            } else {
                since += 1;
                if since > PATIENCE {
                    break;
                }
            }
            let Some(step) = self.step(&joints, &weighted, &weights, 0.5 * square) else {
                break;
            };
            for ((q, step), [low, high]) in joints.iter_mut().zip(step.iter()).zip(&self.limits) {
                *q = (*q + step).clamp(*low, *high);
            }
            error = self.error(&joints, target);
        }
        *attempt = Attempt::new(joints, &error);
    }

    /// The damped least-squares step, joints that would be pushed out of their limits left out.
    fn step(
        &self,
        joints: &[f64],
        weighted: &Vector6<f64>,
        weights: &Vector6<f64>,
        damping: f64,
    ) -> Option<DVector<f64>> {
        let mut jacobian = self.kinematics.jacobian(joints);
        for mut column in jacobian.column_iter_mut() {
            column.component_mul_assign(weights);
        }
        let count = joints.len();
        let gradient = jacobian.transpose() * weighted;
        let square = jacobian.transpose() * &jacobian;
        let mut held = vec![false; count];
        loop {
            let mut matrix: DMatrix<f64> = square.clone();
            let mut wanted: DVector<f64> = gradient.clone();
            for (i, _) in held.iter().enumerate().filter(|(_, held)| **held) {
                matrix.row_mut(i).fill(0.0);
                matrix.column_mut(i).fill(0.0);
                wanted[i] = 0.0;
            }
            for i in 0..count {
                matrix[(i, i)] += damping + LEAST_DAMPING;
            }
            let mut step = matrix.cholesky()?.solve(&wanted);
            let mut more = false;
            for (((held, q), step), [low, high]) in held
                .iter_mut()
                .zip(joints)
                .zip(step.iter())
                .zip(&self.limits)
            {
                let out = (*q <= *low && *step < 0.0) || (*q >= *high && *step > 0.0);
                if out && !*held {
                    (*held, more) = (true, true);
                }
            }
            if !more {
                let longest = step.amax();
                if longest > STRIDE {
                    step *= STRIDE / longest;
                }
                return Some(step);
            }
        }
    }

    /// From where the tool is to where it should be: metres, then radians, base frame.
    fn error(&self, joints: &[f64], target: &Isometry3<f64>) -> Vector6<f64> {
        let now = self.kinematics.tool_pose(joints);
        let shift = target.translation.vector - now.translation.vector;
        let turn = (target.rotation * now.rotation.inverse()).scaled_axis();
        Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z)
    }
}

impl Attempt {
    fn new(joints: Vec<f64>, error: &Vector6<f64>) -> Self {
        Self {
            joints,
            position: error.fixed_rows::<3>(0).norm(),
            orientation: error.fixed_rows::<3>(3).norm(),
        }
    }

    fn solution(self, starts: usize) -> PoseSolution {
        PoseSolution {
            joints: self.joints,
            position_error_m: self.position,
            orientation_error_rad: self.orientation,
            starts,
        }
    }
}
