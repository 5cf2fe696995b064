//! Success as people label it, for episodes whose outcome nothing measured.

use crate::{Answer, Judgement};
use apprentice_episode::EpisodeId;
use std::collections::BTreeMap;

/// Whether the task was done, for each whole episode with a label: the newest label counts, of two given in the
/// same millisecond the one later in the log. `None` is a person who was unsure.
///
/// ```
/// use apprentice_preference::{Answer, Judgement, Verdict, success_labels};
/// let label = |when, verdict| {
///     let item = apprentice_episode::EpisodeId::from("3f").into();
///     Judgement::new(when, "ann", Answer::Success { item, verdict })
/// };
/// let labels = success_labels(&[label(2, Verdict::Yes), label(1, Verdict::No)]);
/// assert_eq!(labels.into_values().collect::<Vec<_>>(), [Some(true)]);
/// ```
#[must_use]
pub fn success_labels(judgements: &[Judgement]) -> BTreeMap<EpisodeId, Option<bool>> {
    let mut newest: BTreeMap<EpisodeId, (u64, Option<bool>)> = BTreeMap::new();
    for judgement in judgements {
        let Answer::Success { item, verdict } = &judgement.answer else {
            continue;
        };
        if item.span.is_some() || judgement.axis.is_some() {
            continue;
        }
        let label = (judgement.when_unix_ms, verdict.known());
        let kept = newest.entry(item.episode.clone()).or_insert(label);
        if label.0 >= kept.0 {
            *kept = label;
        }
    }
    let known = |(id, (_, known))| (id, known);
    newest.into_iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, Span, Verdict};

    #[test]
    fn the_newest_label_of_a_whole_episode_counts() {
        let span = Span {
            start_ns: 0,
            end_ns: 9,
        };
        let label = |when, item: Item, verdict| {
            Judgement::new(when, "ann", Answer::Success { item, verdict })
        };
        let whole = |id: &str| Item::whole(id.into());
        let labels = success_labels(&[
            label(5, whole("a"), Verdict::No),
            label(5, whole("a"), Verdict::Yes),
            label(3, whole("a"), Verdict::No),
            label(1, whole("b"), Verdict::Yes),
            label(2, whole("b"), Verdict::Unsure),
            label(9, Item::part("c".into(), span), Verdict::Yes),
        ]);
        let expected = [("a".into(), Some(true)), ("b".into(), None)];
        assert_eq!(labels, BTreeMap::from(expected));
    }
}
