//! An answer as the page sends it, and the judgement it becomes.

use crate::board::{Board, axis, note};
use crate::questions::Asked;
use crate::refusal::Refusal;
use apprentice_preference::{Answer, Item, Judgement, Presentation};
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Fastest that clips are shown before an answer counts, as a multiple of the robot's speed.
pub(crate) const FASTEST: f64 = 4.0;
/// What is written where an operator looked and could not tell.
pub(crate) const CANNOT_TELL: &str = "cannot tell";

/// What a page says of a question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub question: String,
    pub who: String,
    #[serde(default)]
    pub axis: String,
    pub what: What,
    /// 0 to 1.
    pub confidence: f32,
    #[serde(default)]
    pub note: String,
    /// From the question to the answer.
    pub response_time_ms: u64,
    /// For each column, how many different ticks were on the screen.
    pub ticks_shown: Vec<usize>,
    /// Playing speed at the end, as a multiple of the robot's.
    pub speed: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum What {
    /// Columns from 1, best first; those of one tier are equally good.
    Order(Vec<Vec<usize>>),
    CannotTell,
    Skip,
}

/// A column as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extent {
    pub ticks: usize,
    pub lasts: Duration,
    pub cameras: Vec<String>,
}

/// The judgement on the disk, and whether it was there before.
pub(crate) struct Kept {
    pub judgement: Judgement,
    pub before: bool,
}

/// The question an answer is of.
///
/// # Errors
/// When it was not asked, or not this operator.
pub(crate) fn question_of(board: &mut Board, said: &Said) -> Result<Asked, Refusal> {
    let who = board.operator(&said.who)?;
    let axis = axis(&said.axis)?;
    board
        .find(&said.question, &who, axis.as_deref())?
        .ok_or_else(|| Refusal::unknown("this question was not asked; reload the page"))
}

/// Keeps an answer: once, however often the page sends it.
///
/// # Errors
/// When not everything was shown, it differs from the answer that is there, or the disk refuses.
pub(crate) fn keep(
    board: &mut Board,
    said: &Said,
    asked: &Asked,
    extents: &[Extent],
    now_unix_ms: u64,
) -> Result<Kept, Refusal> {
    let judgement = judgement(said, asked, extents, now_unix_ms)?;
    if let Some(there) = board.answer_to(asked) {
        if there.answer == judgement.answer
            && there.skipped == judgement.skipped
            && there.confidence == judgement.confidence
            && there.comment == judgement.comment
        {
            return Ok(Kept {
                judgement: there.clone(),
                before: true,
            });
        }
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "you have answered this question otherwise before; that answer stays. Go on to the next",
        ));
    }
    board.append(&judgement)?;
    Ok(Kept {
        judgement,
        before: false,
    })
}

fn judgement(
    said: &Said,
    asked: &Asked,
    extents: &[Extent],
    now_unix_ms: u64,
) -> Result<Judgement, Refusal> {
    if !(0.0..=1.0).contains(&said.confidence) {
        return Err(Refusal::bad(format!(
            "confidence is {}, allowed: 0 to 1",
            said.confidence
        )));
    }
    if !(said.speed.is_finite() && said.speed > 0.0) {
        return Err(Refusal::bad("speed must be more than 0"));
    }
    let shown = asked.columns.iter().cloned().map(Item::whole).collect();
    let note = note(&said.note)?;
    let (tiers, skipped, comment) = match &said.what {
        What::Order(order) => {
            all_shown(said, extents)?;
            (tiers(order, asked)?, false, note)
        }
        What::CannotTell => {
            all_shown(said, extents)?;
            let words = note.map_or(CANNOT_TELL.into(), |note| format!("{CANNOT_TELL}: {note}"));
            (vec![shown], true, Some(words))
        }
        What::Skip => (vec![shown], true, note),
    };
    let cameras: BTreeSet<&String> = extents.iter().flat_map(|e| &e.cameras).collect();
    Ok(Judgement {
        axis: asked.axis.clone(),
        skipped,
        confidence: if skipped { 0.0 } else { said.confidence },
        response_time_ms: Some(said.response_time_ms),
        query_reason: Some(asked.reason.clone()),
        presentation: Some(Presentation {
            layout: Some(format!("page: {} columns, order random", extents.len())),
            speed: Some(said.speed),
            cameras: cameras.into_iter().cloned().collect(),
        }),
        comment,
        ..Judgement::new(now_unix_ms, &asked.who, Answer::ranking(tiers))
    }
    .with_id())
}

/// The items in the order of the columns.
///
/// # Errors
/// When a column is missing, named twice, or not there.
fn tiers(order: &[Vec<usize>], asked: &Asked) -> Result<Vec<Vec<Item>>, Refusal> {
    let mut named: Vec<usize> = order.iter().flatten().copied().collect();
    named.sort_unstable();
    if !named.iter().copied().eq(1..=asked.columns.len()) || order.iter().any(Vec::is_empty) {
        return Err(Refusal::bad(format!(
            "the order names clips {named:?}, allowed: each of 1 to {} once",
            asked.columns.len()
        )));
    }
    let item = |column: &usize| asked.columns.get(column - 1).cloned().map(Item::whole);
    let tier = |tier: &Vec<usize>| tier.iter().filter_map(item).collect();
    Ok(order.iter().map(tier).collect())
}

/// Whether every tick of every column can have been, and was, on the screen.
///
/// # Errors
/// When not.
fn all_shown(said: &Said, extents: &[Extent]) -> Result<(), Refusal> {
    for (i, extent) in extents.iter().enumerate() {
        let shown = said.ticks_shown.get(i).copied().unwrap_or(0);
        if shown < extent.ticks {
            return Err(Refusal::bad(format!(
                "{shown} of {} frames of clip {} were shown; look at all of each before you answer",
                extent.ticks,
                i + 1
            )));
        }
    }
    // By the page's clock: this process may be a later one than that which asked.
    let longest = extents.iter().map(|e| e.lasts).max().unwrap_or_default();
    let least = longest.div_f64(FASTEST);
    let took = Duration::from_millis(said.response_time_ms);
    if took < least {
        return Err(Refusal::bad(format!(
            "the answer came {:.1} s after the question, which clips of {:.1} s cannot be seen in at {FASTEST} times \
             their speed",
            took.as_secs_f64(),
            longest.as_secs_f64()
        )));
    }
    Ok(())
}
