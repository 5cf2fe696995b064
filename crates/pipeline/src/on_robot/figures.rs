//! What trials of two policies come to.

use crate::trials::{Judge, PolicyRole, Trial, Verdict};
use anyhow::Result;
use apprentice_statistics::{PairedDecision, PairedTest, clopper_pearson};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A share of trials. Unsure ones are in neither count of the rate; the lower bound counts them as failures, the upper one
/// as successes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Trials that were.
    pub k: u64,
    /// Trials of which it is known.
    pub n: u64,
    /// Trials of which it is not.
    pub unsure: u64,
    /// `k / n`; 0 without any.
    pub rate: f64,
    /// Clopper-Pearson bounds, 95 %, two-sided.
    pub low: f64,
    /// Upper one.
    pub high: f64,
}

impl std::fmt::Display for Share {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unsure = match self.unsure {
            0 => String::new(),
            unsure => format!(", {unsure} unsure"),
        };
        let Self {
            k, n, low, high, ..
        } = self;
        // Padded as a whole, for columns.
        to.pad(&format!(
            "{:.3} ({k} of {n}, {low:.3} to {high:.3}{unsure})",
            self.rate
        ))
    }
}

impl Share {
    fn of(verdicts: impl Iterator<Item = Verdict>) -> Self {
        let (mut k, mut n, mut unsure) = (0, 0, 0);
        for verdict in verdicts {
            k += u64::from(verdict == Verdict::Yes);
            n += u64::from(verdict != Verdict::Unsure);
            unsure += u64::from(verdict == Verdict::Unsure);
        }
        Self {
            k,
            n,
            unsure,
            rate: k as f64 / n.max(1) as f64,
            low: clopper_pearson::interval(k, n + unsure, 0.05).0,
            high: clopper_pearson::interval(k + unsure, n + unsure, 0.05).1,
        }
    }
}

/// One policy's trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// SHA-256 of its file.
    pub sha256: String,
    /// Trials.
    pub trials: u64,
    /// The task done.
    pub success: Share,
    /// Done, and the preferred way, of all trials of which that was asked.
    pub preferred: Share,
    /// Trials in which the guard intervened for a reason that matters.
    pub interventions: u64,
    /// Stops.
    pub stops: u64,
    /// Takeovers.
    pub takeovers: u64,
    /// Drops, where said.
    pub drops: u64,
}

impl Tried {
    /// Of these trials.
    #[must_use]
    pub fn of<'a>(trials: impl Iterator<Item = &'a Trial> + Clone) -> Self {
        let told = trials.clone().any(tells_preferred);
        Self::telling(told, trials)
    }

    /// Of these trials; where nobody `told` which way it was done, nothing is said of that.
    fn telling<'a>(told: bool, trials: impl Iterator<Item = &'a Trial> + Clone) -> Self {
        let sum = |count: fn(&Trial) -> u64| trials.clone().map(count).sum();
        Self {
            sha256: trials
                .clone()
                .next()
                .map_or_else(String::new, |t| t.policy.sha256.clone()),
            trials: sum(|_| 1),
            success: Share::of(trials.clone().map(|t| t.success)),
            preferred: Share::of(trials.clone().filter(|_| told).filter_map(preferred)),
            interventions: sum(|t| u64::from(t.guarding.interventions > 0)),
            stops: sum(|t| t.guarding.stops),
            takeovers: sum(|t| t.guarding.takeovers),
            drops: sum(|t| t.guarding.drops.unwrap_or(0)),
        }
    }
}

/// Whether somebody told of this trial which way it was done: a person who was asked, or a robot that can tell.
fn tells_preferred(trial: &Trial) -> bool {
    match trial.preferred {
        Some(Verdict::Unsure) => trial.judge != Judge::Robot,
        Some(_) => true,
        None => false,
    }
}

/// Whether it was done and the preferred way; `None` where nobody was asked and it may have been done.
fn preferred(trial: &Trial) -> Option<Verdict> {
    match (trial.success, trial.preferred) {
        (Verdict::No, _) => Some(Verdict::No),
        (Verdict::Yes, said) => said,
        (Verdict::Unsure, Some(Verdict::No)) => Some(Verdict::No),
        (Verdict::Unsure, said) => said.map(|_| Verdict::Unsure),
    }
}

/// Pairs from the same start, and what the sequential test says of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// Whole pairs.
    pub pairs: u64,
    /// Of these, pairs in which one verdict at least is unsure. Whatever is said has to hold whichever way those went.
    pub unsure: u64,
    /// Only the base policy did it, of the pairs that are known.
    pub base_only: u64,
    /// Only the aligned one did.
    pub aligned_only: u64,
    /// Difference of the rates, aligned minus base, of the pairs that are known.
    pub difference: f64,
    /// Where it lies, valid after every pair: a confidence sequence, unsure verdicts against and for the aligned policy.
    pub interval: (f64, f64),
    /// Evidence that the aligned policy does not lose the margin; `1 / error_rate` is enough.
    pub e_value: f64,
    /// What holds.
    pub decision: PairedDecision,
}

