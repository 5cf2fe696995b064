//! Reads an expression.

use super::error::ExpressionError;
use super::tree::{Node, Operator};

/// Longest expression, bytes.
const LONGEST: usize = 2000;
/// Deepest nesting.
const DEEPEST: usize = 64;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Word(String),
    Sign(&'static str),
    End,
}

/// Signs, longer ones before those they begin with.
const SIGNS: [&str; 13] = [
    "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",",
];

/// Reads `text`; its words are not looked up.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    if text.len() > LONGEST {
        return Err(ExpressionError::TooLarge(LONGEST, DEEPEST));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let node = parser.or()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => parser.refuse("an operator or the end"),
    }
}

/// The tokens and where each begins, in characters from 1; the last is the end.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ExpressionError> {
    let mut found = Vec::new();
    let mut rest = text;
    let place = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    loop {
        rest = rest.trim_start();
        let at = place(rest);
        let Some(first) = rest.chars().next() else {
            found.push((at, Token::End));
            return Ok(found);
        };
        let (token, length) = if first.is_ascii_digit() || first == '.' {
            let length = number_length(rest);
            let number = rest[..length].parse::<f64>().ok().filter(|n| n.is_finite());
            (number.map(Token::Number), length)
        } else if first.is_alphabetic() || first == '_' {
            let end = |c: char| !(c.is_alphanumeric() || c == '_');
            let length = rest.find(end).unwrap_or(rest.len());
            (Some(Token::Word(rest[..length].to_owned())), length)
        } else {
            let sign = SIGNS.iter().find(|s| rest.starts_with(**s));
            (sign.map(|s| Token::Sign(s)), sign.map_or(0, |s| s.len()))
        };
        let Some(token) = token else {
            return Err(ExpressionError::Syntax {
                at,
                got: format!("{:?}", rest.split_whitespace().next().unwrap_or("")),
                expected: "a fact, a number or an operator",
            });
        };
        found.push((at, token));
        rest = &rest[length..];
    }
}

/// Bytes of the number that `text` begins with: digits, a point, and an exponent such as `e-3`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(signed) > signed {
            end = digits(signed);
        }
    }
    end
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |t| &t.1)
    }

    fn refuse<T>(&self, expected: &'static str) -> Result<T, ExpressionError> {
        let got = match self.peek() {
            Token::Number(number) => number.to_string(),
            Token::Word(word) => format!("{word:?}"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::End => "the end".to_owned(),
        };
        let last = self.tokens.last().map_or(1, |t| t.0);
        Err(ExpressionError::Syntax {
            at: self.tokens.get(self.next).map_or(last, |t| t.0),
            got,
            expected,
        })
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.next += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if w == word);
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::TooLarge(LONGEST, DEEPEST));
        }
        let mut node = self.and()?;
        while self.takes_word("or") {
            node = both(Operator::Or, node, self.and()?);
        }
        self.depth -= 1;
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, ExpressionError> {
        let mut node = self.not()?;
        while self.takes_word("and") {
            node = both(Operator::And, node, self.not()?);
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, ExpressionError> {
        let mut times = 0;
        while self.takes_word("not") {
            times += 1;
        }
        let node = self.comparison()?;
        Ok((0..times).fold(node, |node, _| Node::Not(Box::new(node))))
    }

    fn comparison(&mut self) -> Result<Node, ExpressionError> {
        let node = self.sum()?;
        match self.comparing() {
            None => Ok(node),
            Some(operator) => {
                let node = both(operator, node, self.sum()?);
                if self.comparing().is_some() {
                    self.next -= 1;
                    return self.refuse("and between two comparisons");
                }
                Ok(node)
            }
        }
    }

    fn comparing(&mut self) -> Option<Operator> {
        [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ]
        .into_iter()
        .find(|(sign, _)| self.takes_sign(sign))
        .map(|(_, operator)| operator)
    }

    fn sum(&mut self) -> Result<Node, ExpressionError> {
        let mut node = self.product()?;
        loop {
            if self.takes_sign("+") {
                node = both(Operator::Add, node, self.product()?);
            } else if self.takes_sign("-") {
                node = both(Operator::Subtract, node, self.product()?);
            } else {
                return Ok(node);
            }
        }
    }

    fn product(&mut self) -> Result<Node, ExpressionError> {
        let mut node = self.signed()?;
        loop {
            if self.takes_sign("*") {
                node = both(Operator::Multiply, node, self.signed()?);
            } else if self.takes_sign("/") {
                node = both(Operator::Divide, node, self.signed()?);
            } else {
                return Ok(node);
            }
        }
    }

    fn signed(&mut self) -> Result<Node, ExpressionError> {
        let mut times = 0;
        while self.takes_sign("-") {
            times += 1;
        }
        let node = self.single()?;
        Ok((0..times).fold(node, |node, _| Node::Negative(Box::new(node))))
    }

    fn single(&mut self) -> Result<Node, ExpressionError> {
        match self.peek().clone() {
            Token::Number(number) => {
                self.next += 1;
                Ok(Node::Number(number))
            }
            Token::Word(word) if !["and", "or", "not"].contains(&word.as_str()) => {
                self.next += 1;
                match word.as_str() {
                    "true" => Ok(Node::Number(1.0)),
                    "false" => Ok(Node::Number(0.0)),
                    "min" if self.takes_sign("(") => Ok(Node::Smallest(self.parts()?)),
                    "max" if self.takes_sign("(") => Ok(Node::Largest(self.parts()?)),
                    _ => Ok(Node::Word(word)),
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let node = self.or()?;
                if self.takes_sign(")") {
                    Ok(node)
                } else {
                    self.refuse("an operator or )")
                }
            }
            _ => self.refuse("a fact, a number or ("),
        }
    }

    /// What stands in the parentheses of min and max.
    fn parts(&mut self) -> Result<Vec<Node>, ExpressionError> {
        let mut parts = vec![self.or()?];
        while self.takes_sign(",") {
            parts.push(self.or()?);
        }
        if self.takes_sign(")") {
            Ok(parts)
        } else {
            self.refuse("an operator, a comma or )")
        }
    }
}

fn both(operator: Operator, a: Node, b: Node) -> Node {
    Node::Both(operator, Box::new(a), Box::new(b))
}
