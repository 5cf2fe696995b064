//! The panel of a run: what else could have been learnt from the same judgements, judged on those it did not see.

use crate::context::Context;
use crate::layout::PANEL;
use crate::scores::weights_folder;
use anyhow::Result;
use apprentice_encoder::encoders::compact::Compact;
use apprentice_encoder::{
    ChannelWeights, Clip, CycleConsistencyConfig, Encoder as _, EncoderKind, FeatureClip,
    Initialisation,
};
use apprentice_reward::{JudgedClips, Learner, Member, PanelRow, RewardError, panel};
use std::collections::{BTreeMap, BTreeSet};

/// The encoder whose weights are looked for.
const PRETRAINED: &str = "efficientnet-lite0";

/// Features of the judged clips, or why there are none, in words.
type Features = std::result::Result<Vec<FeatureClip>, String>;

/// Judges the panel on `judged`, whose clips are `features` of `clips`, and writes its table.
///
/// # Errors
/// When a judgement cannot be learnt from, features cannot be computed, or the user stops.
pub fn judge_panel(
    context: &Context,
    clips: &[Clip],
    judged: &JudgedClips<'_>,
) -> Result<Vec<PanelRow>> {
    let used = judged_clips(judged)?;
    // Others are never looked at, so nothing is computed of them.
    let number: BTreeMap<usize, usize> = used
        .iter()
        .enumerate()
        .map(|(at, &clip)| (clip, at))
        .collect();
    let index = judged.index.iter();
    let index = index
        .filter_map(|(id, clip)| Some((id.clone(), *number.get(clip)?)))
        .collect();
    let own: Vec<FeatureClip> = used.iter().map(|&c| judged.clips[c].clone()).collect();
    let clips: Vec<Clip> = used.iter().map(|&c| clips[c].clone()).collect();
    let random = random_encoder(context, &clips);
    let (felt, frozen) = (felt(context, &clips), frozen(context, &clips));
    let learners = [
        "kernel_bradley_terry",
        "transport_contrast",
        "average",
        "optimal_transport",
    ];
    let named = |name: &str| Learner::named(name).unwrap_or_default();
    let configured = &context.config.reward.learner;
    let (kernel, best, nearest) = (
        named("kernel_bradley_terry"),
        named("best_channel"),
        named("transport_contrast"),
    );
    let others: Vec<Learner> = learners
        .map(named)
        .into_iter()
        .filter(|l| l.name() != configured.name())
        .collect();
    let mut members = vec![member(
        &format!("{} (used)", configured.name()),
        configured,
        Ok(&own),
    )];
    members.extend(
        others
            .iter()
            .map(|other| member(other.name(), other, Ok(&own))),
    );
    members.push(member(
        "random encoder, kernel_bradley_terry",
        &kernel,
        of(&random),
    ));
    members.push(member(
        "frozen pretrained encoder, kernel_bradley_terry",
        &kernel,
        of(&frozen),
    ));
    members.push(member(
        "proprioception, kernel_bradley_terry",
        &kernel,
        of(&felt),
    ));
    members.push(member(
        "proprioception, transport_contrast",
        &nearest,
        of(&felt),
    ));
    members.push(member("proprioception, best_channel", &best, of(&felt)));
    let judged = JudgedClips {
        clips: &own,
        index: &index,
        ..judged.clone()
    };
    let bar = context.bar(1000, "reward panel");
    let rows = panel(
        &judged,
        &members,
        context.config.reward.folds,
        context.seed.derive("panel", 0),
        &context.device,
        |done| {
            bar.set_position((done * 1000.0) as u64);
            !context.stopping()
        },
    )?;
    bar.finish();
    context.dir.write(PANEL, &rows)?;
    Ok(rows)
}

fn member<'a>(
    name: &str,
    learner: &'a Learner,
    clips: std::result::Result<&'a [FeatureClip], String>,
) -> Member<'a> {
    Member {
        name: name.to_owned(),
        learner: &**learner,
        clips,
    }
}

fn of(features: &Features) -> std::result::Result<&[FeatureClip], String> {
    features.as_ref().map(Vec::as_slice).map_err(Clone::clone)
}

/// Clips that some judgement is about.
fn judged_clips(judged: &JudgedClips<'_>) -> std::result::Result<BTreeSet<usize>, RewardError> {
    let orders = judged.orders()?;
    let clips = orders
        .iter()
        .flat_map(|order| order.places.iter().map(|place| place.0));
    Ok(clips.collect())
}

/// As a network sees them that was never trained.
fn random_encoder(context: &Context, clips: &[Clip]) -> Features {
    let encoder = Compact {
        self_supervision: CycleConsistencyConfig {
            initialisation: Initialisation::Random,
            ..CycleConsistencyConfig::default()
        },
        ..Compact::default()
    };
    let features = || -> Result<Vec<FeatureClip>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("random.safetensors");
        let seed = context.seed.derive("random encoder", 0);
        encoder.train(clips, seed, &context.device, &file, &mut |_, _| true)?;
        let ready = encoder.load(&file, &context.device)?;
        Ok(ready.features(clips, &context.device)?)
    };
    features().map_err(|error| format!("{error:#}"))
}

/// What the arm felt instead of what was seen.
fn felt(context: &Context, clips: &[Clip]) -> Features {
    let weights = ChannelWeights {
        vision: 0.0,
        proprioception: 1.0,
        ..ChannelWeights::default()
    };
    apprentice_encoder::clip_features(clips, &weights, None, &context.device)
        .map_err(|error| error.to_string())
}

/// As a frozen pretrained network sees them, where its weights are there.
fn frozen(context: &Context, clips: &[Clip]) -> Features {
    let file = weights_folder().join(format!("{PRETRAINED}.safetensors"));
    if !file.exists() {
        return Err(format!("no weights; apprentice weights get {PRETRAINED}"));
    }
    let encoder = EncoderKind::named(PRETRAINED).ok_or("there is no such encoder")?;
    let features = || {
        encoder
            .load(&file, &context.device)?
            .features(clips, &context.device)
    };
    features().map_err(|error| error.to_string())
}
