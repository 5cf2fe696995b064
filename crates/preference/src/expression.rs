//! What an operator prefers, as an expression over the facts of an episode: `success * (1 + (hand == open))`.
//!
//! Numbers, `+ - * /`, comparisons (1 where they hold, else 0), `and`, `or`, `not`, `min(..)`, `max(..)` and
//! parentheses; `and` binds closer than `or`, comparisons closer than both. A fact that has names is compared with one
//! of them by `==` or `!=`. A parser of a few hundred lines, because those there are (`evalexpr`, `fasteval`) know
//! neither which facts there are nor what names they can have, so that a slip of the pen would show only in the figures.

mod error;
mod parser;
mod tree;

pub use error::ExpressionError;
pub use tree::Value;

use tree::{Node, Operator};

/// A fact that expressions may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFact<'a> {
    /// Its name.
    pub name: &'a str,
    /// The names it can have; none for a number.
    pub names: &'a [&'a str],
}

/// An expression that names known facts only.
///
/// ```
/// use apprentice_preference::{Expression, KnownFact, Value};
/// let known = [
///     KnownFact { name: "success", names: &[] },
///     KnownFact { name: "hand", names: &["open", "closed"] },
/// ];
/// let utility = Expression::new("success * (1 + (hand == open))", &known)?;
/// let with_an_open_hand = |fact: &str| match fact {
///     "success" => Some(Value::Number(1.0)),
///     _ => Some(Value::Name("open")),
/// };
/// assert_eq!(utility.evaluate(&with_an_open_hand)?, 2.0);
/// # Ok::<(), apprentice_preference::ExpressionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it cannot be read, names a fact that is not known, or calculates with a name.
    pub fn new(text: &str, known: &[KnownFact<'_>]) -> Result<Self, ExpressionError> {
        let mut root = parser::parse(text)?;
        resolve(&mut root, known)?;
        Ok(Self { root })
    }

    /// Its value for an episode whose facts `fact` looks up.
    ///
    /// # Errors
    /// When a fact that matters was not measured, or the value is not a finite number.
    pub fn evaluate<'a>(
        &'a self,
        fact: &dyn Fn(&str) -> Option<Value<'a>>,
    ) -> Result<f64, ExpressionError> {
        let value = self.root.number(fact)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(ExpressionError::NotFinite(value.to_string()))
        }
    }
}

/// Says of each word what it is.
fn resolve(node: &mut Node, known: &[KnownFact<'_>]) -> Result<(), ExpressionError> {
    match node {
        Node::Number(_) | Node::Fact(_) | Node::Name(_) => Ok(()),
        Node::Word(word) => {
            let fact = named(word, known)?;
            if !fact.names.is_empty() {
                return Err(ExpressionError::NameAsNumber(word.clone()));
            }
            *node = Node::Fact(std::mem::take(word));
            Ok(())
        }
        Node::Not(inner) | Node::Negative(inner) => resolve(inner, known),
        Node::Smallest(parts) | Node::Largest(parts) => {
            parts.iter_mut().try_for_each(|part| resolve(part, known))
        }
        Node::Both(Operator::Equal | Operator::NotEqual, a, b) => {
            if !compares_name(a, b, known)? && !compares_name(b, a, known)? {
                resolve(a, known)?;
                resolve(b, known)?;
            }
            Ok(())
        }
        Node::Both(_, a, b) => {
            resolve(a, known)?;
            resolve(b, known)
        }
    }
}

/// Whether `fact` is a fact that has names; `name` is then one of them, or another such fact.
fn compares_name(
    fact: &mut Node,
    name: &mut Node,
    known: &[KnownFact<'_>],
) -> Result<bool, ExpressionError> {
    let Node::Word(word) = fact else {
        return Ok(false);
    };
    let Some(info) = known.iter().find(|k| k.name == word && !k.names.is_empty()) else {
        return Ok(false);
    };
    let Node::Word(other) = name else {
        return Err(ExpressionError::NameAsNumber(word.clone()));
    };
    if info.names.contains(&other.as_str()) {
        *name = Node::Name(std::mem::take(other));
    } else if known.iter().any(|k| k.name == other && !k.names.is_empty()) {
        *name = Node::Fact(std::mem::take(other));
    } else {
        return Err(ExpressionError::UnknownName {
            fact: word.clone(),
            got: other.clone(),
            allowed: info.names.join(", "),
        });
    }
    *fact = Node::Fact(std::mem::take(word));
    Ok(true)
}

fn named<'k>(word: &str, known: &'k [KnownFact<'k>]) -> Result<&'k KnownFact<'k>, ExpressionError> {
    known
        .iter()
        .find(|k| k.name == word)
        .ok_or_else(|| ExpressionError::UnknownFact {
            name: word.to_owned(),
            known: known.iter().map(described).collect::<Vec<_>>().join(", "),
        })
}

/// A fact's name, and those it can have.
fn described(fact: &KnownFact<'_>) -> String {
    if fact.names.is_empty() {
        fact.name.to_owned()
    } else {
        format!("{} ({})", fact.name, fact.names.join(", "))
    }
}

#[cfg(test)]
mod tests;
