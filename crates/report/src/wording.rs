//! What may be said about the figures, in plain words.

use super::figures::Report;
use super::task_words::TaskWords;
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::outcomes::GuardCounts;
use apprentice_safety::{Intervention, Interventions};
use apprentice_sim::Words;
use apprentice_statistics::Proportion;

/// What the run shows about the preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rankings were no evidence, and the policy was left alone.
    LeftAlone,
    /// The task was never done before or never after, so there is nothing to compare.
    NothingToCompare,
    /// The preferred way is not more frequent than before.
    NotMore,
    /// It is, but the intervals overlap.
    PerhapsMore,
    /// It is, and the intervals are apart.
    More,
}

/// Points of task success that alignment may cost before it is called a loss.
const SUCCESS_POINTS: f64 = 0.05;

impl Verdict {
    /// The verdict on a run.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let (before, after) = (report.base.preferred, report.aligned.preferred);
        if !report.alignment.evidence {
            Self::LeftAlone
        } else if before.n == 0 || after.n == 0 {
            Self::NothingToCompare
        } else if after.rate() <= before.rate() {
            Self::NotMore
        } else if after.low <= before.high {
            Self::PerhapsMore
        } else {
            Self::More
        }
    }

    /// One sentence that says it.
    #[must_use]
    pub fn sentence(self, report: &Report) -> String {
        let way = way(report);
        let Words {
            object,
            take,
            taken,
            done,
            ..
        } = report.words.words;
        let (before, after) = (report.base.preferred, report.aligned.preferred);
        let rates = format!(
            "{} before, {} after",
            percent(before.rate()),
            percent(after.rate())
        );
        match self {
            Self::LeftAlone if report.reward.evidence.pairs == 0 => "The policy was left as it was: there were no rankings \
                                to keep back, so nothing says what to align it to."
                .to_owned(),
            Self::LeftAlone => "The policy was left as it was: the rankings did not hold up on rankings kept back, so \
                                there was nothing to align it to."
                .to_owned(),
            Self::NothingToCompare => format!(
                "The policy was aligned, but {object} was {done} in {} scenes before and {} after: whether it is {taken} \
                 {way} more often cannot be told.",
                before.n, after.n
            ),
            Self::NotMore => format!(
                "The policy was aligned, but it does not {take} {object} {way} more often ({rates}): the preference was \
                 not learnt."
            ),
            Self::PerhapsMore => format!(
                "{} is {taken} {way} somewhat more often ({rates}), but the intervals overlap: it could be chance.",
                TaskWords::capital(object)
            ),
            Self::More => format!("The arm learnt to {take} {object} {way}: {rates}."),
        }
    }
}

/// Anything about the run that a reader must not miss; none when all is well.
#[must_use]
pub fn warnings(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    let cost = report.base.success.rate() - report.aligned.success.rate();
    if cost > SUCCESS_POINTS {
        found.push(format!(
            "Alignment cost task success: {} is {} in {} of the scenes, before it was {}.",
            report.words.words.object,
            report.words.words.done,
            percent(report.aligned.success.rate()),
            percent(report.base.success.rate())
        ));
    }
    let unknown = report.base.unknown + report.aligned.unknown;
    if unknown > 0 {
        found.push(format!(
            "Of {unknown} of the held-out attempts nobody knows how they ended; they count neither way."
        ));
    }
    let best = &report.reward.controls.best_single_feature;
    if report.reward.pairs_heldout > 0 && report.reward.triplet_accuracy_heldout <= best.accuracy {
        found.push(format!(
            "The reward tells better from worse on held-out attempts no more often ({}) than one number chosen with hindsight ({}, {}).",
            percent(report.reward.triplet_accuracy_heldout),
            best.name,
            percent(best.accuracy)
        ));
    }
    if report.guard.violations > 0 {
        found.push(format!(
            "{} commands outside the limits reached an arm. This must not happen: treat it as a fault.",
            count(report.guard.violations)
        ));
    }
    if report.labels.shuffle {
        found.push(
            "A control run: the rankings were put in random order, so nothing should be learnt from them.".to_owned(),
        );
    }
    if report.labels.error_rate > 0.0 {
        found.push(format!(
            "{} of the rankings were wrong on purpose.",
            percent(report.labels.error_rate)
        ));
    }
    found
}

/// Why the guard changed commands, the most frequent reasons first, each with the share of ticks;
/// empty where no reasons were noted.
#[must_use]
pub fn reasons(guard: &GuardCounts, most: usize) -> String {
    let mut found: Vec<(&String, &u64)> = guard.reasons.iter().filter(|r| *r.1 > 0).collect();
    found.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let share = |ticks: u64| percent(ticks as f64 / guard.ticks.max(1) as f64);
    let told = |(reason, ticks): (&String, &u64)| {
        let words = match Intervention::named(reason) {
            Some(known) => known.did(),
            None => reason,
        };
        format!("{words} {}", share(*ticks))
    };
    let told: Vec<String> = found.into_iter().take(most).map(told).collect();
    told.join(", ")
}

