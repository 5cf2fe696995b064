//! The eye and the reward: rankings align the encoder, and every rollout gets a score.

use crate::config::{Config, EncoderConfig};
use crate::context::Context;
use crate::stages::notes::{by_id, judged, open_all};
use crate::stages::rank::said;
use crate::stages::viewer_file::write_recording;
use anyhow::{Result, bail};
use apprentice_core::Image;
use apprentice_encoder::{
    Backbone, BackboneKind, Clip, CompactBackbone, FeatureClip, self_supervise,
};
use apprentice_episode::Episode;
use apprentice_nn::{load_module, save_module};
use apprentice_preference::{unused, unused_sentence};
use apprentice_reward::{Learned, RankedClips, RewardModel, Scored, USED_JUDGEMENTS, learn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The learnt reward.
pub const REWARD: &str = "reward/reward.json";
/// Clips between two looks at the clock.
const PART: usize = 16;
/// The compact backbone's weights.
const BACKBONE: &str = "encoder/backbone.safetensors";
/// The demonstrations' scores.
pub const DEMONSTRATION_SCORES: &str = "reward/demonstrations.json";
/// The rollouts' scores.
pub const SCORES: &str = "reward/rollouts.json";

/// Scores of a folder's episodes, in order of recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scores {
    /// One an episode.
    pub episodes: Vec<Scored>,
}

/// Runs the stage.
///
/// # Errors
/// When there are no rankings, or the encoder cannot be trained.
pub fn run(context: &Context) -> Result<()> {
    let notes = judged(context, super::rollout::FOLDER)?;
    let episodes = open_all(context, super::rollout::FOLDER, &notes)?;
    // Bad rankings are refused before anything is computed.
    let judgements = said(context, &notes)?;
    if let Some(sentence) = unused_sentence(&unused(&judgements, USED_JUDGEMENTS)) {
        context.say(&sentence);
    }
    let clips = clips_of(context, &episodes)?;
    let backbone = backbone(context, Some(&clips))?;
    let features = extract(context, &backbone, &clips)?;
    let index = by_id(&notes);
    let bar = context.bar(1000, "align the eye");
    let learned = learn(
        &RankedClips {
            clips: &features,
            index: &index,
            judgements: &judgements,
        },
        &context.config.encoder.alignment,
        &context.config.reward,
        context.seed.derive("reward", 0),
        &context.device,
        |share| {
            bar.set_position((share * 1000.0) as u64);
            !context.stopping()
        },
    )?;
    bar.finish();
    let scores = Scores {
        episodes: score(context, &learned.model, &features)?,
    };
    if context.config.align.demonstrations {
        let shown = judged(context, super::demonstrate::FOLDER)?;
        let shown = open_all(context, super::demonstrate::FOLDER, &shown)?;
        let features = extract(context, &backbone, &clips_of(context, &shown)?)?;
        let scores = Scores {
            episodes: score(context, &learned.model, &features)?,
        };
        context.dir.write(DEMONSTRATION_SCORES, &scores)?;
    }
    context.dir.write(REWARD, &learned)?;
    context.dir.write(SCORES, &scores)?;
    write_recording(context, Some(&scores.episodes), false)
}

/// The learnt reward of the run.
///
/// # Errors
/// When it is missing.
pub fn load(context: &Context) -> Result<Learned> {
    context.dir.read(REWARD)
}

/// Features of episodes, by the run's backbone.
///
/// # Errors
/// When the backbone is missing.
pub fn features(context: &Context, episodes: &[Episode]) -> Result<Vec<FeatureClip>> {
    let clips = clips_of(context, episodes)?;
    extract(context, &backbone(context, None)?, &clips)
}

/// Features of clips, a few clips at a time, to say how far it is.
fn extract(context: &Context, backbone: &Backbone, clips: &[Clip]) -> Result<Vec<FeatureClip>> {
    let mut features = Vec::with_capacity(clips.len());
    in_parts(context, "look", clips, |part| {
        features.extend(backbone.features(part, &context.device)?);
        Ok(())
    })?;
    Ok(features)
}

/// What the reward makes of clips.
///
/// # Errors
/// When one cannot be scored, or the user stops.
pub fn score(context: &Context, model: &RewardModel, clips: &[FeatureClip]) -> Result<Vec<Scored>> {
    let mut scores = Vec::with_capacity(clips.len());
    in_parts(context, "score", clips, |part| {
        scores.extend(model.score_all(part)?);
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

fn clips_of(context: &Context, episodes: &[Episode]) -> Result<Vec<Clip>> {
    let clip = |episode: &Episode| {
        let pictures = episode.ticks.iter().map(|t| {
            t.observation
                .frames
                .iter()
                .map(|f| &f.image)
                .collect::<Vec<&Image>>()
        });
        Ok(Clip::from_episode(pictures, &context.config.encoder.clip)?)
    };
    episodes.iter().map(clip).collect()
}

/// The backbone: pretrained, or the compact one, which is self-supervised on `clips` when it has not
/// been before.
fn backbone(context: &Context, clips: Option<&[Clip]>) -> Result<Backbone> {
    let config = &context.config.encoder;
    let file = weights_file(config);
    if let Some(pretrained) =
        Backbone::load(config.backbone, &file, &config.input, &context.device)?
    {
        return Ok(pretrained);
    }
    let path = context.dir.path(BACKBONE);
    if let Some(clips) = clips {
        let bar = context.bar(config.cycle.steps as u64, "teach the eye");
        let seed = context.seed.derive("backbone", 0);
        let (network, _) =
            self_supervise(clips, &config.cycle, seed, &context.device, |step, loss| {
                bar.set_position(step as u64);
                bar.set_message(format!("cycle loss {loss:.4}"));
                !context.stopping()
            })?;
        bar.finish();
        save_module(&network, &path, &BTreeMap::new())?;
    }
    let fresh = CompactBackbone::new(&mut context.seed.rng(), &context.device)?;
    let (network, _) = load_module(fresh, &path)?;
    Ok(Backbone::Compact(network))
}

/// Whether the weights a configuration needs are there.
///
/// # Errors
/// Where they were looked for, and how to get them.
pub fn check_weights(config: &Config) -> Result<()> {
    let file = weights_file(&config.encoder);
    match config.encoder.backbone {
        BackboneKind::Compact => Ok(()),
        _ if file.exists() => Ok(()),
        BackboneKind::EfficientnetLite0 => bail!(
            "encoder.backbone is efficientnet-lite0, but there are no weights at {}; get them with \
             `apprentice weights get efficientnet-lite0`, or name a file with encoder.weights",
            file.display()
        ),
        BackboneKind::ResNet18 | BackboneKind::DinoV2 => bail!(
            "encoder.backbone needs weights that you have (.pth or .safetensors), but encoder.weights \
             is {:?}, which is no file; name it with --set encoder.weights=FILE",
            config.encoder.weights
        ),
    }
}

fn weights_file(config: &EncoderConfig) -> PathBuf {
    if config.weights.as_os_str().is_empty() && config.backbone == BackboneKind::EfficientnetLite0 {
        default_weights()
    } else {
        config.weights.clone()
    }
}

/// Where `apprentice weights get` puts EfficientNet-Lite0.
#[must_use]
pub fn default_weights() -> PathBuf {
    weights_folder().join("efficientnet-lite0.safetensors")
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
