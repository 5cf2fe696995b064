//! Judges what the arm does, from what people and clients did alone.

use crate::cell::{Cell, RUNTIME};

/// Slower than this a joint is at rest, rad/s: a servo comes to its last target ever more slowly.
const REST: f64 = 2e-3;
/// How far a joint may still creep once it counts as at rest, rad.
const CREEP: f64 = 2e-3;
/// How long servos take to come to a target that stands still, seconds.
const SETTLE_S: f64 = 0.6;

/// Until when the arm may move, and where it came to rest.
#[derive(Default)]
struct Rest {
    until_ns: u64,
    at: Option<Vec<f64>>,
}

impl Rest {
    fn new(until_ns: u64) -> Self {
        Self { until_ns, at: None }
    }

    /// The arm is at rest once it has to be, and stays.
    fn check(&mut self, cell: &Cell, why: &str) {
        if cell.state.stamp_ns < self.until_ns {
            return;
        }
        let speed = cell
            .state
            .velocities
            .iter()
            .map(|v| v.abs())
            .fold(0.0, f64::max);
        assert!(
            speed < REST,
            "{why}: it moves with {speed} rad/s at {} ns",
            cell.state.stamp_ns
        );
        let here = &cell.state.positions;
        let rest = self.at.get_or_insert_with(|| here.clone());
        let apart = here.iter().zip(rest).map(|(a, b)| (a - *b).abs());
        let apart = apart.fold(0.0, f64::max);
        assert!(
            apart < CREEP,
            "{why}: it went {apart} rad from where it came to rest"
        );
    }
}

/// What must be at rest, and why.
#[derive(Default)]
pub struct Watch {
    stop: Option<Rest>,
    nobody: Option<Rest>,
    /// How many of each were watched, and control ticks in which the arm moved.
    pub stops: u64,
    pub let_go: u64,
    pub moved: u64,
}

impl Watch {
    /// Somebody asked for a stop.
    pub fn stopped(&mut self, cell: &Cell) {
        let joints = cell.joints.iter().zip(&cell.robot.joints);
        let braking = joints.map(|(j, l)| j.velocity.abs() / l.acceleration);
        let seconds = braking.fold(0.0, f64::max) + 2.0 / cell.robot.control_hz;
        self.stop = Some(Rest::new(cell.state.stamp_ns + (seconds * 1e9) as u64));
        self.stops += 1;
    }

    /// Somebody who may has lifted it on purpose.
    pub fn lifted(&mut self) {
        self.stop = None;
    }

    /// A person has let go of the arm: the runtime brakes it, and its servos come to rest.
    pub fn nobody(&mut self, cell: &Cell, braking_ticks: usize) {
        let seconds = (braking_ticks as f64 + 2.0) / cell.robot.control_hz + SETTLE_S;
        self.nobody = Some(Rest::new(cell.state.stamp_ns + (seconds * 1e9) as u64));
        self.let_go += 1;
    }

    /// A person has taken it, or handed it back.
    pub fn somebody(&mut self) {
        self.nobody = None;
    }

    /// A control period has passed.
    pub fn check(&mut self, cell: &Cell, braking_ticks: usize) {
        let speed = cell
            .state
            .velocities
            .iter()
            .map(|v| v.abs())
            .fold(0.0, f64::max);
        self.moved += u64::from(speed > 0.01);
        if let Some(rest) = &mut self.stop {
            rest.check(cell, "stopped");
        }
        // Whoever else owns the arm moves it without our runtime, and without the people who take that over.
        if cell.endpoint.status().owner != RUNTIME {
            if self.nobody.is_some() {
                self.nobody(cell, braking_ticks);
                self.let_go -= 1;
            }
        } else if let Some(rest) = &mut self.nobody {
            rest.check(cell, "nobody has it");
        }
    }
}