/// What to do about the most frequent of the guard's reasons that are more than smoothing; `None` where there is none.
#[must_use]
pub fn guard_advice(guard: &GuardCounts) -> Option<String> {
    let smooths = |reason: Intervention| {
        let mut alone = Interventions::default();
        alone.insert(reason);
        alone.only_rate_limits()
    };
    let known = guard.reasons.iter().filter(|(_, ticks)| **ticks > 0);
    let (reason, _) = known
        .filter_map(|(name, ticks)| Some((Intervention::named(name)?, *ticks)))
        .filter(|(reason, _)| !smooths(*reason))
        .max_by_key(|(_, ticks)| *ticks)?;
    let limit = match reason.limit() {
        "" => String::new(),
        limit => format!(" ({limit})"),
    };
    Some(format!(
        "more than smoothing: it {}{limit}; what to do: {}",
        reason.did(),
        reason.advice()
    ))
}

/// The preferred way, as it completes what was to be done.
#[must_use]
pub fn way(report: &Report) -> &'static str {
    report.words.preferred
}

/// Who ranked.
#[must_use]
pub fn who(report: &Report) -> String {
    let named = |who: &String| {
        if who == SIMULATED {
            format!("the {who}")
        } else {
            who.clone()
        }
    };
    let all: Vec<String> = report.labels.operators.iter().map(named).collect();
    if all.is_empty() {
        "nobody".to_owned()
    } else {
        all.join(", ")
    }
}

/// Percent with one decimal.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share's interval: `25.5 to 36.6 %`.
#[must_use]
pub fn span(share: Proportion) -> String {
    format!("{:.1} to {:.1} %", share.low * 100.0, share.high * 100.0)
}

/// A share with all that belongs to it: `30.8 % (81 of 263; 25.5 to 36.6 %)`.
#[must_use]
pub fn share(share: Proportion) -> String {
    if share.n == 0 {
        return "nothing to count (0 of 0)".to_owned();
    }
    format!(
        "{} ({} of {}; {})",
        percent(share.rate()),
        share.k,
        share.n,
        span(share)
    )
}

/// Seconds as people say them.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 if seconds < 10.0 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Bytes as people say them.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match bytes {
        0 => "unknown".to_owned(),
        _ if mib < 1024.0 => format!("{mib:.0} MiB"),
        _ => format!("{:.2} GiB", mib / 1024.0),
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A chance, in words that stay honest near nought.
#[must_use]
pub fn chance(p: f64) -> String {
    if p < 0.001 {
        "less than 1 in 1,000".to_owned()
    } else {
        format!("{p:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::report;

    #[test]
    fn the_verdict_follows_the_figures() {
        let mut run = report();
        assert_eq!(Verdict::of(&run), Verdict::More);
        run.aligned.preferred = Proportion::new(100, run.base.preferred.n);
        run.base.preferred = Proportion::new(95, run.base.preferred.n);
        assert_eq!(Verdict::of(&run), Verdict::PerhapsMore);
        assert!(
            Verdict::PerhapsMore
                .sentence(&run)
                .contains("could be chance")
        );
        run.aligned.preferred = run.base.preferred;
        assert_eq!(Verdict::of(&run), Verdict::NotMore);
        run.aligned.preferred = Proportion::new(0, 0);
        assert_eq!(Verdict::of(&run), Verdict::NothingToCompare);
        let said = Verdict::NothingToCompare.sentence(&run);
        assert!(
            said.contains("and 0 after") && said.contains("cannot be told"),
            "{said}"
        );
        run.alignment.evidence = false;
        assert_eq!(Verdict::of(&run), Verdict::LeftAlone);
        assert!(Verdict::LeftAlone.sentence(&run).contains("left as it was"));
    }

    #[test]
    fn what_went_wrong_is_said() {
        let mut run = report();
        assert_eq!(warnings(&run), Vec::<String>::new());
        run.aligned.success = Proportion::new(100, 200);
        run.guard.violations = 1;
        run.reward.triplet_accuracy_heldout = 0.5;
        run.labels.shuffle = true;
        run.base.unknown = 3;
        assert_eq!(warnings(&run).len(), 5);
        assert!(warnings(&run)[1].starts_with("Of 3 of the held-out"));
    }

    #[test]
    fn why_the_guard_stepped_in_is_said_the_most_frequent_first() {
        let guard = report().guard;
        assert_eq!(
            reasons(&guard, 2),
            "spread a change of a joint's speed over more time 40.0 %, slowed a joint to its highest speed 15.0 %"
        );
        assert_eq!(reasons(&GuardCounts::default(), 3), "");
        // Smoothing asks for nothing; what may be wrong is said with its unit and what to do.
        let mut guard = guard;
        guard
            .reasons
            .retain(|reason, _| ["acceleration", "velocity"].contains(&reason.as_str()));
        assert_eq!(guard_advice(&guard), None);
        guard.reasons.insert("lead".into(), 3);
        let advice = guard_advice(&guard).unwrap();
        assert!(
            advice.contains("rad or m); what to do: see whether"),
            "{advice}"
        );
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            share(Proportion::new(81, 263)),
            "30.8 % (81 of 263; 25.5 to 36.6 %)"
        );
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(
            (duration(3.21), duration(59.7), duration(372.0)),
            ("3.2 s".into(), "1 min 0 s".into(), "6 min 12 s".into())
        );
        assert_eq!(
            (bytes(0), bytes(3 << 29)),
            ("unknown".into(), "1.50 GiB".into())
        );
    }
}
