//! How a tournament stands.

use super::answer::{MatchEntry, Said, Verdict, standing};
use super::entrants::Entrant;
use anyhow::Result;
use apprentice_statistics::{Comparisons, Preferred, StopRule, Strengths, kendall_tau_b};
use serde::Serialize;
use std::collections::BTreeMap;

/// Comparisons more than which nobody is told to expect.
const FORESEEN: u32 = 1_000;

/// How a tournament stands, for each operator and, where there are several, together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standings {
    /// Numbers of the versions that take part.
    pub versions: Vec<u32>,
    /// Probability at most of a wrong statement: that the table of an operator puts a version behind one that it is
    /// preferred to in more than `tolerated` of the comparisons, and of an interval that does not hold.
    pub error_rate: f64,
    /// See there.
    pub tolerated: f64,
    /// Each operator's.
    pub operators: Vec<OperatorStandings>,
    /// All answers in one table; `None` with a single operator. Where operators disagree it is nobody's opinion.
    pub together: Option<Table>,
    /// How far operators agree, two at a time.
    pub agreement: Vec<Agreement>,
}

/// One operator's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperatorStandings {
    /// Who.
    pub who: String,
    /// Questions that were answered "cannot tell", which count for nothing.
    pub cannot_tell: usize,
    /// Of the answers that prefer one, those that prefer the clip shown as 1: about half, since sides are drawn.
    pub first_preferred: usize,
    /// The table.
    pub table: Table,
}

/// Versions, best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Comparisons that it comes of.
    pub comparisons: usize,
    /// Its rows.
    pub rows: Vec<Row>,
    /// The chance, at most, of the order being wrong by more than what is tolerated, however often one looks.
    pub chance_wrong: f64,
    /// Whether there is nothing more to ask.
    pub decided: bool,
    /// About how many comparisons more would decide, if all is as it seems; `None` for more than 1,000.
    pub comparisons_wanted: Option<u32>,
}

/// A version's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its place, from 1.
    pub place: usize,
    /// Its number.
    pub version: u32,
    /// What it is.
    pub name: String,
    /// Comparisons in which it was preferred.
    pub won: usize,
    /// In which the other was.
    pub lost: usize,
    /// In which both were as good.
    pub level: usize,
    /// Share of comparisons with the mean of the others in which it is preferred, most probably.
    pub preferred: f64,
    /// Lower end of its interval, which holds after all comparisons at once.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Two operators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Who.
    pub operators: [String; 2],
    /// Kendall's tau-b of their orders, -1 to 1; `None` where one of them has said nothing that tells versions apart.
    pub tau_b: Option<f64>,
    /// Pairs of episodes that both preferred one of, and the same.
    pub same: usize,
    /// And not the same.
    pub opposite: usize,
    /// Versions that one prefers and the other does not, `[better to the first, better to the second]`.
    pub disagreements: Vec<Disagreement>,
}

/// Two versions that two operators put in opposite order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disagreement {
    /// The one that the first operator prefers.
    pub first_prefers: u32,
    /// The one that the second prefers.
    pub second_prefers: u32,
    /// Whether each is sure of it, with the error rate.
    pub sure: bool,
}

/// What an operator's answers, or several operators', come to.
pub(super) fn comparisons<'a>(
    entrants: &[Entrant],
    entries: impl Iterator<Item = &'a MatchEntry>,
) -> Result<Comparisons> {
    let mut comparisons = Comparisons::new(entrants.len())?;
    for (first, second, verdict) in answers(entrants, entries) {
        let preferred = match verdict {
            Verdict::First => Preferred::First,
            Verdict::Second => Preferred::Second,
            Verdict::Equal => Preferred::Neither,
            Verdict::CannotTell => continue,
        };
        comparisons.add(first, second, preferred)?;
    }
    Ok(comparisons)
}

/// Answers about versions that take part.
fn answers<'a>(
    entrants: &[Entrant],
    entries: impl Iterator<Item = &'a MatchEntry>,
) -> Vec<(usize, usize, Verdict)> {
    let place = |sha256: &str| entrants.iter().position(|e| e.sha256 == sha256);
    entries
        .filter_map(|entry| match &entry.said {
            Said::Answer { shown, verdict, .. } => {
                Some((place(&shown[0].policy)?, place(&shown[1].policy)?, *verdict))
            }
            Said::TakenBack { .. } => None,
        })
        .collect()
}

