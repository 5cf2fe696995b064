//! Every policy a run has had, which of them is the arm's, and how it became that.
//!
//! Below `versions/` of a run's folder: `NNNN.safetensors` and `NNNN.json` for each version, `events/NNNNNN.json` for
//! each promotion and each way back. None of these is ever overwritten. `watch/NNNN.json` is how the watch over a
//! promoted version stands.

pub mod event;
pub mod evidence;
pub mod fresh;
pub mod gate;
pub mod keeping;
pub mod promise;
pub mod promotion;
pub mod store;
pub mod version;
pub mod watch;
