//! Errors and their causes, in one line.

use std::error::Error;

/// An error and what caused it, from the outermost on, each in its own words and once: what an error has already
/// said of its cause is not said again.
///
/// Libraries differ in whether an error's text has its cause's in it; a chain of both says some of them twice.
#[must_use]
pub fn in_one_line(error: &dyn Error) -> String {
    let mut words = one_line(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = one_line(error);
        if !words.contains(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = error.source();
    }
    words
}

/// Without line ends, which libraries put into their own words.
fn one_line(error: &dyn Error) -> String {
    let words = error.to_string();
    let lines: Vec<&str> = words.lines().map(str::trim).collect();
    lines.join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("the disk\n is full")]
    struct Innermost;

    #[derive(Debug, Error)]
    enum Inner {
        #[error("cannot write a.toml: {source}; make room")]
        Tells { source: Innermost },
        #[error("cannot write a.toml")]
        Keeps { source: Innermost },
    }

    #[derive(Debug, Error)]
    enum Outer {
        #[error("no run: {0}")]
        Tells(#[source] Inner),
        #[error("no run")]
        Keeps(#[source] Inner),
        #[error(transparent)]
        Passes(#[from] Inner),
    }

    #[test]
    fn each_cause_is_said_once_whoever_says_it() {
        let tells = || Inner::Tells { source: Innermost };
        let keeps = || Inner::Keeps { source: Innermost };
        for (error, words) in [
            (
                Outer::Tells(tells()),
                "no run: cannot write a.toml: the disk is full; make room",
            ),
            (
                Outer::Keeps(tells()),
                "no run: cannot write a.toml: the disk is full; make room",
            ),
            (
                Outer::Tells(keeps()),
                "no run: cannot write a.toml: the disk is full",
            ),
            (
                Outer::Keeps(keeps()),
                "no run: cannot write a.toml: the disk is full",
            ),
            (
                Outer::Passes(tells()),
                "cannot write a.toml: the disk is full; make room",
            ),
            (
                Outer::Passes(keeps()),
                "cannot write a.toml: the disk is full",
            ),
        ] {
            assert_eq!(in_one_line(&error), words);
        }
    }
}
