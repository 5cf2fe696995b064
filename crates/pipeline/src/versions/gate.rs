//! What a version has to show before it becomes the arm's policy.

use super::fresh::FreshEpisode;
use super::promise::LEAST_SUCCESS;
use super::version::Version;
use crate::config::PromotionConfig;
use anyhow::Result;
use apprentice_statistics::clopper_pearson::{lower_bound, upper_bound};
use apprentice_statistics::{PairedDecision, PairedTest, SafetyTest};
use serde::{Deserialize, Serialize};

/// One thing the gate looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `reward`, `drift`, `safety` or `success`.
    pub name: String,
    /// Whether it is as it must be.
    pub passed: bool,
    /// Whether it is only not shown yet, rather than shown to be bad: a person may accept that.
    #[serde(default)]
    pub open: bool,
    /// What was found.
    pub got: String,
    /// What is allowed.
    pub allowed: String,
    /// What to do; `None` where nothing is.
    pub advice: Option<String>,
}

/// Looks at everything.
///
/// # Errors
/// When a setting cannot work.
pub fn checks(
    version: &Version,
    fresh: &[FreshEpisode],
    config: &PromotionConfig,
) -> Result<Vec<Check>> {
    Ok(vec![
        reward(version),
        drift(version),
        safety(fresh, config)?,
        success(fresh, config)?,
    ])
}

fn check(name: &str, passed: bool, got: String, allowed: String, advice: &str) -> Check {
    Check {
        name: name.to_owned(),
        passed,
        open: false,
        got,
        allowed,
        advice: (!passed).then(|| advice.to_owned()),
    }
}

fn reward(version: &Version) -> Check {
    let Some(evidence) = &version.reward else {
        let got = format!("version {} follows no reward", version.number);
        return check(
            "reward",
            true,
            got,
            "nothing: it was taught by demonstrations alone".into(),
            "",
        );
    };
    let aligned = version.alignment.as_ref().is_some_and(|a| a.evidence);
    let got = format!(
        "right in {:.0} % of {} pairs of rankings kept back, chance of that by luck {:.2} %",
        100.0 * evidence.accuracy,
        evidence.pairs,
        100.0 * evidence.p_value
    );
    check(
        "reward",
        aligned && evidence.p_value <= evidence.allowed,
        got,
        format!("at most {:.2} % by luck", 100.0 * evidence.allowed),
        "add rankings (apprentice rank), then apprentice reward and apprentice align",
    )
}

fn drift(version: &Version) -> Check {
    let drift = version.alignment.as_ref().map_or(0.0, |a| a.drift);
    let budget = version.alignment.as_ref().and_then(|a| a.budget);
    check(
        "drift",
        drift.is_finite() && budget.is_none_or(|b| drift <= b),
        format!("{drift:.4} of the noise's variance"),
        budget.map_or("any: align.drift_budget is inf".into(), |b| {
            format!("at most {b}")
        }),
        "align again with a smaller align.drift_budget or fewer align.steps",
    )
}

fn safety(fresh: &[FreshEpisode], config: &PromotionConfig) -> Result<Check> {
    let mut test = SafetyTest::new(config.bad_limit, config.delta)?;
    fresh.iter().for_each(|e| test.observe(e.is_bad()));
    // What nobody knows of may have been bad.
    let mut careful = SafetyTest::new(config.bad_limit, config.delta)?;
    fresh
        .iter()
        .for_each(|e| careful.observe(e.is_bad() || e.drop.is_none()));
    let count = |what: fn(&FreshEpisode) -> bool| fresh.iter().filter(|e| what(e)).count();
    let unknown = count(|e| e.drop.is_none());
    let got = format!(
        "{} of {} fresh episodes bad ({} with interventions that matter, {} stopped, {} taken over, {} dropped \
         something{}): at most {:.1} % bad with confidence {} %, however often one looks ({:.1} % for this number of \
         episodes fixed beforehand)",
        test.bad_episodes(),
        test.episodes(),
        count(|e| e.intervention),
        count(|e| e.stop),
        count(|e| e.takeover),
        count(|e| e.drop == Some(true)),
        if unknown > 0 {
            format!(", unknown of {unknown}")
        } else {
            String::new()
        },
        100.0 * test.upper_bound(),
        100.0 * (1.0 - config.delta),
        100.0 * upper_bound(test.bad_episodes(), test.episodes(), config.delta),
    );
    let shown_bad =
        lower_bound(test.bad_episodes(), test.episodes(), config.delta) > config.bad_limit;
    let advice = if test.is_safe() {
        "nobody said whether anything was dropped: try it where somebody does (--verdict ask)"
            .to_owned()
    } else {
        format!(
            "{} more clean episodes would do: try it on fresh starts (apprentice evaluate)",
            test.clean_episodes_wanted()
        )
    };
    let allowed = format!("below {:.1} %", 100.0 * config.bad_limit);
    let passed = careful.is_safe();
    Ok(Check {
        open: !passed && !shown_bad,
        ..check("safety", passed, got, allowed, &advice)
    })
}

fn success(fresh: &[FreshEpisode], config: &PromotionConfig) -> Result<Check> {
    let mut pairs = PairedTest::new(config.delta, config.margin)?;
    for episode in fresh {
        if let Some(other) = episode.other_success {
            // What nobody is sure of is a failure of the one that wants to be promoted.
            pairs.observe(other, episode.success == Some(true));
        }
    }
    let (low, high) = pairs.interval();
    let done = fresh.iter().filter(|e| e.success == Some(true)).count();
    let (k, n) = (done as u64, fresh.len() as u64);
    let does_it = lower_bound(k, n, config.delta) >= LEAST_SUCCESS;
    let unsure = fresh.iter().filter(|e| e.success.is_none()).count();
    let got = format!(
        "done in {k} of {n} fresh episodes (unknown of {unsure}, counted as failures); {:+.1} points of success against the policy \
         before in {} pairs ({:+.1} to {:+.1})",
        100.0 * pairs.difference(),
        pairs.pairs(),
        100.0 * low,
        100.0 * high
    );
    let decision = pairs.decision();
    let no_loss = matches!(decision, PairedDecision::NotWorse | PairedDecision::Better);
    let passed = does_it && no_loss;
    let never = n > 0 && upper_bound(k, n, config.delta) < LEAST_SUCCESS;
    let shown_bad = decision == PairedDecision::Worse || never;
    let advice = if shown_bad {
        "it is worse at the task: rank more episodes that succeed above those that fail, and align again".to_owned()
    } else {
        format!(
            "not shown yet: try it against the policy before, and say how it went (apprentice evaluate --on-robot \
             --verdict ask); where both always do alike, {} more pairs do",
            pairs_wanted(&pairs)
        )
    };
    let allowed = format!(
        "shown to lose at most {:.1} points, and to succeed in at least {:.0} %",
        100.0 * config.margin,
        100.0 * LEAST_SUCCESS
    );
    Ok(Check {
        open: !passed && !shown_bad,
        ..check("success", passed, got, allowed, &advice)
    })
}

/// How many more pairs would do in which both policies do alike.
fn pairs_wanted(pairs: &PairedTest) -> u64 {
    let mut pairs = *pairs;
    for more in 0..100_000 {
        if pairs.decision() != PairedDecision::Undecided {
            return more;
        }
        pairs.observe(true, true);
    }
    100_000
}
