//! How sure are we? Intervals of shares, tests that may be looked at after every episode, and ratings from comparisons.
//!
//! ```
//! use apprentice_statistics::{
//!     Comparisons, PairedDecision, PairedTest, Preferred, SafetyTest, StopRule, Strengths,
//! };
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
//!
//! // Of three policies, which was preferred to which, and which two to compare next?
//! let mut comparisons = Comparisons::new(3)?;
//! comparisons.add(0, 1, Preferred::Second)?;
//! comparisons.add(1, 2, Preferred::First)?;
//! let strengths = Strengths::of(&comparisons);
//! assert_eq!(strengths.order()[0], 1);
//! let rule = StopRule::new(0.05, 2.0 / 3.0)?;
//! assert_eq!(rule.next_pair(&strengths, 0, |_, _| true), Some((0, 2)));
//! assert!(!rule.is_met(&strengths));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod beta;
pub mod change;
pub mod clopper_pearson;
pub mod comparisons;
mod error;
mod kendall;
mod mixture;
mod normal;
pub mod paired;
pub mod pairing;
mod positive_definite;
pub mod safety_test;
mod search;
pub mod strengths;
mod student;
mod wilson;

pub use change::ChangeDetector;
pub use comparisons::{Comparisons, Preferred};
pub use error::StatisticsError;
pub use kendall::kendall_tau_b;
pub use paired::{PairedDecision, PairedTest};
pub use pairing::StopRule;
pub use safety_test::SafetyTest;
pub use strengths::Strengths;
pub use student::mean_interval;
pub use wilson::Proportion;
