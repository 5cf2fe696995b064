//! The record of every trial of a policy on a robot: what was tried, from which start, and how it went. The gate
//! of promotion, the watch after it and the reports count from here.

mod log;
mod trial;

pub use log::{TrialLog, TrialLogContents};
pub use trial::{
    EpisodeFile, Guarding, Judge, PolicyIdentity, PolicyRole, Purpose, Start, Trial, Verdict,
};
