//! What the operator prefers: judgements of episodes, kept for good, and what they teach.
//!
//! A [`Judgement`] says something of episodes or parts of them: an order with ties, a rating, a correction, whether
//! the task was done, and so on ([`Answer`]). The [`JudgementLog`] is append-only and durable. [`triplets`] and
//! [`pairs`] are what the encoder and the policy learn from. A [`Judge`] answers a [`Question`] with a judgement: a
//! person, an operator made of numbers whose error rate is exact, or a rule on what was measured ([`JudgeKind`]
//! lists them).
//!
//! ```
//! use apprentice_preference::{Judgement, JudgementLog, pairs};
//! # let folder = std::env::temp_dir().join(format!("judgements-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("judgements.jsonl");
//! let mut log = JudgementLog::open(&path)?;
//! // The second clip was best, the other two are equally good.
//! let tiers = vec![vec!["b".into()], vec!["a".into(), "c".into()]];
//! log.append(&Judgement::ranking(0, "ann", 1.0, tiers, None))?;
//! assert_eq!(pairs(JudgementLog::open(&path)?.judgements()).len(), 2);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Files to read first: `judgement.rs`, `answer.rs`, `comparison.rs`, `log.rs`, `judge.rs`.
//!
//! # Adding a judge
//!
//! One file below `judges/` with its settings, which implement [`Judge`], and one line in `judges.rs`;
//! [`check_judge`] is then run on it.

#![deny(missing_docs)]

mod answer;
mod asked;
mod comparison;
mod conformance;
mod error;
mod expression;
mod grouping;
mod item;
mod judge;
mod judgement;
pub mod judges;
mod log;
mod order;
mod question;
mod revocation;
mod scalar_answer;
mod success;
mod terminal;
mod unused;
mod validation;
mod version_1;

pub use answer::{ActionSegment, Answer, Instead, Scale, Verdict};
pub use asked::Asked;
pub use comparison::{Pair, Triplet, equal_pairs, pairs, triplets};
pub use conformance::check_judge;
pub use error::PreferenceError;
pub use expression::{Expression, ExpressionError, KnownFact, Value};
pub use grouping::groups_of_four;
pub use item::{Item, Span};
pub use judge::{Judge, JudgeInputs};
pub use judgement::{Judgement, Presentation};
pub use judges::JudgeKind;
pub use judges::person::Person;
pub use judges::rule::Rule;
pub use judges::simulated_operator::SimulatedOperator;
pub use judges::teacher::{MistakesOn, Teacher, TeacherAnswer};
pub use log::{FORMAT_VERSION, JudgementLog, LogContents, RecoveredLog};
pub use order::{Order, OrderError, parse_order};
pub use question::{Question, QuestionKind};
pub use revocation::{is_revocation, is_wish, standing, taken_back};
pub use success::success_labels;
pub use terminal::Terminal;
pub use unused::{
    RANKING, RANKING_OF_SPANS, RANKING_OF_SPANS_ON_AXIS, RANKING_ON_AXIS, unused, unused_sentence,
};
pub use validation::validate;
