//! From clips to features: the channels that count, side by side.

use crate::{Channel, ChannelSpan, ChannelWeights, Clip, EncoderError, FeatureClip, FrameEncoder};
use burn::tensor::Device;

/// Features of clips: for each frame the channels of weight above 0, in the order of [`Channel::ALL`].
///
/// `encoder` gives those of one channel; it may be left out where that channel does not count.
///
/// # Errors
/// When no clip has a frame, the encoder fails, a channel that counts was not measured, or frames differ in how many
/// numbers a channel has.
pub fn clip_features(
    clips: &[Clip],
    weights: &ChannelWeights,
    encoder: Option<(Channel, &dyn FrameEncoder)>,
    device: &Device,
) -> Result<Vec<FeatureClip>, EncoderError> {
    let mut parts: Vec<(ChannelSpan, Vec<FeatureClip>)> = Vec::new();
    for (channel, weight) in weights.used() {
        let features = match encoder {
            Some((of, encoder)) if of == channel => encoder.features(clips, device)?,
            _ => signals(clips, channel, weight)?,
        };
        let width = features.first().map_or(0, |c| c.width);
        let span = ChannelSpan {
            channel,
            width,
            weight,
        };
        parts.push((span, features));
    }
    let channels: Vec<ChannelSpan> = parts.iter().map(|(span, _)| *span).collect();
    if let [(_, only)] = parts.as_mut_slice() {
        let mut clips = std::mem::take(only);
        clips
            .iter_mut()
            .for_each(|c| c.channels.clone_from(&channels));
        return Ok(clips);
    }
    let width = channels.iter().map(|c| c.width).sum();
    Ok(clips
        .iter()
        .enumerate()
        .map(|(number, clip)| {
            let mut values = Vec::with_capacity(clip.frames.len() * width);
            for frame in 0..clip.frames.len() {
                for (span, features) in &parts {
                    let of_clip = &features[number].values;
                    values.extend_from_slice(&of_clip[frame * span.width..][..span.width]);
                }
            }
            FeatureClip {
                width,
                values,
                channels: channels.clone(),
            }
        })
        .collect())
}

/// The numbers of a channel that no encoder makes.
fn signals(
    clips: &[Clip],
    channel: Channel,
    weight: f32,
) -> Result<Vec<FeatureClip>, EncoderError> {
    let mut wanted = None;
    let mut all = Vec::with_capacity(clips.len());
    for (number, clip) in clips.iter().enumerate() {
        let mut values = Vec::new();
        for (index, frame) in clip.frames.iter().enumerate() {
            let signal = frame.signals.get(&channel).filter(|s| !s.is_empty());
            let signal = signal.ok_or(EncoderError::NotMeasured {
                key: channel.key(),
                weight,
                measured: channel.measured(),
                clip: number,
                frame: index,
            })?;
            let wanted = *wanted.get_or_insert(signal.len());
            if signal.len() != wanted {
                return Err(EncoderError::Width {
                    channel: channel.measured(),
                    clip: number,
                    frame: index,
                    got: signal.len(),
                    wanted,
                });
            }
            if signal.iter().any(|v| !v.is_finite()) {
                return Err(EncoderError::NotFinite(format!(
                    "one of the {} of frame {index} of clip {number}",
                    channel.measured()
                )));
            }
            values.extend_from_slice(signal);
        }
        all.push(values);
    }
    let width = wanted.ok_or_else(|| EncoderError::NoData("no clip has a frame".into()))?;
    Ok(all
        .into_iter()
        .map(|values| FeatureClip {
            width,
            values,
            channels: Vec::new(),
        })
        .collect())
}

#[cfg(test)]
mod tests;
