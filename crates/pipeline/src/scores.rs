//! Features and scores of episodes: by the run's encoder, and by its learnt reward.

use crate::config::Config;
use crate::context::Context;
use crate::layout::{BACKBONE, REWARD};
use anyhow::{Result, bail};
use apprentice_encoder::{
    Channel, Clip, EncoderConfig, FeatureClip, FrameEncoder, WeightsSource, clip_features,
};
use apprentice_episode::{Episode, EpisodeId};
use apprentice_preference::Judgement;
use apprentice_reward::{JudgedClips, LearnedReward, Score, StoredReward};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Clips between two looks at the clock.
const PART: usize = 16;

/// Scores of a folder's episodes, in order of recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scores {
    /// One an episode.
    pub episodes: Vec<Score>,
}

/// Learns a reward from judgements on clips, examined by those whose ids `examiners` has, or all; `index` says which clip
/// an episode is. `watch` hears which share is done,
/// and stops the learning by `false`.
///
/// # Errors
/// When nothing can be learnt from them, or the learning is stopped.
pub fn learn_reward(
    context: &Context,
    clips: &[FeatureClip],
    index: &BTreeMap<EpisodeId, usize>,
    (judgements, examiners): (&[Judgement], Option<&BTreeSet<String>>),
    watch: impl FnMut(f64) -> bool,
) -> Result<LearnedReward> {
    Ok(apprentice_reward::learn_reward(
        &JudgedClips {
            examiners,
            ..JudgedClips::new(clips, index, judgements)
        },
        &context.config.reward,
        context.seed.derive("reward", 0),
        &context.device,
        watch,
    )?)
}

/// The learnt reward of the run.
///
/// # Errors
/// When it is missing.
pub fn read_reward(context: &Context) -> Result<LearnedReward> {
    let stored: StoredReward = context.dir.read(REWARD)?;
    Ok(stored.load()?)
}

/// Features of episodes, by the run's encoder.
///
/// # Errors
/// When the encoder's weights are missing.
pub fn features(context: &Context, episodes: &[Episode]) -> Result<Vec<FeatureClip>> {
    let clips = clips_of(context, episodes)?;
    extract(context, &encoder(context, None)?, &clips)
}

/// Features of clips, a few clips at a time, to say how far it is.
///
/// # Errors
/// When they cannot be computed, or the user stops.
pub fn extract(
    context: &Context,
    encoder: &ReadyEncoder,
    clips: &[Clip],
) -> Result<Vec<FeatureClip>> {
    let encoder = encoder.as_ref().map(|(channel, e)| (*channel, &**e));
    let weights = &context.config.encoder.channels;
    let mut features = Vec::with_capacity(clips.len());
    in_parts(context, "features", clips, |part| {
        features.extend(clip_features(part, weights, encoder, &context.device)?);
        Ok(())
    })?;
    Ok(features)
}

/// What the reward makes of clips.
///
/// # Errors
/// When one cannot be scored, or the user stops.
pub fn score(
    context: &Context,
    reward: &LearnedReward,
    clips: &[FeatureClip],
) -> Result<Vec<Score>> {
    let mut scores = Vec::with_capacity(clips.len());
    in_parts(context, "score", clips, |part| {
        scores.extend(reward.score_all(part)?);
        Ok(())
    })?;
    Ok(scores)
}

/// Works through `items` under a progress bar, until the user stops.
fn in_parts<T>(
    context: &Context,
    what: &str,
    items: &[T],
    mut work: impl FnMut(&[T]) -> Result<()>,
) -> Result<()> {
    let bar = context.bar(items.len() as u64, what);
    for part in items.chunks(PART) {
        if context.stopping() {
            bail!("stopped on request; the same command starts this stage again");
        }
        work(part)?;
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The clips of episodes, as the encoder sees them.
///
/// # Errors
/// When an episode is too short.
pub fn clips_of(context: &Context, episodes: &[Episode]) -> Result<Vec<Clip>> {
    let config = &context.config.encoder.clip;
    let clip = |episode| Ok(Clip::from_episode(episode, config)?);
    episodes.iter().map(clip).collect()
}

/// An encoder with its weights, and the channel it is of; `None` where that channel does not count.
pub type ReadyEncoder = Option<(Channel, Box<dyn FrameEncoder>)>;

/// The encoder: one that is trained on the run's own clips is trained on `clips` if there are any.
///
/// # Errors
/// When it cannot be trained or read.
pub fn encoder(context: &Context, clips: Option<&[Clip]>) -> Result<ReadyEncoder> {
    encoder_in(context, clips, BACKBONE)
}

/// As [`encoder`], one that is trained on the run's own clips with its weights in another file of the run.
///
/// # Errors
/// As [`encoder`].
pub fn encoder_in(
    context: &Context,
    clips: Option<&[Clip]>,
    trained: &str,
) -> Result<ReadyEncoder> {
    let config = &context.config.encoder;
    config.with_encoder(|encoder| {
        if config.channels.of(encoder.channel()) == 0.0 {
            return Ok(None);
        }
        let file = match encoder.weights() {
            WeightsSource::Training { .. } => context.dir.path(trained),
            _ => weights_file(config),
        };
        if let (WeightsSource::Training { steps }, Some(clips)) = (encoder.weights(), clips) {
            let bar = context.bar(steps as u64, "train encoder");
            let seed = context.seed.derive("backbone", 0);
            encoder.train(clips, seed, &context.device, &file, &mut |step, loss| {
                bar.set_position(step as u64);
                bar.set_message(format!("loss {loss:.4}"));
                !context.stopping()
            })?;
            bar.finish();
        }
        let loaded = encoder.load(&file, &context.device)?;
        Ok(Some((encoder.channel(), loaded)))
    })
}

/// Whether the weights a configuration needs are there.
///
/// # Errors
/// Where they were looked for, and how to get them.
pub fn check_weights(config: &Config) -> Result<()> {
    let config = &config.encoder;
    let file = weights_file(config);
    let backbone = config.backbone.name();
    config.with_encoder(|encoder| match encoder.weights() {
        WeightsSource::Nothing | WeightsSource::Training { .. } => Ok(()),
        _ if config.channels.of(encoder.channel()) == 0.0 || file.exists() => Ok(()),
        WeightsSource::File {
            published: Some(name),
            ..
        } => bail!(
            "encoder.backbone is {backbone}, but there are no weights at {}; get them with \
             `apprentice weights get {name}`, or name a file with encoder.weights",
            file.display()
        ),
        WeightsSource::File {
            file,
            published: None,
        } => bail!(
            "encoder.backbone needs weights that you have (.pth or .safetensors), but encoder.weights \
             is {file:?}, which is no file; name it with --set encoder.weights=FILE"
        ),
    })
}

/// The file of an encoder's weights; those that are published are looked for in Apprentice's own folder.
fn weights_file(config: &EncoderConfig) -> PathBuf {
    config.with_encoder(|encoder| match encoder.weights() {
        WeightsSource::File {
            file,
            published: Some(name),
        } if file.as_os_str().is_empty() => weights_folder().join(format!("{name}.safetensors")),
        WeightsSource::File { file, .. } => file.to_owned(),
        _ => PathBuf::new(),
    })
}

/// Apprentice's own folder for weights: `$XDG_DATA_HOME/apprentice/weights` or its usual place.
#[must_use]
pub fn weights_folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share"));
    let data = std::env::var_os("XDG_DATA_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from);
    data.or_else(home)
        .unwrap_or_default()
        .join("apprentice/weights")
}
