//! The stages of the loop; each reads what earlier ones wrote and nothing else.

pub mod align;
pub mod cells;
pub mod demonstrate;
pub mod earlier;
pub mod evaluate;
pub mod notes;
pub mod policy;
pub mod rank;
pub mod results;
pub mod reward;
pub mod rollout;
pub mod scenes;
pub mod success;
pub mod viewer_file;
