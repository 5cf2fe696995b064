//! What is really in the scene: for the task, its experts and whoever measures. It never goes on the link.

use nalgebra::Isometry3;

/// What one finger presses on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Which body of the scene.
    pub body: usize,
    /// The body's part, as the task numbers them.
    pub part: u32,
    /// Whether the finger presses the part away from the body's z axis, so is inside a hollow body.
    pub from_inside: bool,
}

/// How the hand holds things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holding {
    /// What both fingers press on is attached to the tool until they open.
    #[default]
    Attachment,
    /// Fingers squeeze and friction carries; what is held may slip.
    Friction,
}

/// A body held between the fingers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which body of the scene.
    pub body: usize,
    /// What each finger pressed on when the hold began: the one at +y of the tool frame, the one at -y.
    pub touches: [Touch; 2],
}

/// Where a body is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BodyState {
    /// The task's word for it.
    pub name: &'static str,
    /// Its frame in the base frame, now.
    pub pose: Isometry3<f64>,
    /// Its frame in the base frame when the scene began.
    pub start: Isometry3<f64>,
    /// Normal force with which palm and fingers press on it now, N; 0 while it is held, since a hold is
    /// attachment.
    pub contact_force_n: f64,
}

/// What is really there.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The bodies, in the task's order.
    pub bodies: Vec<BodyState>,
    /// The tool frame in the base frame.
    pub tool: Isometry3<f64>,
    /// Opening of the fingers, metres.
    pub width_m: f64,
    /// What is held now.
    pub held: Option<Hold>,
    /// What is held, or was held last.
    pub last_held: Option<Hold>,
    /// Time since the scene began, seconds.
    pub time_s: f64,
}

impl Scene {
    /// Where a body is now, base frame; the base itself where there is no such body.
    #[must_use]
    pub fn pose(&self, body: usize) -> Isometry3<f64> {
        self.bodies
            .get(body)
            .map_or_else(Isometry3::identity, |b| b.pose)
    }

    /// How much higher a body is than when the scene began, metres.
    #[must_use]
    pub fn lifted_m(&self, body: usize) -> f64 {
        self.bodies
            .get(body)
            .map_or(0.0, |b| b.pose.translation.z - b.start.translation.z)
    }

    /// Whether this body is held now.
    #[must_use]
    pub fn holds(&self, body: usize) -> bool {
        self.held.is_some_and(|h| h.body == body)
    }
}
