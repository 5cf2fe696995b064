//! The ways to learn a preference that are compared.

use crate::{LabelledClips, LabelsError};
use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use apprentice_episode::EpisodeId;
use apprentice_preference::Judgement;
use apprentice_reward::kernel_fit::{KernelFit, renumbered};
use apprentice_reward::{JudgedClips, Learner, Order, RewardError};
use burn::tensor::Device;
use std::collections::BTreeMap;

/// Prior and width of ties of the linear models, those of the learner `kernel_bradley_terry`.
const FIT: KernelFit = KernelFit {
    prior: 0.5,
    tie_width: 0.4,
};

/// Scores of all clips from numbers of labels and a seed: the higher, the better.
pub(crate) type Fit<'a> =
    Box<dyn Fn(&[Vec<Vec<usize>>], Seed) -> Result<Vec<f64>, LabelsError> + Sync + 'a>;

/// A way to learn a preference.
#[derive(Clone, Debug)]
pub struct Member {
    name: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    BradleyTerry(Vector),
    Learner(Learner),
}

/// What a clip is to a linear Bradley-Terry model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Vector {
    /// The sum over time of observations and actions: the score is the return of a linear reward (Christiano et al.
    /// 2017, arXiv 1706.03741).
    Return,
    /// That, and the change of observation from first to last step: the score is minus the regret under a linear
    /// reward and a linear value, where transitions are deterministic (Knox et al. 2022, arXiv 2206.02231).
    Regret,
}

impl Member {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn bradley_terry(name: &str, vector: Vector) -> Self {
        Self {
            name: name.into(),
            kind: Kind::BradleyTerry(vector),
        }
    }

    /// It, ready to be fitted to labels of `data`.
    pub(crate) fn ready<'a>(&'a self, data: &'a LabelledClips) -> Result<Fit<'a>, LabelsError> {
        match &self.kind {
            Kind::BradleyTerry(vector) => {
                let vectors = vectors(data, *vector);
                Ok(Box::new(move |labels, _| {
                    let orders: Vec<Order> = labels.iter().map(|tiers| order(tiers)).collect();
                    let (clips, orders) = renumbered(&orders);
                    let of_clips: Vec<Vec<f64>> =
                        clips.iter().map(|&c| vectors[c].clone()).collect();
                    let (weight, _) = FIT.weight(&of_clips, &orders, &mut |_| true)?;
                    let score =
                        |vector: &Vec<f64>| vector.iter().zip(&weight).map(|(v, w)| v * w).sum();
                    Ok(vectors.iter().map(score).collect())
                }))
            }
            Kind::Learner(learner) => {
                let id = |clip: usize| EpisodeId::new(format!("{clip}"));
                let index: BTreeMap<EpisodeId, usize> =
                    (0..data.clips.len()).map(|c| (id(c), c)).collect();
                Ok(Box::new(move |labels, seed| {
                    let judgements: Vec<Judgement> = labels
                        .iter()
                        .map(|tiers| {
                            let tiers = tiers
                                .iter()
                                .map(|t| t.iter().map(|&c| id(c)).collect())
                                .collect();
                            Judgement::ranking(0, "labels", 1.0, tiers, None)
                        })
                        .collect();
                    let judged = JudgedClips::new(&data.clips, &index, &judgements);
                    match learner.learn(&judged, seed, &Device::flex(), &mut |_| true) {
                        Ok(trained) => {
                            let scored = trained.model.score_all(&data.clips)?;
                            Ok(scored.iter().map(|s| s.total).collect())
                        }
                        // Labels that tell nothing apart leave all clips alike.
                        Err(RewardError::NothingPreferred(_)) => Ok(vec![0.0; data.clips.len()]),
                        Err(error) => Err(error.into()),
                    }
                }))
            }
        }
    }
}

/// Members for clips of pictures: each learner there is, with its usual settings.
#[must_use]
pub fn members_of_clips() -> Vec<Member> {
    learners().collect()
}

/// Members for arrays of observations and actions: Bradley-Terry on returns and on regret, and each learner.
#[must_use]
pub fn members_of_arrays() -> Vec<Member> {
    let mut members = vec![
        Member::bradley_terry("return_bradley_terry", Vector::Return),
        Member::bradley_terry("regret_bradley_terry", Vector::Regret),
    ];
    members.extend(learners());
    members
}

fn learners() -> impl Iterator<Item = Member> {
    Learner::all().into_iter().map(|learner| Member {
        name: learner.name().into(),
        kind: Kind::Learner(learner),
    })
}

fn order(tiers: &[Vec<usize>]) -> Order {
    let places = tiers.iter().enumerate();
    let places = places.flat_map(|(place, tier)| tier.iter().map(move |&clip| (clip, place)));
    Order {
        places: places.collect(),
        confidence: 1.0,
    }
}

/// Every pair of clips, better first, that the labels tell apart.
pub(crate) fn pairs(labels: &[Vec<Vec<usize>>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for tiers in labels {
        for (place, better) in tiers.iter().enumerate() {
            for worse in tiers[place + 1..].iter().flatten() {
                pairs.extend(better.iter().map(|&b| (b, *worse)));
            }
        }
    }
    pairs
}

/// A row for each clip.
fn vectors(data: &LabelledClips, kind: Vector) -> Vec<Vec<f64>> {
    let width = data.clips.first().map_or(0, |c| c.width);
    let observed = data.observations.unwrap_or(0);
    let [mean, deviation] = moments(&data.clips, width);
    let extra = if kind == Vector::Regret { observed } else { 0 };
    let mut rows = vec![vec![0.0; width + extra]; data.clips.len()];
    for (row, clip) in data.clips.iter().enumerate() {
        let frames = clip.frames();
        for (step, frame) in clip.values.chunks_exact(width.max(1)).enumerate() {
            let whole = frame.iter().zip(&mean).zip(&deviation);
            let frame: Vec<f64> = whole.map(|((v, m), d)| (f64::from(*v) - m) / d).collect();
            for (column, value) in frame.iter().enumerate() {
                rows[row][column] += value;
            }
            for column in 0..extra {
                if step == 0 {
                    rows[row][width + column] -= frame[column];
                }
                if step + 1 == frames {
                    rows[row][width + column] += frame[column];
                }
            }
        }
    }
    rows
}

/// Mean and deviation of each number over all frames.
fn moments(clips: &[FeatureClip], width: usize) -> [Vec<f64>; 2] {
    let (mut sum, mut squares, mut n) = (vec![0.0; width], vec![0.0; width], 0.0);
    for frame in clips
        .iter()
        .flat_map(|c| c.values.chunks_exact(width.max(1)))
    {
        n += 1.0;
        for (column, value) in frame.iter().enumerate() {
            sum[column] += f64::from(*value);
            squares[column] += f64::from(*value).powi(2);
        }
    }
    let n = f64::max(n, 1.0);
    let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
    let deviation = squares
        .iter()
        .zip(&mean)
        .map(|(s, m)| (s / n - m * m).max(0.0).sqrt());
    let deviation = deviation.map(|d| if d > 1e-9 { d } else { 1.0 }).collect();
    [mean, deviation]
}
