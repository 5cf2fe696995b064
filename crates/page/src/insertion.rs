//! A list that is made longer by one episode after the other, each compared with the middle of where it may belong.

use crate::choosing::{Chooser, Chosen, Wanted};
use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Judgement};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Asks two at a time, so that every operator gets a list of their own: about `n log2 n` comparisons for `n` episodes.
#[derive(Clone, Debug)]
pub struct Insertion {
    /// The episodes, in the order in which they are put in.
    pub episodes: Vec<EpisodeId>,
    /// How far the list is of whoever was asked last, and whether it is whole.
    told: Option<(usize, bool)>,
}

impl Insertion {
    /// A list of these.
    #[must_use]
    pub fn new(episodes: Vec<EpisodeId>) -> Self {
        Self {
            episodes,
            told: None,
        }
    }

    /// The list so far, best first, those of one tier alike; and the two to be compared next.
    fn list(&self, wanted: &Wanted<'_>) -> (Vec<Vec<EpisodeId>>, Option<[EpisodeId; 2]>) {
        let mut list: Vec<Vec<EpisodeId>> = Vec::new();
        for episode in &self.episodes {
            let (mut low, mut high) = (0, list.len());
            let mut alike = None;
            let mut left_out = false;
            while low < high {
                let middle = low.midpoint(high);
                let Some(other) = list.get(middle).and_then(|tier| tier.first()) else {
                    break;
                };
                match said(wanted, episode, other) {
                    None => return (list.clone(), Some([episode.clone(), other.clone()])),
                    Some(None) => {
                        left_out = true;
                        break;
                    }
                    Some(Some(Ordering::Less)) => high = middle,
                    Some(Some(Ordering::Greater)) => low = middle + 1,
                    Some(Some(Ordering::Equal)) => {
                        alike = Some(middle);
                        break;
                    }
                }
            }
            match alike.and_then(|at| list.get_mut(at)) {
                Some(tier) => tier.push(episode.clone()),
                // One of which it could not be told where it belongs has no place.
                None if left_out => {}
                None => list.insert(low, vec![episode.clone()]),
            }
        }
        (list, None)
    }
}

/// What the operator said of two: `None` where nothing yet, `Some(None)` where it could not be told, and `Less` where the
/// first is better.
fn said(wanted: &Wanted<'_>, one: &EpisodeId, other: &EpisodeId) -> Option<Option<Ordering>> {
    let own = |j: &&Judgement| j.who == wanted.who && j.axis.as_deref() == wanted.axis;
    wanted.standing.iter().filter(own).find_map(|judgement| {
        let Answer::Ranking { tiers } = &judgement.answer else {
            return None;
        };
        let place = |id: &EpisodeId| {
            let holds = |tier: &Vec<apprentice_preference::Item>| {
                tier.iter().any(|i| i.episode == *id && i.span.is_none())
            };
            tiers.iter().position(holds)
        };
        let (one, other) = (place(one)?, place(other)?);
        Some((!judgement.skipped).then(|| one.cmp(&other)))
    })
}

impl Chooser for Insertion {
    fn choose(&mut self, wanted: &Wanted<'_>) -> Option<Chosen> {
        let (list, next) = self.list(wanted);
        let placed = list.iter().map(Vec::len).sum();
        self.told = Some((placed, next.is_none()));
        let [episode, other] = next?;
        Some(Chosen {
            group: vec![episode, other],
            reason: format!("insertion: clip {} of the list", placed + 1),
            ..Chosen::default()
        })
    }

    fn advice(&self) -> Option<String> {
        let (placed, whole) = self.told?;
        let all = self.episodes.iter().collect::<BTreeSet<_>>().len();
        let end = if whole { "; you can stop now" } else { "" };
        Some(format!("Your list has {placed} of {all} clips{end}."))
    }

