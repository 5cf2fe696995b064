//! One joint in the guard.

use crate::Interventions;
use crate::limits::Limits;
use crate::shaping::{self, Motion, Stream};

/// A joint on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct JointMotion {
    pub limits: Limits,
    pub velocity: f64,
    /// How much the velocity changed in the last period.
    pub change: f64,
    pub stream: Stream,
    /// Whether the last command was what was proposed.
    pub follows: bool,
    pub wanted: f64,
    /// Speed for the coming period, and the position it leads to exactly, if any.
    pub speed: f64,
    pub exact: Option<f64>,
    /// What it gets if nothing stands in the way.
    pub shaped: f64,
    // Room for looking ahead.
    pub ahead_speed: f64,
    pub ahead_change: f64,
}

impl JointMotion {
    /// At rest here, which it is told to be.
    pub fn new(limits: Limits, position: f64) -> Self {
        Self {
            limits,
            velocity: 0.0,
            change: 0.0,
            stream: Stream::at(position),
            follows: true,
            wanted: 0.0,
            speed: 0.0,
            exact: None,
            shaped: 0.0,
            ahead_speed: 0.0,
            ahead_change: 0.0,
        }
    }

    /// Makes what is wanted a speed within the joint's limits.
    pub fn shape(&mut self, position: f64, period: f64) -> Interventions {
        let at = Motion {
            position,
            speed: self.velocity,
            change: self.change,
        };
        let shaped = if self.limits.is_jerk_limited() {
            let stream = &mut self.stream;
            shaping::jerk_limited_step(self.wanted, at, stream, self.follows, &self.limits, period)
        } else {
            shaping::step(self.wanted, at, &self.limits, period)
        };
        self.shaped = shaped.speed;
        self.exact = shaped.exact;
        shaped.interventions
    }

    /// Takes so much of the way from braking to the shaped speed.
    pub fn blend(&mut self, part: f64) {
        let braked = shaping::brake(self.velocity, self.change, &self.limits);
        self.speed = braked + part * (self.shaped - braked);
        if part < 1.0 {
            self.exact = None;
        } else if self.exact.is_some() {
            self.speed = self.shaped;
        }
    }

    pub fn rests_ahead(&self) -> bool {
        shaping::is_at_rest(self.ahead_speed, self.ahead_change, &self.limits)
    }

    pub fn brake_ahead(&mut self) {
        let speed = shaping::brake(self.ahead_speed, self.ahead_change, &self.limits);
        self.ahead_change = speed - self.ahead_speed;
        self.ahead_speed = speed;
    }
}