impl Pairs {
    /// Of verdicts of base and aligned policy, in the order of the pairs.
    ///
    /// # Errors
    /// When error rate or margin make no test.
    pub fn of(
        pairs: impl Iterator<Item = (Verdict, Verdict)>,
        alpha: f64,
        margin: f64,
    ) -> Result<Self> {
        // Unsure verdicts once all against the aligned policy, once all for it.
        let mut against = PairedTest::new(alpha, margin)?;
        let mut favouring = PairedTest::new(alpha, margin)?;
        let mut known = PairedTest::new(alpha, margin)?;
        let mut unsure = 0;
        for (base, aligned) in pairs {
            against.observe(base != Verdict::No, aligned == Verdict::Yes);
            favouring.observe(base == Verdict::Yes, aligned != Verdict::No);
            match (base.known(), aligned.known()) {
                (Some(base), Some(aligned)) => known.observe(base, aligned),
                _ => unsure += 1,
            }
        }
        let decision = match (against.decision(), favouring.decision()) {
            (said @ (PairedDecision::Better | PairedDecision::NotWorse), _) => said,
            (_, PairedDecision::Worse) => PairedDecision::Worse,
            _ => PairedDecision::Undecided,
        };
        let (base_only, aligned_only) = known.discordant();
        Ok(Self {
            pairs: against.pairs(),
            unsure,
            base_only,
            aligned_only,
            difference: known.difference(),
            interval: (against.interval().0, favouring.interval().1),
            e_value: against.e_value(),
            decision,
        })
    }
}

/// A comparison of base and aligned policy on a robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonFigures {
    /// Its name in the log of trials.
    pub comparison: String,
    /// The base policy.
    pub base: Tried,
    /// The aligned one.
    pub aligned: Tried,
    /// Success, pair by pair.
    pub paired: Pairs,
    /// The preferred way, pair by pair; `None` where it was asked of no whole pair.
    pub paired_preferred: Option<Pairs>,
    /// What holds of success.
    pub decision: PairedDecision,
    /// The probability at most of a wrong statement, however often one looks.
    pub error_rate: f64,
    /// The loss of success that is still fine.
    pub margin: f64,
    /// Trials asked for.
    pub wanted: u64,
    /// Whether it ended before these, since the test had decided.
    pub ended_early: bool,
    /// Which policy went first, for each pair: told only now.
    pub first: Vec<PolicyRole>,
}

impl ComparisonFigures {
    /// Whether anybody told which way the task was done.
    #[must_use]
    pub fn tells_preferred(&self) -> bool {
        let told = |share: Share| share.n + share.unsure > 0;
        told(self.base.preferred) || told(self.aligned.preferred)
    }

    /// Of the trials of one comparison.
    ///
    /// # Errors
    /// When error rate or margin make no test.
    pub fn of(
        comparison: &str,
        trials: &[Trial],
        (error_rate, margin): (f64, f64),
        wanted: u64,
    ) -> Result<Self> {
        let of_it = || trials.iter().filter(|t| t.comparison == comparison);
        let role = |role| of_it().filter(move |t| t.policy.role == role);
        let mut pairs: BTreeMap<u64, [Option<&Trial>; 2]> = BTreeMap::new();
        for trial in of_it() {
            let pair = pairs.entry(trial.start.number).or_default();
            let half = usize::from(trial.policy.role == PolicyRole::Aligned);
            // The first is the one that counts: a start is tried once with each.
            pair[half].get_or_insert(trial);
        }
        let whole: Vec<(&Trial, &Trial)> = pairs
            .values()
            .filter_map(|pair| Some((pair[0]?, pair[1]?)))
            .collect();
        let success = whole.iter().map(|(b, a)| (b.success, a.success));
        let paired = Pairs::of(success, error_rate, margin)?;
        // A robot that cannot tell says nothing of the way, rather than that it is unsure each time.
        let told = of_it().any(tells_preferred);
        let liked: Vec<(Verdict, Verdict)> = whole
            .iter()
            .filter(|_| told)
            .filter_map(|(b, a)| {
                // Asked in this comparison at all, not only known from a failure.
                b.preferred.or(a.preferred)?;
                Some((preferred(b)?, preferred(a)?))
            })
            .collect();
        let paired_preferred = if liked.is_empty() {
            None
        } else {
            Some(Pairs::of(liked.into_iter(), error_rate, margin)?)
        };
        let first = whole.iter().map(|(b, a)| {
            if b.place == Some(0) {
                b.policy.role
            } else {
                a.policy.role
            }
        });
        Ok(Self {
            comparison: comparison.to_owned(),
            base: Tried::telling(told, role(PolicyRole::Base)),
            aligned: Tried::telling(told, role(PolicyRole::Aligned)),
            paired,
            paired_preferred,
            decision: paired.decision,
            error_rate,
            margin,
            wanted,
            ended_early: (2 * whole.len() as u64) < wanted
                && paired.decision != PairedDecision::Undecided,
            first: first.collect(),
        })
    }
}

