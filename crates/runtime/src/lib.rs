//! Where the circle closes: a learnt policy decides for an arm, through the guard, and what the arm does
//! becomes an episode to learn from.
//!
//! [`policy_agent`] is a diffusion policy as one who decides. The loop that moves the arm, and everything
//! else of it, is [`apprentice_control`], which knows nothing of learning and is re-exported here.

#![recursion_limit = "256"]

pub mod policy_agent;

pub use apprentice_control::*;
pub use policy_agent::PolicyAgent;
