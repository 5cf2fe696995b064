//! The stages of the loop; each reads what earlier ones wrote and nothing else.

pub mod align;
pub mod cells;
pub mod demonstrate;
pub mod evaluate;
pub mod policy;
pub mod rank;
pub mod reward;
pub mod rollout;
pub mod scenes;
