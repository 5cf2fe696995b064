//! Reading the parts of a URDF file that say how an arm moves and how much room it takes.
//!
//! Read: links with their collision boxes, cylinders and spheres; joints with origin, axis and limits. Meshes
//! are not: an arm whose collision shapes are meshes has none here, and [`SerialChain::warnings`] says so.

mod model;
mod serial;

pub use model::{Limit, Urdf};
pub use serial::{SerialChain, Shape};

#[cfg(test)]
mod tests;
