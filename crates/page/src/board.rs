//! Which group an operator is asked about next, and what has been answered.

use crate::agreement::{Agreement, agreements};
use crate::material::{COLUMNS, Material};
use crate::refusal::Refusal;
use apprentice_core::sha256_bytes;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Judgement, JudgementLog, standing};
use axum::http::StatusCode;
use rand::seq::SliceRandom as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Questions that are out at once, all operators together; more make the oldest forgotten, which costs its operator
/// nothing: it is the same question when it is asked again.
const OUT: usize = 1024;
/// Characters of a name, an axis or a note.
const NAME: usize = 64;
const NOTE: usize = 2000;

/// Some episodes beside each other, for one operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// The same for the same group, operator and axis.
    pub id: String,
    pub who: String,
    pub axis: Option<String>,
    /// From left to right.
    pub columns: Vec<EpisodeId>,
}

/// How far the ranking is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Groups there are.
    pub groups: usize,
    /// Of those, how many this operator has answered or skipped on this axis.
    pub mine: usize,
    /// Of those, how many anybody has answered or skipped by overall preference.
    pub ranked: usize,
    /// What is learnt next can be learnt: every group is ranked by somebody.
    pub enough: bool,
    /// For each operator, the groups answered.
    pub operators: BTreeMap<String, usize>,
    /// How far they agree.
    pub agreements: Vec<Agreement>,
}

/// The questions and the log of the answers.
#[derive(Debug)]
pub(crate) struct Board {
    pub material: Material,
    log: JudgementLog,
    /// Judgements that were not taken back.
    standing: Vec<Judgement>,
    out: Vec<Asked>,
}

fn group_of(judgement: &Judgement) -> Option<BTreeSet<&EpisodeId>> {
    matches!(judgement.answer, Answer::Ranking { .. }).then(|| judgement.episodes().collect())
}

impl Board {
    pub fn new(mut material: Material, log: JudgementLog) -> Self {
        material
            .groups
            .retain(|group| COLUMNS.contains(&group.len()));
        Self {
            material,
            standing: standing(log.judgements()),
            log,
            out: Vec::new(),
        }
    }

    /// The name as it is kept.
    ///
    /// # Errors
    /// When it is no name, or one that is taken.
    pub fn operator(&self, who: &str) -> Result<String, Refusal> {
        let name = plain("your name", who, NAME)?;
        if name.is_empty() || self.material.reserved.contains(&name) {
            return Err(Refusal::bad(format!(
                "your name is {name:?}, allowed: any but none and {:?}",
                self.material.reserved
            )));
        }
        Ok(name)
    }

    /// What `who` is asked next; `None` when every group has been.
    pub fn next(&mut self, who: &str, axis: Option<&str>) -> Option<Asked> {
        let mine = self.answered(|j| j.who == who && j.axis.as_deref() == axis);
        let anybody = self.answered(|j| j.axis.as_deref() == axis);
        let open = |done: &BTreeSet<BTreeSet<&EpisodeId>>| {
            let mut groups = self.material.groups.iter();
            groups.find(|group| !done.contains(&group.iter().collect::<BTreeSet<_>>()))
        };
        // What nobody has ranked first: the robot learns from it, agreement can wait.
        let group = open(&anybody).or_else(|| open(&mine))?.clone();
        Some(self.ask(who, axis, &group))
    }

    fn ask(&mut self, who: &str, axis: Option<&str>, group: &[EpisodeId]) -> Asked {
        let mut members: Vec<&EpisodeId> = group.iter().collect();
        members.sort();
        let named = serde_json::json!([who, axis, members]).to_string();
        let id: String = sha256_bytes(named.as_bytes()).chars().take(24).collect();
        if let Some(asked) = self.out.iter().find(|asked| asked.id == id) {
            return asked.clone();
        }
        let mut columns: Vec<EpisodeId> = members.into_iter().cloned().collect();
        columns.shuffle(&mut self.material.seed.derive(&id, 0).rng());
        let asked = Asked {
            id,
            who: who.to_owned(),
            axis: axis.map(Into::into),
            columns,
        };
        if self.out.len() >= OUT {
            self.out.remove(0);
        }
        self.out.push(asked.clone());
        asked
    }

    /// A question by its id, also one that was asked before this process began.
    pub fn find(&mut self, id: &str, who: &str, axis: Option<&str>) -> Option<Asked> {
        if let Some(asked) = self.shown(id) {
            return (asked.who == who && asked.axis.as_deref() == axis).then_some(asked);
        }
        let groups = self.material.groups.clone();
        let mut asked = groups.iter().map(|group| self.ask(who, axis, group));
        asked.find(|asked| asked.id == id)
    }

