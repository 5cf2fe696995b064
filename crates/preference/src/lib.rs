//! What the operator prefers: judgements of episodes, kept for good, and what they teach.
//!
//! A [`Judgement`] ranks a handful of episodes, best first, ties allowed. The [`JudgementLog`] is
//! append-only and durable. [`triplets`] and [`pairs`] are what the encoder and the policy learn
//! from. A [`SimulatedOperator`] answers in a person's place, with an error rate that is exact.
//!
//! Files to read first: `judgement.rs`, `comparison.rs`, `log.rs`.

mod comparison;
mod error;
mod expression;
mod grouping;
mod judgement;
mod log;
mod operator;
mod order;

pub use comparison::{Pair, Triplet, equal_pairs, pairs, triplets};
pub use error::PreferenceError;
pub use expression::{Expression, ExpressionError, KnownFact, Value};
pub use grouping::groups_of_four;
pub use judgement::{FORMAT_VERSION, Judgement, validate};
pub use log::{JudgementLog, Opened, Said};
pub use operator::SimulatedOperator;
pub use order::{Order, OrderError, parse_order};
