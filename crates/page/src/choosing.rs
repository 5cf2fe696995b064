//! Who chooses what is asked next.

use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Judgement};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What a chooser may go by.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who is asked.
    pub who: &'a str,
    /// By what; `None`: what they like over all.
    pub axis: Option<&'a str>,
    /// What was said by anybody and not taken back.
    pub standing: &'a [Judgement],
}

/// Some episodes to be put in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// 2 to 6 episodes, in any order.
    pub group: Vec<EpisodeId>,
    /// Why these, in a few words; kept with the answer.
    pub reason: String,
    /// What the answer is expected to be worth, in words for the operator.
    pub worth: Option<String>,
    /// How long it is expected to take, seconds.
    pub seconds: Option<f64>,
}

/// Chooses what is asked next. Somebody waits for it: what takes long is for a thread of its own.
pub trait Chooser: Debug + Send {
    /// The next question; `None` where there is none that this operator has not answered.
    fn choose(&mut self, wanted: &Wanted<'_>) -> Option<Chosen>;

    /// Whether one may stop, in a sentence for the operator; `None` where there is nothing to say.
    fn advice(&self) -> Option<String> {
        None
    }

    /// Whether what is learnt next can be learnt; `None`: once every group of the list was ranked.
    fn is_enough(&self) -> Option<bool> {
        None
    }
}

/// The episodes that a ranking is of, answered or skipped.
pub(crate) fn group_of(judgement: &Judgement) -> Option<BTreeSet<&EpisodeId>> {
    matches!(judgement.answer, Answer::Ranking { .. }).then(|| judgement.episodes().collect())
}

/// Groups one after the other, those first that nobody has ranked: the robot learns from these, agreement can wait.
#[derive(Clone, Debug)]
pub struct InOrder {
    /// The groups.
    pub groups: Vec<Vec<EpisodeId>>,
    /// Why just these.
    pub reason: String,
}

impl Chooser for InOrder {
    fn choose(&mut self, wanted: &Wanted<'_>) -> Option<Chosen> {
        let of_axis = || {
            let said = wanted.standing.iter();
            said.filter(|j| j.axis.as_deref() == wanted.axis)
        };
        let anybody: BTreeSet<_> = of_axis().filter_map(group_of).collect();
        let mine: BTreeSet<_> = of_axis()
            .filter(|j| j.who == wanted.who)
            .filter_map(group_of)
            .collect();
        let open = |done: &BTreeSet<BTreeSet<&EpisodeId>>| {
            let mut groups = self.groups.iter();
            groups.find(|group| !done.contains(&group.iter().collect::<BTreeSet<_>>()))
        };
        let group = open(&anybody).or_else(|| open(&mine))?;
        Some(Chosen {
            group: group.clone(),
            reason: self.reason.clone(),
            ..Chosen::default()
        })
    }
}
