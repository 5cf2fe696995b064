//! The order a person types.

use thiserror::Error;

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Clip numbers from 0, best first; an inner list is a tie.
    Ranked(Vec<Vec<usize>>),
    /// No answer.
    Skipped,
}

/// An answer that is not an order.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OrderError {
    /// Something that is no clip number.
    #[error(
        "{got:?} is not a clip number from 1 to {clips}; type an order such as {example}, or s to skip"
    )]
    NotAClip {
        /// What was typed there.
        got: String,
        /// Number of clips.
        clips: usize,
        /// An order that would do.
        example: String,
    },
    /// A clip named twice.
    #[error("clip {clip} is named twice; name each of 1 to {clips} once")]
    Twice {
        /// The clip, from 1.
        clip: usize,
        /// Number of clips.
        clips: usize,
    },
    /// Clips left out.
    #[error("clips {missing} are not ranked; name each of 1 to {clips} once, such as {example}")]
    Missing {
        /// The clips, from 1.
        missing: String,
        /// Number of clips.
        clips: usize,
        /// An order that would do.
        example: String,
    },
}

/// Reads an order of `clips` clips numbered from 1: `>` puts the better first, `=` ties, spaces do
/// not matter; `s` or `skip` gives no answer.
///
/// # Errors
/// When a part is no clip number, or a clip is named twice or not at all.
///
/// ```
/// use apprentice_preference::{Order, parse_order};
/// let order = parse_order("2 > 1=4 > 3", 4);
/// assert_eq!(order, Ok(Order::Ranked(vec![vec![1], vec![0, 3], vec![2]])));
/// ```
pub fn parse_order(text: &str, clips: usize) -> Result<Order, OrderError> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("s") || text.eq_ignore_ascii_case("skip") {
        return Ok(Order::Skipped);
    }
    let mut seen = vec![false; clips];
    let mut ranking = Vec::new();
    for place in text.split('>') {
        let mut tied = Vec::new();
        for part in place.split('=').map(str::trim) {
            let clip = part.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let Some((clip, named)) = clip.and_then(|c| Some((c, seen.get_mut(c)?))) else {
                return Err(OrderError::NotAClip {
                    got: part.into(),
                    clips,
                    example: example(clips),
                });
            };
            if std::mem::replace(named, true) {
                let clip = clip + 1;
                return Err(OrderError::Twice { clip, clips });
            }
            tied.push(clip);
        }
        ranking.push(tied);
    }
    let missing: Vec<String> = (seen.iter().enumerate())
        .filter(|(_, named)| !**named)
        .map(|(clip, _)| (clip + 1).to_string())
        .collect();
    if missing.is_empty() {
        return Ok(Order::Ranked(ranking));
    }
    Err(OrderError::Missing {
        missing: missing.join(", "),
        clips,
        example: example(clips),
    })
}

/// The clips from last to first, as an order that would be accepted.
fn example(clips: usize) -> String {
    let numbers: Vec<String> = (1..=clips).rev().map(|n| n.to_string()).collect();
    numbers.join(">")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_of_people() {
        assert_eq!(parse_order(" S ", 4), Ok(Order::Skipped));
        assert_eq!(
            parse_order("3>2 =1", 3),
            Ok(Order::Ranked(vec![vec![2], vec![1, 0]]))
        );
        let message = |text| parse_order(text, 4).unwrap_err().to_string();
        assert_eq!(
            message("2>x"),
            "\"x\" is not a clip number from 1 to 4; type an order such as 4>3>2>1, or s to skip"
        );
        assert_eq!(
            message("2>2"),
            "clip 2 is named twice; name each of 1 to 4 once"
        );
        assert_eq!(
            message("2>1"),
            "clips 3, 4 are not ranked; name each of 1 to 4 once, such as 4>3>2>1"
        );
        for bad in ["", ">", "0>1>2>3", "5>1>2>3", "1>2>3>", "-1>2>3>4"] {
            assert!(parse_order(bad, 4).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_order_or_an_error(text in "[0-9>= s]{0,12}", clips in 0usize..6) {
            if let Ok(Order::Ranked(ranking)) = parse_order(&text, clips) {
                let mut all: Vec<usize> = ranking.concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..clips).collect::<Vec<_>>());
            }
        }
    }
}
