//! Which group an operator is asked about next, and what has been answered.

use crate::agreement::{Agreement, agreements};
use crate::choosing::{Chooser, Chosen, InOrder, Wanted, group_of};
use crate::error::PageError;
use crate::material::{COLUMNS, Material};
use crate::questions::{Asked, Questions};
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

/// How far the ranking is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Groups there are; 0 where they are chosen one by one, and all that were answered count.
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
    /// Questions of the list of groups that are out.
    out: Vec<Asked>,
    /// Questions that are not in that list.
    questions: Questions,
    chooser: Box<dyn Chooser>,
    asks: bool,
}

impl Board {
    /// Asks what `chooser` chooses; without one the groups of `material` in their order.
    ///
    /// # Errors
    /// When the questions that were asked before cannot be read.
    pub fn new(
        mut material: Material,
        log: JudgementLog,
        chooser: Option<Box<dyn Chooser>>,
    ) -> Result<Self, PageError> {
        material
            .groups
            .retain(|group| COLUMNS.contains(&group.len()));
        let in_order = || -> Box<dyn Chooser> {
            Box::new(InOrder {
                groups: material.groups.clone(),
                reason: material.reason.clone(),
            })
        };
        Ok(Self {
            asks: chooser.is_some() || !material.groups.is_empty(),
            chooser: chooser.unwrap_or_else(in_order),
            standing: standing(log.judgements()),
            questions: Questions::open(material.asked.as_deref())?,
            material,
            log,
            out: Vec::new(),
        })
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

    /// What `who` is asked next; `None` when there is nothing left.
    ///
    /// # Errors
    /// When a question cannot be kept.
    pub fn next(&mut self, who: &str, axis: Option<&str>) -> Result<Option<Asked>, Refusal> {
        // The same again until it is answered: what is chosen may be another one each time.
        let last = self.questions.last_of(who, axis);
        if let Some(asked) = last.filter(|asked| self.answer_to(asked).is_none()) {
            return Ok(Some(asked.clone()));
        }
        let wanted = Wanted {
            who,
            axis,
            standing: &self.standing,
        };
        let Some(chosen) = self.chooser.choose(&wanted) else {
            return Ok(None);
        };
        let known = |id: &EpisodeId| self.material.episodes.iter().any(|e| e.id == *id);
        if !COLUMNS.contains(&chosen.group.len()) || !chosen.group.iter().all(known) {
            return Err(Refusal::broken(format!(
                "the group that was chosen ({}) has {} episodes, allowed: {} to {} of those there are",
                chosen.reason,
                chosen.group.len(),
                COLUMNS.start(),
                COLUMNS.end()
            )));
        }
        self.ask(who, axis, &chosen).map(Some)
    }

    /// Whether anything is asked at all.
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// Whether one may stop, as whoever chooses says.
    pub fn advice(&self) -> Option<String> {
        self.chooser.advice()
    }

    fn ask(&mut self, who: &str, axis: Option<&str>, chosen: &Chosen) -> Result<Asked, Refusal> {
        let mut members: Vec<&EpisodeId> = chosen.group.iter().collect();
        members.sort();
        let named = serde_json::json!([who, axis, members]).to_string();
        let id: String = sha256_bytes(named.as_bytes()).chars().take(24).collect();
        if let Some(asked) = self.shown(&id) {
            return Ok(asked);
        }
        let mut columns: Vec<EpisodeId> = members.iter().copied().cloned().collect();
        columns.shuffle(&mut self.material.seed.derive(&id, 0).rng());
        let asked = Asked {
            id,
            who: who.to_owned(),
            axis: axis.map(Into::into),
            columns,
            reason: chosen.reason.clone(),
            worth: chosen.worth.clone(),
            seconds: chosen.seconds,
        };
        let members: BTreeSet<&EpisodeId> = members.into_iter().collect();
        let same = |group: &Vec<EpisodeId>| group.iter().collect::<BTreeSet<_>>() == members;
        if !self.material.groups.iter().any(same) {
            self.questions.keep(&asked)?;
            return Ok(asked);
        }
        if self.out.len() >= OUT {
            self.out.remove(0);
        }
        self.out.push(asked.clone());
        Ok(asked)
    }

    /// A question by its id, also one that was asked before this process began.
    ///
    /// # Errors
    /// When a question cannot be kept.
    pub fn find(
        &mut self,
        id: &str,
        who: &str,
        axis: Option<&str>,
    ) -> Result<Option<Asked>, Refusal> {
        if let Some(asked) = self.shown(id) {
            return Ok((asked.who == who && asked.axis.as_deref() == axis).then_some(asked));
        }
        for group in self.material.groups.clone() {
            let listed = Chosen {
                group,
                reason: self.material.reason.clone(),
                ..Chosen::default()
            };
            let asked = self.ask(who, axis, &listed)?;
            if asked.id == id {
                return Ok(Some(asked));
            }
        }
        Ok(None)
    }

    /// A question that is out.
    pub fn shown(&self, id: &str) -> Option<Asked> {
        let out = self.out.iter().find(|asked| asked.id == id);
        out.or_else(|| self.questions.find(id)).cloned()
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
            (&j.who, &j.axis, &j.answer, &j.comment)
                == (
                    &judgement.who,
                    &judgement.axis,
                    &judgement.answer,
                    &judgement.comment,
                )
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

    /// Puts what was said while the robot ran on the disk, unless it is there, taken back or not.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_once(&mut self, judgement: &Judgement) -> Result<(), Refusal> {
        let there = self.log.judgements().iter().any(|j| j.id == judgement.id);
        if there {
            Ok(())
        } else {
            self.append(judgement)
        }
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
        // What somebody else chooses is in no list.
        let count = |done: BTreeSet<BTreeSet<&EpisodeId>>| match groups.len() {
            0 => done.len(),
            _ => done.intersection(&groups).count(),
        };
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
            enough: self.chooser.is_enough().unwrap_or(ranked >= groups.len()),
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
