//! Where messages go: `apprentice/<robot>/...`.

/// The keys of one robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys of the robot called `robot`.
    #[must_use]
    pub fn new(robot: &str) -> Self {
        Self {
            prefix: format!("apprentice/{robot}"),
        }
    }

    /// Joint state, published by the robot.
    #[must_use]
    pub fn state(&self) -> String {
        format!("{}/state", self.prefix)
    }

    /// Joint commands, published to the robot.
    #[must_use]
    pub fn command(&self) -> String {
        format!("{}/command", self.prefix)
    }

    /// Frames of a camera, published by the robot.
    #[must_use]
    pub fn camera(&self, name: &str) -> String {
        format!("{}/camera/{name}", self.prefix)
    }

    /// The robot's description, asked of it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}/describe", self.prefix)
    }

    /// The next tick, asked of a robot in lockstep.
    #[must_use]
    pub fn clock(&self) -> String {
        format!("{}/clock", self.prefix)
    }

    /// A new scene, asked of a robot that can set one up.
    #[must_use]
    pub fn reset(&self) -> String {
        format!("{}/reset", self.prefix)
    }

    /// What a person at the controls would do now, asked of their device.
    #[must_use]
    pub fn teleop(&self) -> String {
        format!("{}/teleop", self.prefix)
    }
}
