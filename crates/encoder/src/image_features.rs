//! What encoders that look at one image at a time have in common.

use crate::{Clip, EncoderError, FeatureClip};
use apprentice_core::Image;
use burn::tensor::{Device, Tensor};

/// Images that go through a network at once.
const BATCH: usize = 64;

/// Features of clips by a network that gives `per_image` features [N, per_image] of N images: the cameras' side by
/// side at each frame.
///
/// # Errors
/// When no clip has a frame, the network fails, or a feature is not finite.
pub fn image_features(
    clips: &[Clip],
    per_image: usize,
    device: &Device,
    network: impl Fn(&[&Image], &Device) -> Result<Tensor<2>, EncoderError>,
) -> Result<Vec<FeatureClip>, EncoderError> {
    let cameras = clips.iter().find_map(|c| c.frames.first());
    let Some(cameras) = cameras.map(|f| f.images.len()) else {
        return Err(EncoderError::NoData("no clip has a frame".into()));
    };
    let width = per_image * cameras;
    let images: Vec<&Image> = clips
        .iter()
        .flat_map(|c| c.frames.iter().flat_map(|f| &f.images))
        .collect();
    let mut values = Vec::with_capacity(images.len() * per_image);
    for batch in images.chunks(BATCH) {
        let features: Vec<f32> = network(batch, device)?
            .into_data()
            .try_to_vec()
            .map_err(|e| EncoderError::NotFinite(format!("the encoder's output ({e:?})")))?;
        values.extend(features);
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(EncoderError::NotFinite("a feature of the encoder".into()));
    }
    let mut rest = values.as_slice();
    clips
        .iter()
        .enumerate()
        .map(|(number, clip)| {
            let frames = clip.frames.len();
            if let Some(odd) = clip.frames.iter().position(|f| f.images.len() != cameras) {
                return Err(EncoderError::Width {
                    channel: "images",
                    clip: number,
                    frame: odd,
                    got: clip.frames[odd].images.len(),
                    wanted: cameras,
                });
            }
            let (mine, others) = rest.split_at(frames * width);
            rest = others;
            Ok(FeatureClip::vision(width, mine.to_vec()))
        })
        .collect()
}
