//! A part of a clip that an operator marks and names.

use crate::board::{Asked, Board, axis};
use crate::refusal::Refusal;
use apprentice_preference::{Answer, Item, Judgement, Span};
use serde::Deserialize;

/// What a page says of a part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marked {
    pub question: String,
    pub who: String,
    /// The axis of the question.
    #[serde(default)]
    pub axis: String,
    /// From 1.
    pub column: usize,
    /// First and last tick of the part, from 0.
    pub ticks: [usize; 2],
    /// What the part is, in the operator's words.
    pub name: String,
}

/// The question a mark was made in.
///
/// # Errors
/// When it was not asked, or not this operator.
pub(crate) fn question_of(board: &mut Board, marked: &Marked) -> Result<Asked, Refusal> {
    let who = board.operator(&marked.who)?;
    let axis = axis(&marked.axis)?;
    board
        .find(&marked.question, &who, axis.as_deref())
        .ok_or_else(|| Refusal::unknown("this question was not asked; reload the page"))
}

/// Keeps a mark once: a flag, whose axis is the name, of the part up to and with its last tick. `stamps_ns` are those
/// of the clip's ticks. Tells the short id of the judgement, and whether it was there before.
///
/// # Errors
/// When there is no such part, it has no name, or the disk refuses.
pub(crate) fn keep(
    board: &mut Board,
    marked: &Marked,
    asked: &Asked,
    stamps_ns: &[u64],
    now_unix_ms: u64,
) -> Result<(String, bool), Refusal> {
    let name =
        axis(&marked.name)?.ok_or_else(|| Refusal::bad("the part has no name; give it one"))?;
    let episode = marked
        .column
        .checked_sub(1)
        .and_then(|i| asked.columns.get(i));
    let [first, last] = marked.ticks;
    let stamps = [first, last].map(|tick| stamps_ns.get(tick).copied());
    let (Some(episode), [Some(start_ns), Some(end_ns)]) = (episode, stamps) else {
        return Err(Refusal::bad(format!(
            "clip {} from frame {first} to {last}: allowed are clips 1 to {} and frames 0 to {}",
            marked.column,
            asked.columns.len(),
            stamps_ns.len().saturating_sub(1)
        )));
    };
    if first > last {
        return Err(Refusal::bad(
            "the part ends before it starts; mark its start first",
        ));
    }
    let span = Span {
        start_ns,
        end_ns: end_ns.saturating_add(1),
    };
    let answer = Answer::Flag {
        item: Item::part(episode.clone(), span),
        yes: true,
    };
    let judgement = Judgement {
        axis: Some(name),
        ..Judgement::new(now_unix_ms, &asked.who, answer)
    }
    .with_id();
    if let Some(there) = board.same_as(&judgement) {
        return Ok((there.short_id().to_owned(), true));
    }
    board.append(&judgement)?;
    Ok((judgement.short_id().to_owned(), false))
}
