//! Episodes with a planted preference, and somebody who has it.

use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Episodes that can be asked about.
pub const POOL: usize = 80;
/// Episodes that cannot.
const HELD_OUT: usize = 200;
/// Features of a frame.
const WIDTH: usize = 12;
/// Frames of a clip.
const FRAMES: usize = 4;
/// How sharply the person tells episodes apart, of utilities with spread 1.
const SHARPNESS: f64 = 5.0;
/// What the person sees as no difference, of the same.
const TIE: f64 = 0.15;

/// What the preference hangs on.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Two of twelve features.
    Smooth,
    /// Five ways of doing it, of which the best is rare.
    Rare,
    /// Whether it succeeded, and in which of two styles.
    Levels,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Smooth => "smooth",
            Self::Rare => "rare",
            Self::Levels => "levels",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Smooth => "smooth: 2 of 12 features count",
            Self::Rare => "rare: five ways, the best one in twenty",
            Self::Levels => "levels: success, and one of two styles",
        }
    }
}

/// A pool, its held-out episodes, and what the person thinks of either.
pub struct World {
    pub clips: Vec<FeatureClip>,
    pub held_out: Vec<FeatureClip>,
    pub held_out_truth: Vec<f64>,
    truth: Vec<f64>,
    pub seed: Seed,
}

impl World {
    pub const KINDS: [Kind; 3] = [Kind::Smooth, Kind::Rare, Kind::Levels];

    pub fn of(kind: Kind, seed: u64) -> Self {
        let seed = Seed(seed).derive(kind.name(), 0);
        let mut rng = seed.derive("world", 0).rng();
        let mut point = || -> Vec<f64> { (0..WIDTH).map(|_| normal(&mut rng)).collect() };
        let centres: Vec<Vec<f64>> = (0..5).map(|_| point()).collect();
        let mut rng = seed.derive("episodes", 0).rng();
        let all: Vec<(Vec<f64>, f64)> = (0..POOL + HELD_OUT)
            .map(|_| episode(kind, &centres, &mut rng))
            .collect();
        let mean = all.iter().map(|e| e.1).sum::<f64>() / all.len() as f64;
        let square = all.iter().map(|e| (e.1 - mean).powi(2)).sum::<f64>() / all.len() as f64;
        let truth: Vec<f64> = all.iter().map(|e| (e.1 - mean) / square.sqrt()).collect();
        let clips: Vec<FeatureClip> = all.iter().map(|e| clip(&e.0, &mut rng)).collect();
        Self {
            clips: clips[..POOL].to_vec(),
            held_out: clips[POOL..].to_vec(),
            held_out_truth: truth[POOL..].to_vec(),
            truth: truth[..POOL].to_vec(),
            seed,
        }
    }

    /// The person's order of a group, in tiers, and how many seconds it took.
    pub fn answer(&self, group: &[usize], seed: Seed) -> (Vec<Vec<usize>>, f64) {
        let mut rng = seed.rng();
        let mut gumbel = || -(-(rng.random::<f64>().max(1e-12).ln())).ln();
        let mut seen: Vec<(f64, usize)> = group
            .iter()
            .map(|&e| (self.truth[e] + gumbel() / SHARPNESS, e))
            .collect();
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut tiers: Vec<Vec<usize>> = vec![vec![seen[0].1]];
        // Six seconds of clips at twice the speed, a look at each, and longer where two are close.
        let mut seconds = 3.0 + 2.5 * group.len() as f64;
        for pair in seen.windows(2) {
            let apart = pair[0].0 - pair[1].0;
            seconds += 4.0 * (-2.0 * apart).exp();
            match tiers.last_mut() {
                Some(last) if apart < TIE => last.push(pair[1].1),
                _ => tiers.push(vec![pair[1].1]),
            }
        }
        (tiers, seconds * (0.25 * normal(&mut rng)).exp())
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * rng.random::<f64>().max(1e-12).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Mean features of an episode and what the person thinks of it.
fn episode(kind: Kind, centres: &[Vec<f64>], rng: &mut ChaCha8Rng) -> (Vec<f64>, f64) {
    let mut point: Vec<f64> = (0..WIDTH).map(|_| normal(rng)).collect();
    match kind {
        Kind::Smooth => {
            let good = point[0] + 0.5 * point[1];
            (point, good)
        }
        Kind::Rare => {
            let way = match rng.random_range(0..20) {
                0 => 0,
                1..3 => 1,
                3..6 => 2,
                6..11 => 3,
                _ => 4,
            };
            let good = [2.0, 0.5, 1.0, 0.0, -0.5][way];
            point
                .iter_mut()
                .zip(&centres[way])
                .for_each(|(p, c)| *p = 0.4 * *p + 1.5 * c);
            (point, good)
        }
        Kind::Levels => {
            let (success, style) = (rng.random_bool(0.6), rng.random_bool(0.4));
            point.iter_mut().for_each(|p| *p *= 0.8);
            for (side, centre) in [success, style].into_iter().zip(centres) {
                let way = if side { 1.0 } else { -1.0 };
                point
                    .iter_mut()
                    .zip(centre)
                    .for_each(|(p, c)| *p += way * c);
            }
            let good = if success { 1.0 + f64::from(style) } else { 0.0 };
            (point, good)
        }
    }
}

fn clip(mean: &[f64], rng: &mut ChaCha8Rng) -> FeatureClip {
    let values = (0..FRAMES).flat_map(|_| {
        mean.iter()
            .map(|m| (m + 0.3 * normal(rng)) as f32)
            .collect::<Vec<_>>()
    });
    FeatureClip::vision(WIDTH, values.collect())
}
