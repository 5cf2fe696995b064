//! Several rewards learnt from the same judgements, each judged on those it did not see.

use crate::{Folds, JudgedClips, RewardError, RewardLearner};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// Who takes part: a way to learn a reward, on some features of the judged clips.
pub struct Member<'a> {
    /// Its name in the table.
    pub name: String,
    /// How it learns.
    pub learner: &'a dyn RewardLearner,
    /// The clips as it sees them, in the order of the others'; why it cannot take part, in words, where it cannot.
    pub clips: Result<&'a [FeatureClip], String>,
}

/// How a member did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelRow {
    /// Its name.
    pub member: String,
    /// Share of pairs in kept-back judgements that it puts in the order stated, ties half; `None` where it did not take
    /// part.
    pub heldout_accuracy: Option<f64>,
    /// Mean log likelihood of those pairs under Bradley and Terry, scores scaled by what did best on the other parts;
    /// guessing has -0.693.
    pub likelihood: Option<f64>,
    /// Why it did not take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
}

/// Scales that scores are tried with, in standard deviations of a member's margins.
const SCALES: [f64; 9] = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];

/// Judges members on judgements kept back, the same parts for all. `watch` hears which share is done, and stops it by
/// `false`.
///
/// # Errors
/// When it is stopped. A member that cannot learn is absent, with its reason; where a part's judgements distinguish
/// nothing, it is passed over.
pub fn panel(
    judged: &JudgedClips<'_>,
    members: &[Member<'_>],
    folds: usize,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(f64) -> bool,
) -> Result<Vec<PanelRow>, RewardError> {
    let mut rows = Vec::with_capacity(members.len());
    for (number, member) in members.iter().enumerate() {
        if !watch(number as f64 / members.len() as f64) {
            return Err(RewardError::Stopped);
        }
        let row = |accuracy, likelihood, absent| PanelRow {
            member: member.name.clone(),
            heldout_accuracy: accuracy,
            likelihood,
            absent,
        };
        rows.push(match &member.clips {
            Err(why) => row(None, None, Some(why.clone())),
            Ok(clips) => {
                let own = JudgedClips {
                    clips,
                    ..judged.clone()
                };
                match margins(&own, member.learner, folds, seed, device) {
                    Ok(margins) if margins.iter().any(|of| !of.is_empty()) => {
                        row(Some(accuracy(&margins)), Some(likelihood(&margins)), None)
                    }
                    Ok(_) => {
                        let why = "the judgements kept back distinguish nothing";
                        row(None, None, Some(why.into()))
                    }
                    // A table that decides nothing fails for nothing.
                    Err(error) => row(None, None, Some(error.to_string())),
                }
            }
        });
    }
    Ok(rows)
}

/// For each part: by how much the better clip of every pair in it was ahead, of a model that saw the other parts.
fn margins(
    judged: &JudgedClips<'_>,
    learner: &dyn RewardLearner,
    folds: usize,
    seed: Seed,
    device: &Device,
) -> Result<Vec<Vec<f64>>, RewardError> {
    let judged = judged.of_kinds(learner.uses());
    let folds = Folds::of(&judged, folds)?;
    let mut margins = Vec::new();
    for fold in 0..folds.count() {
        let seen = judged.keeping(|i, _| folds.of_judgement(i) != fold);
        let seed = seed.derive("panel", fold as u64);
        let model = match learner.learn(&seen, seed, device, &mut |_| true) {
            Ok(trained) => trained.model,
            Err(RewardError::NothingPreferred(_)) => continue,
            Err(error) => return Err(error),
        };
        let mut ahead = Vec::new();
        let kept = judged.keeping(|i, j| folds.of_judgement(i) == fold && judged.examines(j));
        for order in kept.orders()? {
            let clips = order.places.iter().map(|p| judged.clips[p.0].clone());
            let scores = model.score_all(&clips.collect::<Vec<_>>())?;
            for (i, (_, place)) in order.places.iter().enumerate() {
                let worse = order
                    .places
                    .iter()
                    .enumerate()
                    .filter(|(_, other)| other.1 > *place);
                ahead.extend(worse.map(|(j, _)| scores[i].total - scores[j].total));
            }
        }
        margins.push(ahead);
    }
    Ok(margins)
}

fn accuracy(margins: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = margins.iter().flatten().copied().collect();
    let right = all.iter().map(|m| match m.total_cmp(&0.0) {
        std::cmp::Ordering::Greater => 1.0,
        // Minus nothing is nothing, too.
        _ if *m == 0.0 => 0.5,
        _ => 0.0,
    });
    right.sum::<f64>() / all.len() as f64
}

/// Mean log likelihood of each part's pairs, scaled by what suits the pairs of the other parts best.
fn likelihood(margins: &[Vec<f64>]) -> f64 {
    let spread = |of: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = of.fold((0.0, 0.0), |(s, n), m| (s + m * m, n + 1.0));
        if count > 0.0 {
            f64::sqrt(sum / count)
        } else {
            0.0
        }
    };
    let log_likelihood = |margin: f64, scale: f64| {
        let x = scale * margin;
        -((-x.abs()).exp().ln_1p() + (-x).max(0.0))
    };
    let (mut sum, mut count) = (0.0, 0.0);
    for (part, own) in margins.iter().enumerate() {
        let others = || {
            let others = margins
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != part);
            others.flat_map(|(_, of)| of.iter().copied())
        };
        let unit = spread(&mut others());
        let unit = if unit > 0.0 { 1.0 / unit } else { 0.0 };
        let total = |scale: f64| {
            others()
                .map(|m| log_likelihood(m, scale * unit))
                .sum::<f64>()
        };
        let best = SCALES
            .iter()
            .max_by(|a, b| total(**a).total_cmp(&total(**b)));
        let scale = best.copied().unwrap_or(0.0) * unit;
        sum += own.iter().map(|m| log_likelihood(*m, scale)).sum::<f64>();
        count += own.len() as f64;
    }
    if count > 0.0 {
        sum / count
    } else {
        -std::f64::consts::LN_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_always_right_is_likelier_than_guessing_and_one_that_is_wrong_is_not() {
        let right = vec![vec![1.0, 2.0, 1.5], vec![1.2, 0.8]];
        let wrong: Vec<Vec<f64>> = right
            .iter()
            .map(|of| of.iter().map(|m| -m).collect())
            .collect();
        assert_eq!((accuracy(&right), accuracy(&wrong)), (1.0, 0.0));
        assert!(likelihood(&right) > -0.1, "{}", likelihood(&right));
        // What did best on the others is no scale at all.
        let guessing = -std::f64::consts::LN_2;
        assert!((likelihood(&wrong) - guessing).abs() < 1e-9);
        assert_eq!(accuracy(&[vec![0.0, -0.0]]), 0.5);
        assert!((likelihood(&[vec![0.0, 0.0], vec![0.0]]) - guessing).abs() < 1e-9);
    }
}
