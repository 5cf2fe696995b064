//! A blind tournament of a run's versions: people see two episodes at a time, say which they like better, and are told
//! which version is which afterwards. Which two versions come next follows from what is least certain, and a rule with a
//! stated error says when there is nothing more to ask ([`apprentice_statistics::StopRule`]).
//!
//! Each operator has a log of their own below `tournament/` of the run's folder ([`crate::checked_log`]), and a rating of
//! their own; what operators disagree on is said and never only averaged. A terminal and a page go the same way:
//! [`Tournament::open`], then for an operator [`Tournament::next`], [`Tournament::answer`] and so on, and
//! [`Tournament::standings`] at any time. The same question comes until it is answered, in whatever process.

pub mod answer;
pub mod entrants;
mod operator_log;
pub mod question;
pub mod standings;
mod tournament_of_run;

pub use answer::{MatchEntry, Said, Shown, Verdict};
pub use question::{Clip, MatchQuestion, Next};
pub use standings::Standings;
pub use tournament_of_run::{Answered, Tournament, TournamentSettings};
