//! What turns a picture into features, before the operator's preference comes in.

use crate::{Clip, EncoderError, FeatureClip};
use apprentice_core::Image;
use apprentice_nn::{Conv2d, Conv2dConfig, GroupNormMish};
use apprentice_weights::EfficientNetLite0;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which backbone a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackboneKind {
    /// A small network, self-supervised on the run's own frames.
    #[default]
    Compact,
    /// EfficientNet-Lite0 with ImageNet weights.
    EfficientnetLite0,
}

/// A ready backbone, without gradients.
#[derive(Debug)]
pub enum Backbone {
    /// The compact network.
    Compact(CompactBackbone),
    /// EfficientNet-Lite0.
    EfficientNet(Box<EfficientNetLite0>),
}

/// Pixels the compact network looks at, height and width.
pub const COMPACT_SIZE: usize = 48;
/// Cells the compact network's last map is averaged into, each way: where things are matters.
const CELLS: usize = 3;
const CHANNELS: [usize; 4] = [3, 16, 32, 32];
/// Pixels EfficientNet looks at, height and width (the size RAPL's code uses).
const EFFICIENTNET_SIZE: usize = 112;
/// Pictures that go through a backbone at once.
const CHUNK: usize = 64;

/// Three convolutions with GroupNorm and Mish, averaged over a 3 x 3 grid.
#[derive(Module, Debug)]
pub struct CompactBackbone {
    convolutions: Vec<Conv2d>,
    norms: Vec<GroupNormMish>,
}

impl CompactBackbone {
    /// Features of one picture.
    pub const FEATURES: usize = CELLS * CELLS * CHANNELS[3];

    /// Fresh weights drawn from `rng`.
    ///
    /// # Errors
    /// Never with the sizes fixed here; a changed size that does not fit is named.
    pub fn new(rng: &mut impl Rng, device: &Device) -> Result<Self, EncoderError> {
        let mut convolutions = Vec::new();
        let mut norms = Vec::new();
        for pair in CHANNELS.windows(2) {
            let config = Conv2dConfig {
                in_channels: pair[0],
                out_channels: pair[1],
                kernel: 3,
                stride: 2,
                padding: 1,
            };
            convolutions.push(Conv2d::new(config, rng, device));
            norms.push(GroupNormMish::new(8, pair[1], device)?);
        }
        Ok(Self {
            convolutions,
            norms,
        })
    }

    /// Features [N, F] of pictures [N, 48, 48, 3] in [-1, 1].
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = norm.forward(convolution.forward(x));
        }
        let [n, h, w, c] = x.dims();
        x.reshape([n, CELLS, h / CELLS, CELLS, w / CELLS * c])
            .mean_dim(2)
            .reshape([n, CELLS * CELLS, w / CELLS, c])
            .mean_dim(2)
            .reshape([n, CELLS * CELLS * c])
    }
}

impl Backbone {
    /// Features of one moment seen by `cameras` cameras.
    #[must_use]
    pub fn dim(&self, cameras: usize) -> usize {
        cameras
            * match self {
                Self::Compact(_) => CompactBackbone::FEATURES,
                Self::EfficientNet(_) => apprentice_weights::FEATURES,
            }
    }

    /// Features of clips: the cameras' features side by side at each moment.
    ///
    /// # Errors
    /// When a clip is empty or a feature is not finite.
    pub fn features(
        &self,
        clips: &[Clip],
        device: &Device,
    ) -> Result<Vec<FeatureClip>, EncoderError> {
        let Some(cameras) = clips.iter().find_map(|c| c.moments.first()).map(Vec::len) else {
            return Err(EncoderError::NoData("no clip has a frame".into()));
        };
        let dim = self.dim(cameras);
        let images: Vec<&Image> = clips
            .iter()
            .flat_map(|c| c.moments.iter().flatten())
            .collect();
        let mut values = Vec::with_capacity(images.len() / cameras * dim);
        for chunk in images.chunks(CHUNK) {
            values.extend(self.chunk(chunk, device)?);
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(EncoderError::NotFinite("a feature of the backbone".into()));
        }
        let mut rest = values.as_slice();
        Ok(clips
            .iter()
            .map(|clip| {
                let (mine, others) = rest.split_at(clip.moments.len() * dim);
                rest = others;
                FeatureClip {
                    dim,
                    values: mine.to_vec(),
                }
            })
            .collect())
    }

    fn chunk(&self, images: &[&Image], device: &Device) -> Result<Vec<f32>, EncoderError> {
        let features = match self {
            Self::Compact(network) => {
                network.forward(pictures(images, COMPACT_SIZE, [2.0 / 255.0, -1.0], device))
            }
            Self::EfficientNet(network) => network.features(pictures(
                images,
                EFFICIENTNET_SIZE,
                [1.0 / 255.0, 0.0],
                device,
            ))?,
        };
        features
            .into_data()
            .try_to_vec()
            .map_err(|e| EncoderError::NotFinite(format!("the backbone's output ({e:?})")))
    }
}

/// Pictures as [N, size, size, 3], each value times `scale` plus `offset`.
pub(crate) fn pictures(
    images: &[&Image],
    size: usize,
    [scale, offset]: [f32; 2],
    device: &Device,
) -> Tensor<4> {
    let values: Vec<f32> = images
        .par_iter()
        .flat_map_iter(|image| {
            let rgb = image.resized(size as u32, size as u32).into_rgb();
            rgb.into_iter().map(move |v| f32::from(v) * scale + offset)
        })
        .collect();
    Tensor::from_data(
        TensorData::new(values, [images.len(), size, size, 3]),
        device,
    )
}