impl Standings {
    /// Of everybody's entries.
    pub(super) fn of(
        entrants: &[Entrant],
        everybody: &BTreeMap<String, Vec<MatchEntry>>,
        (rule, error_rate, tolerated): (StopRule, f64, f64),
    ) -> Result<Self> {
        let table = |answers: Vec<&MatchEntry>| Table::of(entrants, answers, rule, error_rate);
        let operators: Result<Vec<OperatorStandings>> = everybody
            .iter()
            .map(|(who, entries)| {
                let said = answers(entrants, standing(entries));
                let count = |v: Verdict| said.iter().filter(|a| a.2 == v).count();
                Ok(OperatorStandings {
                    who: who.clone(),
                    cannot_tell: count(Verdict::CannotTell),
                    first_preferred: count(Verdict::First),
                    table: table(standing(entries).collect())?,
                })
            })
            .collect();
        let all = || everybody.values().flat_map(|entries| standing(entries));
        let several = everybody.len() > 1;
        let mut agreement = Vec::new();
        for (i, first) in everybody.iter().enumerate() {
            for second in everybody.iter().skip(i + 1) {
                agreement.push(Agreement::of(entrants, first, second, error_rate)?);
            }
        }
        Ok(Self {
            versions: entrants.iter().map(|e| e.version).collect(),
            error_rate,
            tolerated,
            operators: operators?,
            together: several.then(|| table(all().collect())).transpose()?,
            agreement,
        })
    }
}

impl Table {
    fn of(
        entrants: &[Entrant],
        entries: Vec<&MatchEntry>,
        rule: StopRule,
        error_rate: f64,
    ) -> Result<Self> {
        let said = answers(entrants, entries.iter().copied());
        let comparisons = comparisons(entrants, entries.into_iter())?;
        let strengths = Strengths::of(&comparisons);
        let count = |item: usize, as_first: Verdict, as_second: Verdict| {
            said.iter()
                .filter(|(a, b, v)| {
                    (*a == item && *v == as_first) || (*b == item && *v == as_second)
                })
                .count()
        };
        let rows = strengths
            .order()
            .into_iter()
            .enumerate()
            .filter_map(|(place, item)| {
                let entrant = entrants.get(item)?;
                let share = strengths.preferred_share(item, error_rate);
                Some(Row {
                    place: place + 1,
                    version: entrant.version,
                    name: entrant.name.clone(),
                    won: count(item, Verdict::First, Verdict::Second),
                    lost: count(item, Verdict::Second, Verdict::First),
                    level: count(item, Verdict::Equal, Verdict::Equal),
                    preferred: share.share,
                    low: share.low,
                    high: share.high,
                })
            })
            .collect();
        Ok(Self {
            comparisons: comparisons.count().round() as usize,
            rows,
            chance_wrong: rule.risk(&strengths),
            decided: rule.is_met(&strengths),
            comparisons_wanted: rule.comparisons_wanted(&comparisons, FORESEEN),
        })
    }
}

impl Agreement {
    fn of(
        entrants: &[Entrant],
        (one, first): (&String, &Vec<MatchEntry>),
        (other, second): (&String, &Vec<MatchEntry>),
        error_rate: f64,
    ) -> Result<Self> {
        let strengths = |entries| -> Result<Strengths> {
            Ok(Strengths::of(&comparisons(entrants, standing(entries))?))
        };
        let (a, b) = (strengths(first)?, strengths(second)?);
        let mut disagreements = Vec::new();
        for i in 0..entrants.len() {
            for j in (0..entrants.len()).filter(|j| *j != i) {
                let (to_first, to_second) = (a.difference(i, j).0, b.difference(j, i).0);
                // Half a logit: the better is preferred in five of eight.
                if to_first > 0.5 && to_second > 0.5 {
                    let sure = a.chance_of_being_wrong(i, j, 0.0) <= error_rate
                        && b.chance_of_being_wrong(j, i, 0.0) <= error_rate;
                    disagreements.push(Disagreement {
                        first_prefers: entrants[i].version,
                        second_prefers: entrants[j].version,
                        sure,
                    });
                }
            }
        }
        let (better, theirs) = (better(first), better(second));
        let both = || {
            better
                .iter()
                .filter_map(|(pair, best)| Some((best, theirs.get(pair)?)))
        };
        let same = both().filter(|(mine, other)| mine == other).count();
        Ok(Self {
            operators: [one.clone(), other.clone()],
            tau_b: kendall_tau_b(a.logits(), b.logits()),
            same,
            opposite: both().count() - same,
            disagreements,
        })
    }
}

/// For each two episodes of which one was preferred, that one.
fn better(entries: &[MatchEntry]) -> BTreeMap<[&str; 2], &str> {
    standing(entries)
        .filter_map(|entry| match &entry.said {
            Said::Answer { shown, verdict, .. } => {
                let [a, b] = shown.each_ref().map(|s| s.episode.as_str());
                let best = match verdict {
                    Verdict::First => a,
                    Verdict::Second => b,
                    Verdict::Equal | Verdict::CannotTell => return None,
                };
                Some(([a.min(b), a.max(b)], best))
            }
            Said::TakenBack { .. } => None,
        })
        .collect()
}
