//! How a simulated joint follows its target.
//!
//! Each joint is a second-order servo, critically damped by default:
//! `a = w^2 (target - q) - 2 d w v`, with `a` and `v` cut to the joint's limits and `q` kept inside
//! its range. This stands for the arm's own position controller and inertia; links, gravity and
//! contact do not push back on the joints. It is integrated with semi-implicit Euler.

/// What one joint can do.
#[derive(Clone, Copy, Debug)]
pub struct JointLimits {
    /// Lowest and highest position, rad.
    pub position: [f64; 2],
    /// Highest speed, rad/s.
    pub velocity: f64,
    /// Highest acceleration, rad/s^2.
    pub acceleration: f64,
    /// Deceleration with which it stops by itself, rad/s^2.
    pub braking: f64,
}

/// One simulated joint.
#[derive(Clone, Copy, Debug)]
pub struct JointServo {
    /// Where it is, rad.
    pub position: f64,
    /// How fast it moves, rad/s.
    pub velocity: f64,
    /// Where it is told to go, rad; nowhere while it stops.
    target: Option<f64>,
    limits: JointLimits,
    frequency: f64,
    damping: f64,
}

impl JointServo {
    /// A joint at rest at `position`; `frequency` is the natural frequency w (rad/s), `damping`
    /// the ratio d (1 is critical).
    #[must_use]
    pub fn new(position: f64, limits: JointLimits, frequency: f64, damping: f64) -> Self {
        let position = position.clamp(limits.position[0], limits.position[1]);
        Self {
            position,
            velocity: 0.0,
            target: Some(position),
            limits,
            frequency,
            damping,
        }
    }

    /// Goes to `target` (rad) from now on.
    pub fn follow(&mut self, target: f64) {
        self.target = Some(target);
    }

    /// Brakes as hard as its limits allow, and stays where it comes to rest.
    pub fn stop(&mut self) {
        self.target = None;
    }

    /// Goes `dt` seconds on.
    pub fn step(&mut self, dt: f64) {
        let w = self.frequency;
        let (wanted, most) = match self.target {
            Some(target) => (
                w * w * (target - self.position) - 2.0 * self.damping * w * self.velocity,
                self.limits.acceleration,
            ),
            None => (-self.velocity / dt, self.limits.braking),
        };
        let acceleration = wanted.clamp(-most, most);
        self.velocity =
            (self.velocity + acceleration * dt).clamp(-self.limits.velocity, self.limits.velocity);
        let next = self.position + self.velocity * dt;
        self.position = next.clamp(self.limits.position[0], self.limits.position[1]);
        if next != self.position {
            self.velocity = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrives_without_overshoot_and_never_breaks_a_limit() {
        let limits = JointLimits {
            position: [-1.0, 1.0],
            velocity: 0.8,
            acceleration: 10.0,
            braking: 5.0,
        };
        let mut joint = JointServo::new(0.0, limits, 25.0, 1.0);
        joint.follow(0.5);
        let mut highest = 0.0f64;
        for _ in 0..1000 {
            let before = joint.velocity;
            joint.step(0.0025);
            assert!(joint.velocity.abs() <= 0.8);
            assert!((joint.velocity - before).abs() <= 10.0 * 0.0025 + 1e-12);
            highest = highest.max(joint.position);
        }
        assert!((joint.position - 0.5).abs() < 1e-4);
        assert!(highest < 0.55, "{highest}");
        joint.follow(7.0);
        (0..2000).for_each(|_| joint.step(0.0025));
        assert_eq!((joint.position, joint.velocity), (1.0, 0.0));
        joint.follow(0.0);
        (0..100).for_each(|_| joint.step(0.0025));
        let (from, speed) = (joint.position, joint.velocity);
        joint.stop();
        (0..100).for_each(|_| joint.step(0.0025));
        // It comes to rest within the braking distance, without turning back.
        assert_eq!(joint.velocity, 0.0);
        let (way, least) = (from - joint.position, speed * speed / 10.0);
        assert!(way > 0.9 * least && way <= least + 0.0025 * speed.abs());
        let rest = joint.position;
        (0..100).for_each(|_| joint.step(0.0025));
        assert_eq!(joint.position, rest);
    }
}
