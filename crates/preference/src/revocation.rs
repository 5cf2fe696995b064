//! Judgements that were taken back.

use crate::{Answer, Judgement};
use std::collections::HashSet;

/// Whether a judgement takes others back.
#[must_use]
pub fn is_revocation(judgement: &Judgement) -> bool {
    matches!(judgement.answer, Answer::Revocation { .. })
}

/// Whether a judgement says how things should be. Whether a task was done, and that somebody took over, are facts: a
/// wish that changes does not change them.
#[must_use]
pub fn is_wish(judgement: &Judgement) -> bool {
    let fact = matches!(
        judgement.answer,
        Answer::Success { .. } | Answer::Takeover { .. } | Answer::Revocation { .. }
    );
    !fact
}

/// The judgements that still hold, in the order given, without the revocations themselves. A revocation takes back what
/// the same person said before it: the judgements it names, or all their wishes on its axis.
///
/// ```
/// use apprentice_preference::{Answer, Judgement, standing};
/// let ranking = |when, best: &str, other: &str| {
///     Judgement::ranking(when, "ann", 1.0, vec![vec![best.into()], vec![other.into()]], None)
/// };
/// let back = Judgement::new(2, "ann", Answer::Revocation { judgements: Vec::new() });
/// let said = [ranking(1, "a", "b"), back, ranking(3, "b", "a")];
/// assert_eq!(standing(&said), [said[2].clone()]);
/// ```
#[must_use]
pub fn standing(judgements: &[Judgement]) -> Vec<Judgement> {
    let mut revoked: HashSet<usize> = HashSet::new();
    for (place, revocation) in judgements.iter().enumerate() {
        let Answer::Revocation { judgements: named } = &revocation.answer else {
            continue;
        };
        let before = judgements.iter().take(place).enumerate();
        let taken_back = before.filter(|(_, earlier)| {
            let meant = if named.is_empty() {
                is_wish(earlier) && earlier.axis == revocation.axis
            } else {
                named.contains(&earlier.id)
            };
            meant && earlier.who == revocation.who
        });
        revoked.extend(taken_back.map(|(i, _)| i));
    }
    let kept = judgements.iter().enumerate();
    kept.filter(|(i, judgement)| !revoked.contains(i) && !is_revocation(judgement))
        .map(|(_, judgement)| judgement.clone())
        .collect()
}

/// How many judgements were taken back.
#[must_use]
pub fn taken_back(judgements: &[Judgement]) -> usize {
    let said = judgements.iter().filter(|j| !is_revocation(j)).count();
    said - standing(judgements).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, JudgementLog, Verdict};

    fn ranking(who: &str, best: &str) -> Judgement {
        let tiers = vec![vec![best.into()], vec!["z".into()]];
        Judgement::ranking(1, who, 1.0, tiers, None)
    }

    fn revocation(who: &str, axis: Option<&str>, judgements: Vec<String>) -> Judgement {
        Judgement {
            axis: axis.map(Into::into),
            ..Judgement::new(2, who, Answer::Revocation { judgements })
        }
        .with_id()
    }

    #[test]
    fn a_person_takes_back_their_own_wishes_on_one_axis_and_no_facts() {
        let success = Answer::Success {
            item: Item::whole("a".into()),
            verdict: Verdict::Yes,
        };
        let on_axis = Judgement {
            axis: Some("gentleness".into()),
            ..ranking("ann", "c")
        }
        .with_id();
        let said = [
            ranking("ann", "a"),
            ranking("bob", "a"),
            on_axis.clone(),
            Judgement::new(1, "ann", success),
            revocation("ann", None, Vec::new()),
            ranking("ann", "b"),
        ];
        let kept = [1, 2, 3, 5].map(|i: usize| said[i].clone());
        assert_eq!(standing(&said), kept);
        assert_eq!(taken_back(&said), 1);
        let gentler = revocation("ann", Some("gentleness"), Vec::new());
        let said = [on_axis.clone(), ranking("ann", "a"), gentler];
        assert_eq!(standing(&said), [said[1].clone()]);
        // By name, of one's own only.
        let named = |who| revocation(who, None, vec![on_axis.id.clone()]);
        assert_eq!(taken_back(&[on_axis.clone(), named("ann")]), 1);
        assert_eq!(taken_back(&[on_axis.clone(), named("bob")]), 0);
        // What is said after a revocation stands.
        assert_eq!(taken_back(&[named("ann"), on_axis.clone()]), 0);
    }

    #[test]
    fn a_revocation_is_kept_in_the_log_as_of_a_newer_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("judgements.jsonl");
        let said = [ranking("ann", "a"), revocation("ann", None, Vec::new())];
        let mut log = JudgementLog::open(&path).unwrap();
        for judgement in &said {
            log.append(judgement).unwrap();
        }
        assert_eq!(JudgementLog::read(&path).unwrap().judgements, said);
        let text = std::fs::read_to_string(&path).unwrap();
        let versions: Vec<bool> = text
            .lines()
            .map(|line| line.contains("\"format_version\":3"))
            .collect();
        assert_eq!(versions, [false, true]);
    }
}
