//! How often each member is right about clips that its labels did not name.

use crate::LabelsError;
use crate::labelled_clips::{Labelled, LabelledClips};
use crate::members::{Member, pairs};
use apprentice_core::Seed;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

/// Share of the clips that are kept for the test.
const TEST_SHARE: f64 = 0.3;

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Numbers of labels.
    pub labels: Vec<usize>,
    /// Draws of clips and labels for each number.
    pub draws: usize,
    /// Seed of the draws and of learning.
    pub seed: u64,
}

/// How often a member was right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// The member.
    pub member: String,
    /// Labels it learnt from.
    pub labels: usize,
    /// Mean over the draws of the share of test pairs in the right order, 0 to 1; ties of the score count half.
    pub accuracy: f64,
    /// Standard deviation over the draws.
    pub sd: f64,
}

/// Fits `members` as `plan` says. In each draw 30 % of the clips are kept for the test; a label teaches with its other
/// clips and tests with these. Every member sees the same draws. Numbers of labels that no draw has are left out.
///
/// # Errors
/// When the labels tell nothing apart, no number of labels is there, or a member fails.
pub fn evaluate(
    data: &LabelledClips,
    members: &[Member],
    plan: &Plan,
) -> Result<Vec<Accuracy>, LabelsError> {
    if plan.draws == 0 || plan.labels.contains(&0) {
        let what = "0 draws or labels, allowed: 1 or more";
        return Err(LabelsError::TooLittle(what.into()));
    }
    let splits: Vec<Split> = (0..plan.draws)
        .filter_map(|draw| Split::new(data, Seed(plan.seed).derive("split", draw as u64)))
        .collect();
    let most = splits.iter().map(|s| s.train.len()).max().unwrap_or(0);
    let mut found = Vec::new();
    for member in members {
        let fit = member.ready(data)?;
        for &labels in &plan.labels {
            let enough: Vec<&Split> = splits.iter().filter(|s| s.train.len() >= labels).collect();
            let shares: Vec<f64> = enough
                .par_iter()
                .enumerate()
                .map(|(draw, split)| {
                    let seed = Seed(plan.seed).derive("member", draw as u64);
                    Ok(split.right(&fit(&split.train[..labels], seed)?))
                })
                .collect::<Result<_, LabelsError>>()?;
            if shares.is_empty() {
                continue;
            }
            let n = shares.len() as f64;
            let accuracy = shares.iter().sum::<f64>() / n;
            let spread = shares.iter().map(|s| (s - accuracy).powi(2)).sum::<f64>();
            found.push(Accuracy {
                member: member.name().into(),
                labels,
                accuracy,
                sd: (spread / (n - 1.0).max(1.0)).sqrt(),
            });
        }
    }
    if found.is_empty() {
        return Err(LabelsError::TooLittle(format!(
            "with 30 % of the clips kept for the test, {most} labels are left to learn from (0 also where none tells \
             clips of the test apart), allowed: at least as many as the smallest of --labels; give more labels"
        )));
    }
    Ok(found)
}

/// Labels to learn from and, of other clips, pairs to test with.
struct Split {
    train: Vec<Vec<Vec<usize>>>,
    /// Of each label the pairs, better first.
    test: Vec<Vec<(usize, usize)>>,
}

impl Split {
    fn new(data: &LabelledClips, seed: Seed) -> Option<Self> {
        let mut rng = seed.rng();
        let mut named: Vec<usize> = data
            .labels
            .iter()
            .flat_map(|l| l.tiers.iter().flatten().copied())
            .collect();
        named.sort_unstable();
        named.dedup();
        let mut kept = vec![false; data.clips.len()];
        let count = (named.len() as f64 * TEST_SHARE).round() as usize;
        if data.observations.is_some() {
            // Segments of a pair come in no other pair: a split by pairs loses none.
            let mut order: Vec<usize> = (0..data.labels.len()).collect();
            order.shuffle(&mut rng);
            for label in order
                .into_iter()
                .take((data.labels.len() as f64 * TEST_SHARE).round() as usize)
            {
                data.labels[label]
                    .tiers
                    .iter()
                    .flatten()
                    .for_each(|&clip| kept[clip] = true);
            }
        } else {
            named.shuffle(&mut rng);
            named
                .into_iter()
                .take(count)
                .for_each(|clip| kept[clip] = true);
        }
        let (mut train, test) = (
            restricted(data, &kept, false),
            restricted(data, &kept, true),
        );
        train.shuffle(&mut rng);
        let test: Vec<_> = test
            .into_iter()
            .map(|t| pairs(&[t]))
            .filter(|p| !p.is_empty())
            .collect();
        (!train.is_empty() && !test.is_empty()).then_some(Self { train, test })
    }

    /// Share of the pairs in the right order, the mean over the labels.
    fn right(&self, scores: &[f64]) -> f64 {
        let right = |&(a, b): &(usize, usize)| match scores[a].partial_cmp(&scores[b]) {
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            _ => 0.0,
        };
        let of =
            |pairs: &Vec<(usize, usize)>| pairs.iter().map(right).sum::<f64>() / pairs.len() as f64;
        self.test.iter().map(of).sum::<f64>() / self.test.len().max(1) as f64
    }
}

/// What the labels say of the clips that are kept for the test, or of the others.
fn restricted(data: &LabelledClips, kept: &[bool], test: bool) -> Vec<Vec<Vec<usize>>> {
    let of = |label: &Labelled| -> Vec<Vec<usize>> {
        let tier = |tier: &Vec<usize>| -> Vec<usize> {
            tier.iter().copied().filter(|&c| kept[c] == test).collect()
        };
        let tiers = label.tiers.iter().map(tier);
        tiers.filter(|tier| !tier.is_empty()).collect()
    };
    let mut labels: Vec<_> = data.labels.iter().map(of).collect();
    labels.retain(|tiers| tiers.iter().map(Vec::len).sum::<usize>() > 1);
    labels
}
