//! What makes an expert's arm miss its mark a little, so that a learner sees how to come back.

use crate::expert_config::ExpertConfig;
use apprentice_core::Seed;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::{array, ops::Range};

/// A push that lasts a few ticks. Without any, wrist and hand would be in line with the object whenever
/// they are low, and a learner would find that out instead of looking at the object.
#[derive(Debug)]
struct Knock {
    ticks: Range<u32>,
    offset: [f64; 4],
}

impl Knock {
    /// Ticks it lasts.
    const LENGTH: u32 = 4;
    /// When each knock of a demonstration begins, ticks.
    const BEGIN: [Range<u32>; 2] = [1..10, 10..24];

    fn draw(begin: Range<u32>, config: &ExpertConfig, rng: &mut ChaCha8Rng) -> Self {
        let from = rng.random_range(begin);
        let sizes = [
            config.knock_m,
            config.knock_m,
            config.knock_m,
            config.knock_rad,
        ];
        Self {
            ticks: from..from + Self::LENGTH,
            offset: sizes.map(|size| size * rng.random_range(-1.0..1.0)),
        }
    }
}

/// Offsets in x, y, z and about z, base frame: a walk that changes slowly, and two knocks.
#[derive(Debug)]
pub struct Disturbance {
    /// Sizes of the walk, metres and radians.
    sizes: [f64; 4],
    offset: [f64; 4],
    knocks: [Knock; 2],
    tick: u32,
    rng: ChaCha8Rng,
}

impl Disturbance {
    /// The disturbance of one demonstration.
    #[must_use]
    pub fn new(config: &ExpertConfig, seed: Seed) -> Self {
        let mut rng = seed.derive("expert", 0).rng();
        let knocks = Knock::BEGIN.map(|begin| Knock::draw(begin, config, &mut rng));
        Self {
            sizes: [
                config.noise_m,
                config.noise_m,
                config.noise_m,
                config.noise_rad,
            ],
            offset: [0.0; 4],
            knocks,
            tick: 0,
            rng,
        }
    }

    /// `pose` (base frame) as it is disturbed in this tick, the next one: by `steady` of the walk and `sudden` of a
    /// knock, both 0 to 1.
    pub fn disturb(&mut self, pose: &Isometry3<f64>, steady: f64, sudden: f64) -> Isometry3<f64> {
        // An autoregressive walk with unit variance before scaling; uniform kicks have variance 1/3.
        let keep = 0.8f64;
        let kick = (3.0 * (1.0 - keep * keep)).sqrt();
        for (offset, size) in self.offset.iter_mut().zip(self.sizes) {
            *offset = keep * *offset + kick * size * self.rng.random_range(-1.0..1.0);
        }
        let now = |knock: &&Knock| knock.ticks.contains(&self.tick);
        let knock = self.knocks.iter().find(now).map_or([0.0; 4], |k| k.offset);
        let [x, y, z, yaw] = array::from_fn(|i| self.offset[i] * steady + knock[i] * sudden);
        self.tick += 1;
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        Isometry3::from_parts(
            Translation3::from(pose.translation.vector + Vector3::new(x, y, z)),
            turn * pose.rotation,
        )
    }
}