    fn is_enough(&self) -> Option<bool> {
        Some(self.told.is_some_and(|(_, whole)| whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers by the number at the end of a name, smaller is better; answers how many questions that took.
    fn asked(
        names: &[&str],
        answer: impl Fn(&str, &str) -> Option<Ordering>,
    ) -> (usize, Insertion, Vec<Judgement>) {
        let mut insertion = Insertion::new(names.iter().map(|&n| n.into()).collect());
        let mut standing: Vec<Judgement> = Vec::new();
        loop {
            let wanted = Wanted {
                who: "ann",
                axis: None,
                standing: &standing,
            };
            let Some(chosen) = insertion.choose(&wanted) else {
                return (standing.len(), insertion, standing);
            };
            let [a, b] = [&chosen.group[0], &chosen.group[1]];
            let (a, b) = (a.clone(), b.clone());
            let judgement = match answer(a.as_str(), b.as_str()) {
                None => Judgement::skip(1, "ann", vec![a, b], None),
                Some(Ordering::Less) => {
                    Judgement::ranking(1, "ann", 1.0, vec![vec![a], vec![b]], None)
                }
                Some(Ordering::Greater) => {
                    Judgement::ranking(1, "ann", 1.0, vec![vec![b], vec![a]], None)
                }
                Some(Ordering::Equal) => Judgement::ranking(1, "ann", 1.0, vec![vec![a, b]], None),
            };
            standing.push(judgement);
            assert!(standing.len() < 100, "it does not end");
        }
    }

    fn list(insertion: &Insertion, standing: &[Judgement]) -> Vec<Vec<String>> {
        let wanted = Wanted {
            who: "ann",
            axis: None,
            standing,
        };
        let (list, _) = insertion.list(&wanted);
        let names = |tier: &Vec<EpisodeId>| tier.iter().map(|e| e.as_str().to_owned()).collect();
        list.iter().map(names).collect()
    }

    #[test]
    fn a_list_is_in_order_after_few_comparisons() {
        let names = ["d", "a", "h", "c", "f", "b", "g", "e"];
        let (count, insertion, standing) = asked(&names, |a, b| Some(a.cmp(b)));
        let expected: Vec<Vec<String>> = "abcdefgh".chars().map(|c| vec![c.to_string()]).collect();
        assert_eq!(list(&insertion, &standing), expected);
        assert!(count <= 17, "{count}: 28 are all there are");
        assert_eq!(insertion.is_enough(), Some(true));
        assert_eq!(
            insertion.advice().unwrap(),
            "Your list has 8 of 8 clips; you can stop now."
        );
    }

    #[test]
    fn what_is_alike_shares_a_place_and_what_cannot_be_told_has_none() {
        let (_, insertion, standing) = asked(&["a", "b", "c", "x"], |a, b| {
            if a == "x" || b == "x" {
                None
            } else {
                Some(if a == "c" && b == "b" {
                    Ordering::Equal
                } else {
                    a.cmp(b)
                })
            }
        });
        assert_eq!(list(&insertion, &standing), [vec!["a"], vec!["b", "c"]]);
    }

    #[test]
    fn somebody_else_s_answers_and_other_axes_do_not_count() {
        let insertion = Insertion::new(["a", "b"].map(Into::into).into());
        let of = |who: &str, axis: Option<&str>| {
            let tiers = vec![vec!["a".into()], vec!["b".into()]];
            let judgement = Judgement::ranking(1, who, 1.0, tiers, None);
            Judgement {
                axis: axis.map(Into::into),
                ..judgement
            }
            .with_id()
        };
        let standing = [of("bob", None), of("ann", Some("speed"))];
        let wanted = Wanted {
            who: "ann",
            axis: None,
            standing: &standing,
        };
        assert!(insertion.list(&wanted).1.is_some());
        let standing = [of("ann", None)];
        let wanted = Wanted {
            who: "ann",
            axis: None,
            standing: &standing,
        };
        assert!(insertion.list(&wanted).1.is_none());
    }
}
