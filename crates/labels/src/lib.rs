//! Other people's clips and labels: how well each way of learning a preference foretells labels it has not seen.
//!
//! [`read_labels`] reads answers about clips by name, [`read_clips`] their pictures, [`read_npz`] arrays of
//! observations and actions. [`evaluate`] fits each [`Member`] to a number of labels, again and again, and counts how
//! often it is right about clips that none of them named.
//!
//! ```
//! use apprentice_encoder::FeatureClip;
//! use apprentice_labels::{Labelled, LabelledClips, Plan, evaluate, members_of_clips};
//!
//! # fn main() -> Result<(), apprentice_labels::LabelsError> {
//! // Forty clips of one frame with two numbers; of each two, the one with the higher first number is better.
//! let clip = |i: usize| FeatureClip::vision(2, vec![(i * 7 % 40) as f32, (i * 3 % 5) as f32]);
//! let clips: Vec<_> = (0..40).map(clip).collect();
//! let height = |i: &usize| std::cmp::Reverse(i * 7 % 40);
//! let labels = (0..40).flat_map(|a| (0..a).map(move |b| [a, b]));
//! let labels = labels.map(|mut pair| {
//!     pair.sort_by_key(height);
//!     Labelled { tiers: pair.iter().map(|&clip| vec![clip]).collect() }
//! });
//! let labelled = LabelledClips { clips, labels: labels.collect(), observations: None };
//! let plan = Plan { labels: vec![20], draws: 4, seed: 1 };
//! let found = evaluate(&labelled, &members_of_clips(), &plan)?;
//! let kernel = found.iter().find(|f| f.member == "kernel_bradley_terry");
//! assert!(kernel.is_some_and(|f| f.accuracy > 0.6));
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

mod answers;
mod array;
mod clips;
mod error;
mod evaluation;
mod features;
mod labelled_clips;
mod members;
mod npz;
mod picture;
mod video;

pub use answers::{Answers, read_labels};
pub use clips::read_clips;
pub use error::LabelsError;
pub use evaluation::{Accuracy, Plan, evaluate};
pub use features::features;
pub use labelled_clips::{Labelled, LabelledClips};
pub use members::{Member, members_of_arrays, members_of_clips};
pub use npz::read_npz;
