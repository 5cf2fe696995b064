//! Which question is asked next: groups of episodes, chosen by what their order is worth.
//!
//! A [`QueryStrategy`] (the registry [`Strategy`] lists those there are) chooses a group of a [`Pool`] by what a
//! [`Committee`] of models thinks of the episodes, learnt from the answers so far, and by how far apart they are
//! ([`Distances`]). The committee is learnt on a thread of its own ([`Background`]): a question comes from the newest
//! there is, and nobody waits. [`information`] and [`accuracy_gain`] say what an answer is expected to be worth,
//! [`AnswerTime`] what it costs, [`Stability`] whether one can stop, [`Consistency`] how consistent a person is.
//!
//! ```
//! use apprentice_core::Seed;
//! use apprentice_query::{AnswerTime, Committee, Pool, QueryInputs, Strategy};
//!
//! // Two members agree on all of five episodes but the last two.
//! let scores = vec![vec![5.0, 4.0, 3.0, 2.0, 1.0], vec![5.0, 4.0, 3.0, 1.0, 2.0]];
//! let (pool, committee) = (Pool::of(5, 2), Committee::of_scores(scores, 3));
//! let inputs = QueryInputs {
//!     pool: &pool,
//!     distances: None,
//!     committee: Some(&committee),
//!     time: AnswerTime::default(),
//!     seed: Seed(1),
//! };
//! let mut group = Strategy::named("disagreement").and_then(|s| s.choose(&inputs)).unwrap_or_default().group;
//! group.sort();
//! assert_eq!(group, [3, 4]);
//! ```
//!
//! Files to read first: `query_strategy.rs`, `strategies/information.rs`, `committee.rs`, `worth.rs`.
//!
//! # Adding a strategy
//!
//! One file below `strategies/` with its settings, which implement [`QueryStrategy`], and one line in `strategies.rs`.

#![recursion_limit = "256"]
#![deny(missing_docs)]

mod answer_time;
mod asked_again;
mod background;
mod committee;
mod distances;
mod k_medoids;
mod orders;
mod pool;
mod query_strategy;
mod stopping;
pub mod strategies;
mod worth;

pub use answer_time::AnswerTime;
pub use asked_again::{Consistency, question_again};
pub use background::Background;
pub use committee::Committee;
pub use distances::Distances;
pub use k_medoids::k_medoids;
pub use orders::{entropy, orders, probability_of_order};
pub use pool::{Part, Pool};
pub use query_strategy::{Choice, QueryInputs, QueryStrategy};
pub use stopping::{Advice, Stability};
pub use strategies::Strategy;
pub use worth::{Worth, accuracy_gain, disagreement, information};