    /// A question that is out.
    pub fn shown(&self, id: &str) -> Option<Asked> {
        self.out.iter().find(|asked| asked.id == id).cloned()
    }

    /// What was answered to this question already.
    pub fn answer_to(&self, asked: &Asked) -> Option<&Judgement> {
        let group: BTreeSet<&EpisodeId> = asked.columns.iter().collect();
        let mut said = self.standing.iter();
        said.find(|j| {
            j.who == asked.who && j.axis == asked.axis && group_of(j).as_ref() == Some(&group)
        })
    }

    /// A judgement that says the same, by the same operator.
    pub fn same_as(&self, judgement: &Judgement) -> Option<&Judgement> {
        let mut said = self.standing.iter();
        said.find(|j| {
            j.who == judgement.who && j.axis == judgement.axis && j.answer == judgement.answer
        })
    }

    /// Puts an answer on the disk. It must be of the question, which has no answer yet.
    ///
    /// # Errors
    /// When it contradicts itself or cannot be written.
    pub fn append(&mut self, judgement: &Judgement) -> Result<(), Refusal> {
        self.log
            .append(judgement)
            .map_err(|e| Refusal::broken(apprentice_core::in_one_line(&e)))?;
        self.standing = standing(self.log.judgements());
        Ok(())
    }

    /// Takes an operator's own ranking back, once, and answers whether it had been taken back before.
    ///
    /// # Errors
    /// When it is not there, or somebody else's, or the disk refuses.
    pub fn take_back(&mut self, who: &str, id: &str, now_unix_ms: u64) -> Result<bool, Refusal> {
        let own = |j: &&Judgement| j.id == id && j.who == who && group_of(j).is_some();
        let Some(said) = self.log.judgements().iter().find(own) else {
            let why = "you have not given this answer; reload the page";
            return Err(Refusal::new(StatusCode::NOT_FOUND, why));
        };
        if !self.standing.iter().any(|j| j.id == id) {
            return Ok(true);
        }
        let revocation = Answer::Revocation {
            judgements: vec![id.to_owned()],
        };
        let revocation = Judgement {
            axis: said.axis.clone(),
            ..Judgement::new(now_unix_ms, who, revocation)
        };
        self.append(&revocation.with_id())?;
        Ok(false)
    }

    pub fn progress(&self, who: &str, axis: Option<&str>) -> Progress {
        let groups: BTreeSet<BTreeSet<&EpisodeId>> = self
            .material
            .groups
            .iter()
            .map(|g| g.iter().collect())
            .collect();
        let count = |done: BTreeSet<BTreeSet<&EpisodeId>>| done.intersection(&groups).count();
        let mine = count(self.answered(|j| j.who == who && j.axis.as_deref() == axis));
        let ranked = count(self.answered(|j| j.axis.is_none()));
        let names: BTreeSet<&str> = self.standing.iter().map(|j| j.who.as_str()).collect();
        let operators = names.into_iter().map(|name| {
            let of = count(self.answered(|j| j.who == name && j.axis.is_none()));
            (name.to_owned(), of)
        });
        Progress {
            groups: groups.len(),
            mine,
            ranked,
            enough: ranked == groups.len(),
            operators: operators.filter(|(_, of)| *of > 0).collect(),
            agreements: agreements(&self.standing),
        }
    }

    fn answered(&self, whose: impl Fn(&Judgement) -> bool) -> BTreeSet<BTreeSet<&EpisodeId>> {
        let said = self.standing.iter().filter(|j| whose(j));
        said.filter_map(group_of).collect()
    }
}

/// An axis in the operator's words; none is what he or she likes over all.
///
/// # Errors
/// When it is too long or not one line of text.
pub(crate) fn axis(text: &str) -> Result<Option<String>, Refusal> {
    let text = plain("the axis", text, NAME)?;
    Ok((!text.is_empty()).then_some(text))
}

/// What an operator added.
///
/// # Errors
/// As [`axis`].
pub(crate) fn note(text: &str) -> Result<Option<String>, Refusal> {
    let text = plain("the note", text, NOTE)?;
    Ok((!text.is_empty()).then_some(text))
}

fn plain(what: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if length > most || text.chars().any(char::is_control) {
        return Err(Refusal::bad(format!(
            "{what} has {length} characters, allowed: one line of at most {most}"
        )));
    }
    Ok(text.to_owned())
}
