//! Networks, each beside the import of its weights from other projects' files, and how pretrained weights are
//! obtained.
//!
//! - [`UNet1d`], the conditional 1-D U-Net of Diffusion Policy; [`unet1d`] reads Diffusion Policy's and LeRobot's.
//! - [`VisionEncoder`], a compact convolutional encoder that is learnt from scratch.
//! - [`ResNet18`]; [`resnet18`] reads torchvision's and LeRobot's.
//! - [`VisionTransformer`]; [`vision_transformer`] reads DINOv2's.
//! - [`EfficientNetLite0`] on ImageNet-1k (4.7 million parameters, 1280 features). It is frozen: there is a
//!   forward pass and no gradient, so its features of recorded frames can be computed once and kept.
//!
//! [`save_module`] and [`load_module`] keep networks as safetensors files of this project's own.
//!
//! No weights are part of this project. [`fetch`] obtains them from the package their publisher put on PyPI,
//! through the user's own `pip`, or from a file the user already has; in every case the bytes are compared with
//! pinned SHA-256 digests before anything reads them.
//!
//! ```
//! use apprentice_networks::{UNet1d, UNetConfig};
//! use burn::tensor::{Device, Tensor};
//! use rand::SeedableRng;
//!
//! # fn main() -> Result<(), apprentice_nn::ShapeError> {
//! let config = UNetConfig {
//!     action_dim: 3,
//!     cond_dim: 5,
//!     dims: vec![8, 16],
//!     kernel: 5,
//!     groups: 4,
//!     step_dim: 8,
//! };
//! let device = Device::flex();
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let unet = UNet1d::new(&config, &mut rng, &device)?;
//! // One chunk of 8 actions, its diffusion step and its condition.
//! let (chunk, step) = (Tensor::ones([1, 8, 3], &device), Tensor::ones([1], &device));
//! let noise = unet.forward(chunk, step, Tensor::ones([1, 5], &device))?;
//! assert_eq!(noise.dims(), [1, 8, 3]);
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

pub mod download;
pub mod efficientnet;
pub mod error;
mod import;
pub mod module_file;
pub mod named_tensors;
pub mod package;
mod pytorch_file;
pub mod resnet;
mod safetensors_file;
pub mod unet;
pub mod vision;
pub mod vit;

pub use download::{fetch, fetch_with_python};
pub use efficientnet::{EfficientNetLite0, FEATURES};
pub use error::WeightsError;
pub use module_file::{load_module, read_metadata, save_module};
pub use named_tensors::NamedTensors;
pub use package::{EFFICIENTNET_LITE0, Package};
pub use resnet::{Normalisation, ResNet18, ResNetConfig, import::resnet18};
pub use unet::{UNet1d, UNetConfig, import::unet1d};
pub use vision::{VisionConfig, VisionEncoder};
pub use vit::{VisionTransformer, VisionTransformerConfig, import::vision_transformer};
