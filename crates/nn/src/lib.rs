//! Layers and networks on burn, channels-last, convolutions as one matrix product.

#![recursion_limit = "256"]

pub mod attention;
pub mod batch_norm;
pub mod convolution;
#[cfg(feature = "gpu")]
mod cubes;
pub mod device;
pub mod ema;
pub mod error;
mod few_rows;
pub mod film;
mod fused;
mod gathering;
pub mod gelu;
pub mod layer_norm;
pub mod linear;
pub mod max_pool;
pub mod noise;
pub mod norm;
pub mod optimizer;
pub mod precision;
pub mod resnet;
pub mod spatial_softmax;
mod tracking;
pub mod unet;
pub mod vision;
pub mod vit;
pub mod weights_file;
pub mod workers;

pub use attention::Attention;
pub use batch_norm::FrozenBatchNorm;
pub use convolution::{Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d};
pub use device::{DeviceChoice, DeviceError, may_record, open_device};
pub use ema::Ema;
pub use error::{ShapeError, WeightsError};
pub use film::film;
pub use gelu::gelu;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use max_pool::max_pool;
pub use noise::gaussian;
pub use norm::{GroupNorm, GroupNormMish, mish};
pub use optimizer::{AdamW, AdamWConfig, cosine_with_warmup};
pub use precision::Precision;
pub use resnet::{Normalisation, ResNet18, ResNetConfig};
pub use spatial_softmax::SpatialSoftmax;
pub use unet::{UNet1d, UNetConfig};
pub use vision::{VisionConfig, VisionEncoder};
pub use vit::{VisionTransformer, VisionTransformerConfig};
pub use weights_file::{cut_off, load_module, read_metadata, save_module};
pub use workers::on_workers;
