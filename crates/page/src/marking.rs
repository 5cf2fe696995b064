//! A part of a clip that an operator marks and names.

use crate::board::{Board, axis};
use crate::clip::Clip;
use crate::questions::Asked;
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
    /// Where in its picture, if it is a point.
    #[serde(default)]
    pub point: Option<Point>,
    /// What the part is, in the operator's words.
    pub name: String,
}

/// A pixel of a clip's picture.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    /// From 0.
    pub camera: usize,
    /// From the left and from the top, from 0, in the picture as it was recorded.
    pub pixel: [u32; 2],
}

impl Point {
    /// Which pixel of which camera, in words that can be read again.
    ///
    /// # Errors
    /// When the clip has no such camera, or that no such pixel.
    fn words(self, clip: &Clip) -> Result<String, Refusal> {
        let camera = clip.cameras.get(self.camera);
        let camera = camera.ok_or_else(|| Refusal::bad("the clip has no such camera"))?;
        let ([x, y], [width, height]) = (self.pixel, camera.recorded);
        if x >= width || y >= height {
            return Err(Refusal::bad(format!(
                "pixel {x}, {y}: allowed are 0, 0 to {}, {} of camera {}",
                width.saturating_sub(1),
                height.saturating_sub(1),
                camera.name
            )));
        }
        Ok(format!(
            "pixel {x}, {y} of {width} x {height}, camera {}",
            camera.name
        ))
    }
}

/// The question a mark was made in.
///
/// # Errors
/// When it was not asked, or not this operator.
pub(crate) fn question_of(board: &mut Board, marked: &Marked) -> Result<Asked, Refusal> {
    let who = board.operator(&marked.who)?;
    let axis = axis(&marked.axis)?;
    board
        .find(&marked.question, &who, axis.as_deref())?
        .ok_or_else(|| Refusal::unknown("this question was not asked; reload the page"))
}

/// Keeps a mark once: a flag, whose axis is the name, of the part up to and with its last tick. A point is told of
/// in the comment. Tells the short id of the judgement, and whether it was there before.
///
/// # Errors
/// When there is no such part, it has no name, or the disk refuses.
pub(crate) fn keep(
    board: &mut Board,
    marked: &Marked,
    asked: &Asked,
    clip: &Clip,
    now_unix_ms: u64,
) -> Result<(String, bool), Refusal> {
    let name =
        axis(&marked.name)?.ok_or_else(|| Refusal::bad("the part has no name; give it one"))?;
    let stamps_ns = &clip.stamps_ns;
    let comment = marked.point.map(|point| point.words(clip)).transpose()?;
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
        comment,
        ..Judgement::new(now_unix_ms, &asked.who, answer)
    }
    .with_id();
    if let Some(there) = board.same_as(&judgement) {
        return Ok((there.short_id().to_owned(), true));
    }
    board.append(&judgement)?;
    Ok((judgement.short_id().to_owned(), false))
}
