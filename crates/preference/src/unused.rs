//! Which judgements a learner leaves unused.

use crate::revocation::is_revocation;
use crate::{Answer, Item, Judgement};
use std::collections::BTreeMap;

/// Answered rankings of whole episodes by overall preference: see [`Judgement::episode_tiers`].
pub const RANKING: &str = "ranking";
/// Rankings on an axis.
pub const RANKING_ON_AXIS: &str = "ranking_on_axis";
/// Rankings of parts of episodes.
pub const RANKING_OF_SPANS: &str = "ranking_of_spans";
/// Rankings of parts of episodes on an axis.
pub const RANKING_OF_SPANS_ON_AXIS: &str = "ranking_of_spans_on_axis";

const RATING: [&str; 4] = [
    "rating",
    "rating_of_part",
    "rating_on_axis",
    "rating_of_part_on_axis",
];
const FLAG: [&str; 4] = [
    "flag",
    "flag_of_part",
    "flag_on_axis",
    "flag_of_part_on_axis",
];

impl Judgement {
    /// The first name for a whole episode over all; the others for a part of one, on an axis, and both.
    fn valued_as(
        &self,
        [whole, part, on_axis, both]: [&'static str; 4],
        item: &Item,
    ) -> &'static str {
        match (item.span.is_some(), self.axis.is_some()) {
            (false, false) => whole,
            (true, false) => part,
            (false, true) => on_axis,
            (true, true) => both,
        }
    }

    /// What a learner has to understand to learn from it: the kind of its answer, and for rankings, ratings and flags
    /// whether they are of whole episodes and by overall preference.
    #[must_use]
    pub fn learnt_as(&self) -> &'static str {
        let tiers = match &self.answer {
            Answer::Ranking { tiers } => tiers,
            Answer::Rating { item, .. } => return self.valued_as(RATING, item),
            Answer::Flag { item, .. } => return self.valued_as(FLAG, item),
            _ => return self.answer.kind(),
        };
        let spans = tiers
            .iter()
            .flatten()
            .any(|item: &Item| item.span.is_some());
        match (spans, self.axis.is_some()) {
            (false, false) => RANKING,
            (false, true) => RANKING_ON_AXIS,
            (true, false) => RANKING_OF_SPANS,
            (true, true) => RANKING_OF_SPANS_ON_AXIS,
        }
    }
}

/// How many judgements there are of each [`Judgement::learnt_as`] that is not in `used`. Skipped ones have
/// nothing to learn from and are not counted.
///
/// ```
/// use apprentice_preference::{Answer, Judgement, RANKING, unused, unused_sentence};
/// let text = Answer::Utterance { text: "slower".into(), items: vec![] };
/// let counts = unused(&[Judgement::new(0, "ann", text)], &[RANKING]);
/// assert_eq!(unused_sentence(&counts).unwrap(), "1 utterance is kept, not learnt from");
/// ```
#[must_use]
pub fn unused(judgements: &[Judgement], used: &[&str]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let said = judgements
        .iter()
        .filter(|j| !j.skipped && !is_revocation(j));
    for judgement in said {
        let name = judgement.learnt_as();
        if !used.contains(&name) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Those counts in a sentence without its full stop; `None` when there are none.
#[must_use]
pub fn unused_sentence(counts: &BTreeMap<String, usize>) -> Option<String> {
    let parts: Vec<String> = (counts.iter())
        .map(|(name, &count)| format!("{count} {}", words(name, count != 1)))
        .collect();
    let (last, before) = parts.split_last()?;
    let all: usize = counts.values().sum();
    let list = if before.is_empty() {
        last.clone()
    } else {
        format!("{} and {last}", before.join(", "))
    };
    let verb = if all == 1 { "is" } else { "are" };
    Some(format!("{list} {verb} kept, not learnt from"))
}

fn words(name: &str, many: bool) -> String {
    let words = name.replace('_', " ");
    let words = words
        .replace("on axis", "on an axis")
        .replace("of part", "of a part");
    let (noun, rest) = words.split_once(' ').unwrap_or((&words, ""));
    let noun = match (noun, many) {
        ("similarity", false) => "similarity triplet".to_owned(),
        ("similarity", true) => "similarity triplets".to_owned(),
        ("success", false) => "success label".to_owned(),
        ("success", true) => "success labels".to_owned(),
        (noun, false) => noun.to_owned(),
        (noun, true) => format!("{noun}s"),
    };
    format!("{noun} {rest}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Instead, Span, Verdict};

    #[test]
    fn what_the_learner_does_not_use_is_counted_by_kind() {
        let ranking = Judgement::ranking(0, "ann", 1.0, vec![vec!["a".into()]], None);
        let on_axis = Judgement {
            axis: Some("gentleness".into()),
            ..ranking.clone()
        };
        let span = Span {
            start_ns: 0,
            end_ns: 1,
        };
        let spans = Answer::ranking([vec![Item::part("a".into(), span)]]);
        let spans = Judgement::new(0, "ann", spans);
        let correction = Answer::Correction {
            item: Item::whole("a".into()),
            instead: Instead::Item(Item::whole("b".into())),
        };
        let success = Answer::Success {
            item: Item::whole("a".into()),
            verdict: Verdict::Yes,
        };
        let mut all = vec![ranking, on_axis, spans, Judgement::new(0, "ann", success)];
        let flag = |span| Judgement {
            axis: Some("spilled".into()),
            ..Judgement::new(
                0,
                "ann",
                Answer::Flag {
                    item: Item {
                        span,
                        ..Item::whole("a".into())
                    },
                    yes: true,
                },
            )
        };
        assert_eq!(flag(None).learnt_as(), "flag_on_axis");
        assert_eq!(flag(Some(span)).learnt_as(), "flag_of_part_on_axis");
        assert_eq!(words("rating_of_part", true), "ratings of a part");
        all.push(Judgement::skip(0, "ann", vec!["a".into()], None));
        all.extend(vec![Judgement::new(0, "ann", correction); 7]);
        let counts = unused(&all, &[RANKING]);
        assert_eq!(
            unused_sentence(&counts).unwrap(),
            "7 corrections, 1 ranking of spans, 1 ranking on an axis and 1 success label are kept, not learnt from"
        );
        let every = [
            RANKING,
            RANKING_ON_AXIS,
            RANKING_OF_SPANS,
            "correction",
            "success",
        ];
        assert_eq!(unused_sentence(&unused(&all, &every)), None);
    }
}
