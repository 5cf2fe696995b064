//! How sure are we? Intervals of shares, and tests that may be looked at after every episode.
//!
//! ```
//! use apprentice_statistics::{PairedDecision, PairedTest, SafetyTest};
//!
//! # fn main() -> Result<(), apprentice_statistics::StatisticsError> {
//! // Two policies from the same starts: is the second worse by 3 points or more?
//! let mut pairs = PairedTest::new(0.05, 0.03)?;
//! for _ in 0..12 {
//!     pairs.observe(false, true);
//! }
//! assert_eq!(pairs.decision(), PairedDecision::Better);
//!
//! // Are fewer than one episode in ten bad?
//! let mut safety = SafetyTest::new(0.1, 0.05)?;
//! for _ in 0..20 {
//!     safety.observe(false);
//! }
//! assert!(!safety.is_safe());
//! assert_eq!(safety.clean_episodes_wanted(), 14);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod beta;
pub mod change;
pub mod clopper_pearson;
mod error;
mod mixture;
pub mod paired;
pub mod safety_test;
mod search;
mod wilson;

pub use change::ChangeDetector;
pub use error::StatisticsError;
pub use paired::{PairedDecision, PairedTest};
pub use safety_test::SafetyTest;
pub use wilson::Proportion;
