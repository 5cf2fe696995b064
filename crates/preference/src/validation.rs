//! Whether a judgement can be learnt from.

use crate::{ActionSegment, Answer, Instead, Item, Judgement, PreferenceError};
use apprentice_episode::EpisodeId;
use std::collections::HashSet;

/// Checks `judgement` against the episodes there are.
///
/// # Errors
/// When it names an episode that is not in `known`, or contradicts itself: an item named twice, an empty
/// tier or text, a span or scale that ends before it starts, a value outside its scale, a confidence outside
/// 0 to 1.
pub fn validate(judgement: &Judgement, known: &HashSet<EpisodeId>) -> Result<(), PreferenceError> {
    consistent(judgement)?;
    match judgement.episodes().find(|id| !known.contains(*id)) {
        Some(episode) => Err(PreferenceError::UnknownEpisode {
            judgement: judgement.short_id().to_owned(),
            episode: episode.clone(),
            known: known.len(),
        }),
        None => Ok(()),
    }
}

/// The checks that need no list of episodes.
pub(crate) fn consistent(judgement: &Judgement) -> Result<(), PreferenceError> {
    let check = Check(judgement);
    let got = judgement.confidence;
    check.that((0.0..=1.0).contains(&got), "confidence", got, "0 to 1")?;
    for (what, text) in [
        ("axis", &judgement.axis),
        ("query_reason", &judgement.query_reason),
    ] {
        if let Some(text) = text {
            check.worded(what, text)?;
        }
    }
    if let Some(asked) = &judgement.asked {
        check.worded("asked.strategy", &asked.strategy)?;
        for (what, number) in [
            ("asked.bits", asked.bits),
            ("asked.answer_bits", asked.answer_bits),
            ("asked.accuracy_gain", asked.accuracy_gain),
            ("asked.seconds", asked.seconds),
        ] {
            let number = number.unwrap_or(0.0);
            let allowed = "a finite number, 0 or more";
            check.that(number.is_finite() && number >= 0.0, what, number, allowed)?;
        }
    }
    if let Some(speed) = judgement.presentation.as_ref().and_then(|p| p.speed) {
        let plays = speed.is_finite() && speed > 0.0;
        let allowed = "more than 0 times the robot's";
        check.that(plays, "presentation.speed", speed, allowed)?;
    }
    let kind = judgement.answer.kind();
    check.that(
        !judgement.skipped || kind == "ranking",
        "skipped",
        format!("true for a {kind}"),
        "true for a ranking only; other questions without an answer are not recorded",
    )?;
    check.items()?;
    check.answer()
}

/// Checks of one judgement.
struct Check<'a>(&'a Judgement);

impl Check<'_> {
    fn that(
        &self,
        holds: bool,
        what: &str,
        got: impl ToString,
        allowed: &str,
    ) -> Result<(), PreferenceError> {
        if holds {
            return Ok(());
        }
        Err(PreferenceError::Invalid {
            judgement: self.0.short_id().to_owned(),
            what: what.to_owned(),
            got: got.to_string(),
            allowed: allowed.to_owned(),
        })
    }

    fn worded(&self, what: &str, text: &str) -> Result<(), PreferenceError> {
        let worded = !text.trim().is_empty();
        self.that(worded, what, format!("{text:?}"), "any words but none")
    }

    /// Spans end after they start, and no item comes twice.
    fn items(&self) -> Result<(), PreferenceError> {
        let items = self.0.answer.items();
        for span in items.iter().filter_map(|item| item.span) {
            let got = format!("{} to {} ns", span.start_ns, span.end_ns);
            let allowed = "an end later than the start, on the episode's clock";
            self.that(span.start_ns < span.end_ns, "span", got, allowed)?;
        }
        let mut met: HashSet<&Item> = HashSet::new();
        match items.into_iter().find(|item| !met.insert(item)) {
            Some(item) => Err(PreferenceError::Repeated {
                judgement: self.0.short_id().to_owned(),
                kind: self.0.answer.kind(),
                item: item.clone(),
            }),
            None => Ok(()),
        }
    }

    fn answer(&self) -> Result<(), PreferenceError> {
        match &self.0.answer {
            Answer::Ranking { tiers } => {
                let empty = tiers.iter().position(Vec::is_empty);
                let got = empty.map_or(String::new(), |i| format!("without an item in tier {i}"));
                self.that(empty.is_none(), "ranking", got, "tiers of one item or more")
            }
            Answer::Rating { value, scale, .. } => {
                let ends = format!("{} to {}", scale.low, scale.high);
                let finite = scale.low.is_finite() && scale.high.is_finite();
                self.that(
                    finite && scale.low < scale.high,
                    "scale",
                    &ends,
                    "two numbers, the lower first",
                )?;
                let within = (scale.low..=scale.high).contains(value);
                self.that(within, "rating", value, &format!("{ends}, its scale"))
            }
            Answer::Correction {
                instead: Instead::Actions(segment),
                ..
            } => self.actions(segment),
            Answer::Utterance { text, .. } => self.worded("utterance", text),
            Answer::Takeover { item, by } => {
                self.worded("takeover's `by`", by)?;
                let allowed = "the part in which the person had the arm";
                self.that(item.span.is_some(), "takeover's span", "none", allowed)
            }
            Answer::Flag { .. }
            | Answer::Similarity { .. }
            | Answer::Correction { .. }
            | Answer::Revocation { .. }
            | Answer::Success { .. } => Ok(()),
        }
    }

    fn actions(&self, segment: &ActionSegment) -> Result<(), PreferenceError> {
        self.worded("action_space", &segment.action_space)?;
        self.that(segment.step_ns > 0, "step_ns", "0", "1 ns or more")?;
        let width = segment.actions.first().map_or(0, Vec::len);
        self.that(width > 0, "actions", "none", "one action or more")?;
        for (t, action) in segment.actions.iter().enumerate() {
            let got = format!("{} numbers", action.len());
            let allowed = format!("{width} numbers, as action 0 has");
            self.that(action.len() == width, &format!("action {t}"), got, &allowed)?;
            if let Some(number) = action.iter().find(|n| !n.is_finite()) {
                let what = format!("a number of action {t}");
                self.that(false, &what, number, "finite numbers")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
