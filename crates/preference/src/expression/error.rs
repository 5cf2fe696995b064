//! What can be wrong with an expression, each in one line.

use thiserror::Error;

/// A problem with an expression over facts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExpressionError {
    /// It cannot be read.
    #[error(
        "at character {at}: {got}, expected {expected}; an expression is made of facts, numbers, + - * /, == != < <= > \
         >=, and, or, not, min(..), max(..) and parentheses"
    )]
    Syntax {
        /// Where, in characters from 1.
        at: usize,
        /// What stands there.
        got: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// It is too long or too deep.
    #[error("it is longer than {0} characters or nested deeper than {1}")]
    TooLarge(usize, usize),
    /// It names a fact that nothing measures.
    #[error("nothing measures {name:?}; facts are {known}")]
    UnknownFact {
        /// What it names.
        name: String,
        /// The facts there are.
        known: String,
    },
    /// It compares a fact with a name that the fact never has.
    #[error("{fact} is never {got:?}; it is {allowed}")]
    UnknownName {
        /// The fact.
        fact: String,
        /// What it is compared with.
        got: String,
        /// The names it can have.
        allowed: String,
    },
    /// It calculates with a name.
    #[error("{0:?} is a name, not a number; compare it with == or !=")]
    NameAsNumber(String),
    /// A fact that is known was not measured of this episode.
    #[error("{0:?} was not measured of this episode")]
    NotMeasured(String),
    /// Its value is not a number, as after a division by nought.
    #[error("its value is {0}, which is no number")]
    NotFinite(String),
}
