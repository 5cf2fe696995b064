//! What is learnt beside the person who answers.

use crate::context::Context;
use crate::layout::{BACKBONE, ROLLOUTS};
use crate::learning_share::{LearningShare, apply};
use crate::outcomes::{Outcomes, by_id, open_all};
use crate::scores::{clips_of, encoder_in, extract};
use crate::stages::reward;
use crate::wishes::Wishes;
use anyhow::{Context as _, Result, bail};
use apprentice_encoder::{ChannelWeights, FeatureClip, clip_features};
use apprentice_optimal_transport::{Metric, SinkhornConfig};
use apprentice_preference::Judgement;
use apprentice_query::{Committee, Distances};
use apprentice_reward::{JudgedClips, RewardError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Members of the committee: each is one more reward to learn while an answer is thought about.
const MEMBERS: usize = 8;

/// Weights of an encoder that was trained for choosing questions, where the run has none yet.
const OWN_BACKBONE: &str = "rank/encoder.safetensors";

/// What questions are chosen by.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// Between all rollouts.
    pub distances: Arc<Distances>,
    /// Of the answers so far; `None` where they teach nothing yet.
    pub committee: Option<Committee>,
}

/// Features once, and a committee whenever there are new answers.
pub struct Learning {
    context: Context,
    notes: Outcomes,
    ready: Option<(Vec<FeatureClip>, Arc<Distances>)>,
    rounds: u64,
}

impl Learning {
    /// Of these rollouts. Nothing is computed yet.
    pub fn new(context: Context, notes: Outcomes) -> Self {
        Self {
            context,
            notes,
            ready: None,
            rounds: 0,
        }
    }

    /// Learns from what was `said`; `None` where it was stopped.
    ///
    /// # Errors
    /// When the rollouts cannot be read or encoded, or the reward's settings cannot work.
    pub fn learn(&mut self, said: &[Judgement], stop: &AtomicBool) -> Result<Option<Learnt>> {
        let context = &self.context;
        if self.ready.is_none() {
            // This thread, and those it starts, go behind a robot.
            apply(context, &reward::STAGE)?;
            let features = features(context, &self.notes)?;
            let transport = SinkhornConfig {
                iterations: 100,
                tolerance: 1e-4,
                ..SinkhornConfig::default()
            };
            let distances = Distances::transport(&features, Metric::Cosine, &transport)?;
            self.ready = Some((features, Arc::new(distances)));
        }
        let Some((features, distances)) = &self.ready else {
            return Ok(None);
        };
        let wishes = Wishes::of(said, &self.notes, context.config.reward.round_weight);
        let index = by_id(&self.notes);
        let judged = JudgedClips::new(features, &index, &wishes.judgements);
        let mut share = LearningShare::of(context)?;
        let mut watch =
            || !stop.load(Ordering::Relaxed) && !context.stopping() && share.keep(context).is_ok();
        self.rounds += 1;
        let committee = Committee::learn(
            &judged,
            &*context.config.reward.learner,
            MEMBERS,
            context.seed.derive("committee", self.rounds),
            &context.device,
            &mut watch,
        );
        let committee = match committee {
            Ok(committee) => Some(committee),
            Err(RewardError::NothingPreferred(_) | RewardError::NoData(_)) => None,
            Err(RewardError::Stopped) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Learnt {
            distances: Arc::clone(distances),
            committee,
        }))
    }
}

/// Features by the run's encoder. One that is not trained yet is trained here, as the reward's stage is going to; where
/// there is none, the numbers that the policy sees have to do.
fn features(context: &Context, notes: &Outcomes) -> Result<Vec<FeatureClip>> {
    let clips = clips_of(context, &open_all(context, ROLLOUTS, notes)?)?;
    let encoded = || {
        let encoder = if context.dir.path(BACKBONE).exists() {
            encoder_in(context, None, BACKBONE)?
        } else {
            if let Some(folder) = context.dir.path(OWN_BACKBONE).parent() {
                std::fs::create_dir_all(folder)?;
            }
            encoder_in(context, Some(&clips), OWN_BACKBONE)?
        };
        extract(context, &encoder, &clips)
    };
    let problem = match encoded() {
        Ok(features) => return Ok(features),
        Err(_) if context.stopping() => bail!("stopped on request"),
        Err(problem) => problem,
    };
    context.warn(&format!(
        "questions are chosen by where the arm was, not by pictures: {problem:#}"
    ));
    let weights = ChannelWeights {
        vision: 0.0,
        proprioception: 1.0,
        ..ChannelWeights::default()
    };
    clip_features(&clips, &weights, None, &context.device)
        .context("nor can rollouts be told apart by where the arm was")
}