/// What a decision says, for people.
#[must_use]
pub fn in_words(decision: PairedDecision) -> &'static str {
    match decision {
        PairedDecision::Undecided => "not decided: more trials would tell",
        PairedDecision::NotWorse => "the aligned policy does not lose more than the margin",
        PairedDecision::Better => "the aligned policy succeeds more often",
        PairedDecision::Worse => "the aligned policy succeeds less often, by more than the margin",
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{No, Unsure, Yes};
    use super::*;
    use crate::trials::{Guarding, PolicyIdentity, Purpose, Start};

    #[test]
    fn unsure_is_never_success_and_widens_both_bounds() {
        let known = Share::of([Yes, Yes, Yes, No].into_iter());
        let with = Share::of([Yes, Yes, Yes, No, Unsure, Unsure].into_iter());
        assert_eq!((with.k, with.n, with.unsure), (3, 4, 2));
        assert_eq!(with.rate, known.rate);
        assert!(with.low < known.low && with.high > known.high - 1e-12);
        assert_eq!(with.low, clopper_pearson::interval(3, 6, 0.05).0);
    }

    #[test]
    fn a_decision_holds_whichever_way_the_unsure_pairs_went() {
        let decide = |pairs: &[(Verdict, Verdict)]| {
            Pairs::of(pairs.iter().copied(), 0.05, 0.03)
                .unwrap()
                .decision
        };
        let better = vec![(No, Yes); 12];
        assert_eq!(decide(&better), PairedDecision::Better);
        let unsure = vec![(No, Unsure); 12];
        assert_eq!(decide(&unsure), PairedDecision::Undecided);
        let worse = vec![(Yes, No); 14];
        assert_eq!(decide(&worse), PairedDecision::Worse);
        let hidden = vec![(Yes, Unsure); 14];
        assert_eq!(decide(&hidden), PairedDecision::Undecided);
        let pairs = Pairs::of(hidden.into_iter(), 0.05, 0.03).unwrap();
        assert_eq!((pairs.pairs, pairs.unsure, pairs.base_only), (14, 14, 0));
    }

    fn trials(preferred: Option<Verdict>) -> Vec<Trial> {
        let all = [(PolicyRole::Base, Yes), (PolicyRole::Aligned, Yes)];
        let each = all
            .into_iter()
            .chain([(PolicyRole::Base, No), (PolicyRole::Aligned, Yes)]);
        each.enumerate()
            .map(|(i, (role, success))| Trial {
                number: i as u64,
                purpose: Purpose::Comparison,
                comparison: "a".into(),
                policy: PolicyIdentity {
                    role,
                    sha256: String::new(),
                    version: None,
                },
                start: Start {
                    number: i as u64 / 2,
                    seed: 1,
                    by_person: false,
                },
                place: Some(i as u8 % 2),
                success,
                preferred: preferred.filter(|_| success == Yes),
                judge: Judge::Robot,
                facts: BTreeMap::new(),
                guarding: Guarding::default(),
                reward: None,
                episode: None,
                at_unix_ms: 0,
            })
            .collect()
    }

    #[test]
    fn a_robot_that_never_tells_the_way_is_not_unsure_of_it() {
        // Logs of before say that it was unsure.
        for said in [None, Some(Unsure)] {
            let found = ComparisonFigures::of("a", &trials(said), (0.05, 0.03), 4).unwrap();
            assert!(!found.tells_preferred(), "{found:?}");
            assert_eq!(found.base.preferred, Share::of([].into_iter()));
            assert_eq!(found.paired_preferred, None);
            assert_eq!((found.base.success.n, found.paired.pairs), (2, 2));
        }
        let found = ComparisonFigures::of("a", &trials(Some(Yes)), (0.05, 0.03), 4).unwrap();
        assert!(found.tells_preferred());
        // A failure is not the preferred way, where that is told at all.
        assert_eq!((found.base.preferred.k, found.base.preferred.n), (1, 2));
        assert_eq!(found.paired_preferred.unwrap().pairs, 2);
    }
}
