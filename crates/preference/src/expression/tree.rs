//! An expression over facts as a tree, and its value.

use super::error::ExpressionError;

/// What a fact is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number; 1 and 0 for yes and no.
    Number(f64),
    /// A name.
    Name(&'a str),
}

/// What joins two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Number(f64),
    /// A word whose meaning is not known yet.
    Word(String),
    Fact(String),
    /// A name that a fact is compared with.
    Name(String),
    Not(Box<Node>),
    Negative(Box<Node>),
    Both(Operator, Box<Node>, Box<Node>),
    Smallest(Vec<Node>),
    Largest(Vec<Node>),
}

impl Node {
    /// Its number, the facts looked up in `fact`. `and` and `or` look at their second part only where it matters.
    pub(super) fn number<'a>(
        &'a self,
        fact: &dyn Fn(&str) -> Option<Value<'a>>,
    ) -> Result<f64, ExpressionError> {
        match self.value(fact)? {
            Value::Number(number) => Ok(number),
            Value::Name(name) => Err(ExpressionError::NameAsNumber(name.to_owned())),
        }
    }

    fn value<'a>(
        &'a self,
        fact: &dyn Fn(&str) -> Option<Value<'a>>,
    ) -> Result<Value<'a>, ExpressionError> {
        let best = |nodes: &'a [Self], first: f64, choose: fn(f64, f64) -> f64| {
            let mut best = first;
            for node in nodes {
                best = choose(best, node.number(fact)?);
            }
            Ok(best)
        };
        let number = match self {
            Self::Number(number) => *number,
            Self::Word(word) | Self::Fact(word) => {
                return fact(word).ok_or_else(|| ExpressionError::NotMeasured(word.clone()));
            }
            Self::Name(name) => return Ok(Value::Name(name)),
            Self::Not(node) => truth(node.number(fact)? == 0.0),
            Self::Negative(node) => -node.number(fact)?,
            Self::Both(Operator::Or, a, b) => {
                truth(a.number(fact)? != 0.0 || b.number(fact)? != 0.0)
            }
            Self::Both(Operator::And, a, b) => {
                truth(a.number(fact)? != 0.0 && b.number(fact)? != 0.0)
            }
            Self::Both(Operator::Equal, a, b) => truth(a.value(fact)? == b.value(fact)?),
            Self::Both(Operator::NotEqual, a, b) => truth(a.value(fact)? != b.value(fact)?),
            Self::Both(operator, a, b) => joined(*operator, a.number(fact)?, b.number(fact)?),
            Self::Smallest(nodes) => best(nodes, f64::INFINITY, f64::min)?,
            Self::Largest(nodes) => best(nodes, f64::NEG_INFINITY, f64::max)?,
        };
        Ok(Value::Number(number))
    }
}

fn joined(operator: Operator, a: f64, b: f64) -> f64 {
    match operator {
        Operator::Less => truth(a < b),
        Operator::LessOrEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterOrEqual => truth(a >= b),
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Equal => truth(a == b),
        Operator::NotEqual => truth(a != b),
        Operator::And => truth(a != 0.0 && b != 0.0),
        Operator::Or => truth(a != 0.0 || b != 0.0),
    }
}

fn truth(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}
