//! Who demonstrates a task.

use crate::scene::Scene;
use apprentice_core::CartesianAction;
use nalgebra::Isometry3;
use std::fmt;

/// What the demonstrator does in one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpertStep {
    /// The clean action: what to learn.
    pub label: CartesianAction,
    /// The action to execute: the label plus the disturbance.
    pub executed: CartesianAction,
    /// The demonstration is over.
    pub done: bool,
}

/// One demonstration being given.
pub trait Expert: fmt::Debug + Send {
    /// What to do now, from the measured tool pose (base frame) and finger opening (metres), and from what is
    /// really in the scene.
    fn act(&mut self, tool: &Isometry3<f64>, width: f64, scene: &Scene) -> ExpertStep;
}
