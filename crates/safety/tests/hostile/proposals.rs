//! What nobody should propose, and what nobody can have measured.

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Numbers no measurement and no command should hold.
const WILD: [f64; 10] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e308,
    -1e308,
    f64::MAX,
    f64::MIN,
    5e-324,
    -5e-324,
    f64::MIN_POSITIVE,
];
const STYLES: u32 = 14;

pub fn at(positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 0,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width: 0.08,
        efforts: None,
        external_wrench: None,
    }
}

/// Commands in fourteen styles, each held for a while.
pub struct Proposer {
    style: u32,
    until: u64,
    /// What a chunk of actions that was swapped in makes the joints do: where they start, how far, how fast.
    chunk: Vec<(f64, f64, f64)>,
    since: u64,
    walk: Vec<f64>,
    clock_ns: i128,
}

impl Proposer {
    pub fn new(robot: &RobotDescription) -> Self {
        Self {
            style: 0,
            until: 0,
            chunk: robot.home.iter().map(|q| (*q, 0.0, 1.0)).collect(),
            since: 0,
            walk: robot.home.clone(),
            clock_ns: 0,
        }
    }

    pub fn style(&self) -> u32 {
        self.style
    }

    /// What the guard is told the time is: it jumps now and then, back as well.
    pub fn now_ns(&mut self, rng: &mut ChaCha8Rng, period_ns: u64) -> u64 {
        self.clock_ns += i128::from(period_ns);
        if rng.random_bool(0.001) {
            self.clock_ns = match rng.random_range(0..4) {
                0 => 0,
                1 => i128::from(u64::MAX),
                2 => self.clock_ns - 3_600_000_000_000,
                _ => self.clock_ns + 3_600_000_000_000,
            };
        }
        self.clock_ns.clamp(0, i128::from(u64::MAX)) as u64
    }

    pub fn next(
        &mut self,
        robot: &RobotDescription,
        place: &[f64],
        (tick, now_ns): (u64, u64),
        rng: &mut ChaCha8Rng,
    ) -> JointCommand {
        let half_second = (robot.control_hz / 2.0) as u64;
        if tick >= self.until {
            self.style = rng.random_range(0..STYLES);
            self.until = tick + rng.random_range(1..=half_second.max(50));
            self.walk.copy_from_slice(place);
        }
        // A new chunk at any tick, from here or from anywhere.
        if rng.random_bool(0.01) {
            self.since = tick;
            let from_here = rng.random_bool(0.5);
            for ((start, far, pace), (joint, q)) in
                self.chunk.iter_mut().zip(robot.joints.iter().zip(place))
            {
                let [low, high] = joint.position;
                *start = if from_here {
                    *q
                } else {
                    rng.random_range(low..high)
                };
                *far = rng.random_range(-0.5..0.5);
                *pace = rng.random_range(0.2..8.0);
            }
        }
        let joints = robot.joints.len();
        let count = if self.style == 3 && rng.random_bool(0.01) {
            rng.random_range(0..12)
        } else {
            joints
        };
        let seconds = (tick - self.since) as f64 / robot.control_hz;
        let mut positions = Vec::with_capacity(count);
        for i in 0..count {
            let i = i.min(joints - 1);
            let [low, high] = robot.joints[i].position;
            let speed = robot.joints[i].velocity / robot.control_hz;
            let (start, far, pace) = self.chunk[i];
            positions.push(match self.style {
                0 => WILD[rng.random_range(0..WILD.len())],
                1 if tick.is_multiple_of(2) => high,
                1 => low,
                2 => rng.random_range(low - 1.0..high + 1.0),
                3 => place[i] + rng.random_range(-0.05..0.05),
                4 => high + 10.0,
                5 => low - 10.0,
                6 => robot.home[i],
                7 => place[i] + 0.02,
                // A sinus from where the chunk starts, as fast as some joints can and others cannot.
                8 | 9 => start + far * (pace * seconds).sin(),
                // A random walk, of the size of steps the joint can take.
                10 => {
                    self.walk[i] += rng.random_range(-1.5..1.5) * speed;
                    self.walk[i]
                }
                // Full speed this way, then that way.
                11 if (tick / (half_second / 4).max(1)).is_multiple_of(2) => place[i] + 2.0 * speed,
                11 => place[i] - 2.0 * speed,
                // Flips of sign.
                12 => -place[i],
                // One joint to its limit, the others stay.
                _ if i == (tick / half_second.max(1)) as usize % joints => high,
                _ => place[i],
            });
        }
        JointCommand {
            sequence: tick,
            positions,
            stamp_ns: match self.style {
                7 if rng.random_bool(0.3) => rng.random(),
                _ => now_ns,
            },
            gripper_width: match rng.random_range(0..20) {
                0 => f64::NAN,
                1 => WILD[rng.random_range(0..WILD.len())],
                _ => rng.random_range(-1.0..1.0),
            },
        }
    }
}

/// What is measured when the arm was told to go through `path`: where it should be, where it was some
/// time ago, noise, somewhere else, or nothing that could be.
pub fn measurement(style: u32, path: &[Vec<f64>], rng: &mut ChaCha8Rng) -> RobotState {
    let newest = path.last().unwrap();
    let ago = |ticks: usize| path[path.len().saturating_sub(ticks + 1)].clone();
    let mut state = match style {
        0..=3 => at(newest.clone()),
        4 => at(ago(10)),
        5 => at(ago(200)),
        6 => at(newest
            .iter()
            .map(|q| q + rng.random_range(-0.2..0.2))
            .collect()),
        7 => at(vec![WILD[rng.random_range(0..WILD.len())]; newest.len()]),
        // It lies: another pose, all at once, as long as this lasts.
        8 => at(newest.iter().map(|q| q - 1.5).collect()),
        _ => at(vec![0.1; rng.random_range(0..12)]),
    };
    if style == 6 && rng.random_bool(0.1) {
        state.gripper_width = f64::NAN;
    }
    state
}
