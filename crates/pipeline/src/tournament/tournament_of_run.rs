//! A run's tournament: who is asked what, and what came of it.

use super::answer::{MatchEntry, Said, Verdict, check_name};
use super::entrants::{Entrant, entrants};
use super::operator_log::{OperatorLog, everybody};
use super::question::{Hidden, MatchQuestion, Next, next_question};
use super::standings::{Standings, comparisons};
use crate::run_dir::RunDir;
use crate::tournament::answer::standing;
use anyhow::{Context as _, Result, bail};
use apprentice_core::Seed;
use apprentice_statistics::{StopRule, Strengths};
use std::collections::BTreeMap;

/// Which versions, and when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct TournamentSettings {
    /// Numbers of the versions; all that have episodes where empty.
    pub versions: Vec<u32>,
    /// Probability at most of each wrong statement.
    pub error_rate: f64,
    /// A version may stand behind one that it is preferred to in up to this share of the comparisons.
    pub tolerated: f64,
}

impl Default for TournamentSettings {
    /// All versions, 5 %, two of three.
    fn default() -> Self {
        Self {
            versions: Vec::new(),
            error_rate: 0.05,
            tolerated: 2.0 / 3.0,
        }
    }
}

/// A run's tournament. One object serves all operators of a process; the log of each is locked from their first
/// question on, and free again when this is dropped.
#[derive(Debug)]
pub struct Tournament {
    dir: RunDir,
    seed: Seed,
    entrants: Vec<Entrant>,
    rule: StopRule,
    settings: TournamentSettings,
    operators: BTreeMap<String, OperatorLog>,
}

/// What an operator may be told once they have answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The entry's number, by which it can be taken back.
    pub entry: u64,
    /// Numbers of the versions that were shown as 1 and as 2.
    pub versions: [u32; 2],
}

impl Tournament {
    /// Of the run in this folder; `seed` is the run's.
    ///
    /// # Errors
    /// When there are fewer than two versions with episodes, one that is named is not there, or a setting is out of range.
    pub fn open(dir: &RunDir, seed: Seed, settings: TournamentSettings) -> Result<Self> {
        let rule = StopRule::new(settings.error_rate, settings.tolerated)?;
        Ok(Self {
            entrants: entrants(dir, &settings.versions)?,
            dir: dir.clone(),
            seed,
            rule,
            settings,
            operators: BTreeMap::new(),
        })
    }

    /// The versions that take part, with their episodes. Not for operators who are still to answer.
    #[must_use]
    pub fn entrants(&self) -> &[Entrant] {
        &self.entrants
    }

    /// What comes next for an operator; the same until it is answered, in every process. With `go_on` also once the order is
    /// told.
    ///
    /// # Errors
    /// When the name cannot be one, the log cannot be read, or another process asks the same operator.
    pub fn next(&mut self, who: &str, go_on: bool) -> Result<Next> {
        self.entries(who)?;
        let strengths = Strengths::of(&comparisons(&self.entrants, standing(self.said(who)))?);
        if self.rule.is_met(&strengths) && !go_on {
            return Ok(Next::Decided);
        }
        Ok(match self.hidden(who)? {
            Some(hidden) => Next::Match(hidden.question),
            None => Next::Exhausted,
        })
    }

    /// Keeps an answer; when this returns, the disk has it. The same answer to the same question again changes nothing, so
    /// that it may be sent again when nobody knows whether it arrived.
    ///
    /// # Errors
    /// When the question is not the one that is open, it was answered in another way, or the log cannot be written.
    pub fn answer(
        &mut self,
        who: &str,
        question: &str,
        verdict: Verdict,
        response_time_ms: Option<u64>,
        at_unix_ms: u64,
    ) -> Result<Answered> {
        let hidden = self.hidden(who)?;
        let Some(hidden) = hidden.filter(|h| h.question.id == question) else {
            return self.answered(who, question, verdict);
        };
        let Hidden {
            question: MatchQuestion {
                same_start, reason, ..
            },
            shown,
        } = hidden;
        let versions = shown.each_ref().map(|s| s.version);
        let entry = self.keep(
            who,
            at_unix_ms,
            Said::Answer {
                question: question.to_owned(),
                shown,
                verdict,
                same_start,
                reason,
                response_time_ms,
            },
        )?;
        Ok(Answered { entry, versions })
    }

    /// Takes the operator's newest answer that stands back; its episodes may come again. Answers its number, `None` where
    /// there is none.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub fn take_back(&mut self, who: &str, at_unix_ms: u64) -> Result<Option<u64>> {
        let Some(entry) = standing(self.entries(who)?).last().map(|e| e.number) else {
            return Ok(None);
        };
        self.keep(who, at_unix_ms, Said::TakenBack { entry })?;
        Ok(Some(entry))
    }

    /// How the tournament stands, everybody's answers on disk included.
    ///
    /// # Errors
    /// When a log cannot be read or is damaged.
    pub fn standings(&self) -> Result<Standings> {
        let everybody = everybody(&self.dir)?;
        let TournamentSettings {
            error_rate,
            tolerated,
            ..
        } = self.settings;
        Standings::of(
            &self.entrants,
            &everybody,
            (self.rule, error_rate, tolerated),
        )
    }

    fn entries(&mut self, who: &str) -> Result<&[MatchEntry]> {
        check_name(who)?;
        if !self.operators.contains_key(who) {
            let log = OperatorLog::open(&self.dir, who)?;
            self.operators.insert(who.to_owned(), log);
        }
        Ok(self.said(who))
    }

    /// What an operator said whose log is open.
    fn said(&self, who: &str) -> &[MatchEntry] {
        self.operators.get(who).map_or(&[], |o| o.log.entries())
    }

    fn hidden(&mut self, who: &str) -> Result<Option<Hidden>> {
        let seed = self.seed;
        self.entries(who)?;
        let entries = self.said(who);
        let strengths = Strengths::of(&comparisons(&self.entrants, standing(entries))?);
        next_question(&self.entrants, who, entries, (self.rule, &strengths), seed)
    }

    fn keep(&mut self, who: &str, at_unix_ms: u64, said: Said) -> Result<u64> {
        let log = self.operators.get_mut(who);
        let log = log.with_context(|| format!("the log of {who} is not open"))?;
        let kept = log.log.append(MatchEntry {
            number: 0,
            who: who.to_owned(),
            at_unix_ms,
            said,
        })?;
        Ok(kept.number)
    }

    /// A question that is not open: answered in the same way, or refused.
    fn answered(&mut self, who: &str, question: &str, wanted: Verdict) -> Result<Answered> {
        for entry in standing(self.entries(who)?) {
            if let Said::Answer {
                question: other,
                shown,
                verdict,
                ..
            } = &entry.said
                && other == question
            {
                if *verdict != wanted {
                    bail!(
                        "question {question} was answered as {verdict:?} already; take that back to answer anew"
                    );
                }
                return Ok(Answered {
                    entry: entry.number,
                    versions: shown.each_ref().map(|s| s.version),
                });
            }
        }
        bail!("question {question:?} is not the one that is open for {who}; ask for the next one")
    }
}
