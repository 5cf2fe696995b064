//! How a pretrained network is shown an image: how large, and in which numbers.

use crate::EncoderError;
use apprentice_core::Image;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Means and deviations of ImageNet's colours (torchvision's figures).
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// Fewest pixels a pretrained network can look at, each way.
const SMALLEST: usize = 32;

/// Numbers a pixel becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// What the network was trained with: (v - 127) / 128 for EfficientNet-Lite0, [`Self::Imagenet`] for
    /// ResNet-18 and DINOv2.
    #[default]
    Own,
    /// v / 255, less the mean of ImageNet's colours, by their deviation.
    Imagenet,
    /// v / 255, as RAPL's public code shows images to an ImageNet ResNet-18.
    Unit,
}

/// How images are prepared for a pretrained network. The compact one always sees 48 x 48 pixels in
/// [-1, 1].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// Height and width, pixels; 0 for the network's usual (EfficientNet-Lite0 112, ResNet-18 96,
    /// DINOv2 8 patches, 112). RAPL's code: 112 for ResNet-18, 224 for its vision transformer.
    pub size: usize,
    /// Numbers a pixel becomes (RAPL's code: unit for ResNet-18, imagenet for its vision transformer).
    pub scaling: Scaling,
}

impl InputConfig {
    /// Whether a network can look at such images; the settings stand under `section`.
    ///
    /// # Errors
    /// Names the key, its value and what is allowed.
    pub fn validate(&self, section: &str) -> Result<(), EncoderError> {
        if self.size != 0 && self.size < SMALLEST {
            return Err(EncoderError::Config {
                key: format!("{section}.size"),
                got: self.size.to_string(),
                allowed: "32 or more pixels, or 0 for the network's usual",
            });
        }
        Ok(())
    }

    /// The input of a network that usually sees `usual` pixels, in whole patches of `patch`.
    pub(crate) fn at(&self, usual: usize, patch: usize) -> Result<Input, EncoderError> {
        self.validate("encoder.input")?;
        if !self.size.is_multiple_of(patch) {
            return Err(EncoderError::Config {
                key: "encoder.input.size".into(),
                got: format!("{} with patches of {patch}", self.size),
                allowed: "a multiple of the network's patch, in pixels",
            });
        }
        let size = if self.size == 0 { usual } else { self.size };
        Ok(Input {
            size,
            scaling: self.scaling,
        })
    }
}

/// The input of a network: its size and scaling, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    pub(crate) size: usize,
    scaling: Scaling,
}

impl Input {
    /// Images as [N, size, size, 3] for a network whose own scaling is ImageNet's.
    pub(crate) fn imagenet_tensor(self, images: &[&Image], device: &Device) -> Tensor<4> {
        let unit = images_as_tensor(images, self.size, [1.0 / 255.0, 0.0], device);
        match self.scaling {
            Scaling::Own | Scaling::Imagenet => {
                let [mean, deviation] =
                    IMAGENET.map(|c| Tensor::<1>::from_floats(c, device).reshape([1, 1, 1, 3]));
                (unit - mean) / deviation
            }
            Scaling::Unit => unit,
        }
    }

    /// Images as [N, size, size, 3] for EfficientNet-Lite0, which turns x into (255 x - 127) / 128
    /// itself: any other scaling is turned back by as much.
    pub(crate) fn efficientnet_tensor(self, images: &[&Image], device: &Device) -> Tensor<4> {
        match self.scaling {
            Scaling::Own => images_as_tensor(images, self.size, [1.0 / 255.0, 0.0], device),
            Scaling::Imagenet | Scaling::Unit => {
                (self.imagenet_tensor(images, device) * 128.0 + 127.0) / 255.0
            }
        }
    }
}

/// Images as [N, size, size, 3], each value times `scale` plus `offset`.
pub fn images_as_tensor(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(scaling: Scaling, show: fn(Input, &[&Image], &Device) -> Tensor<4>) -> [f32; 3] {
        let input = InputConfig { size: 32, scaling }.at(96, 1).unwrap();
        let image = Image::new(40, 40, [255u8, 127, 0].repeat(1600)).unwrap();
        let tensor = show(input, &[&image], &Device::flex());
        assert_eq!(tensor.dims(), [1, 32, 32, 3]);
        let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
        [values[0], values[1], values[2]]
    }

    fn close(found: [f32; 3], wanted: [f32; 3]) {
        for (f, w) in found.iter().zip(wanted) {
            assert!((f - w).abs() < 1e-5, "{found:?} {wanted:?}");
        }
    }

    #[test]
    fn each_scaling_is_what_the_network_sees() {
        let imagenet = [
            (1.0 - 0.485) / 0.229,
            (127.0 / 255.0 - 0.456) / 0.224,
            -0.406 / 0.225,
        ];
        let unit = [1.0, 127.0 / 255.0, 0.0];
        close(seen(Scaling::Own, Input::imagenet_tensor), imagenet);
        close(seen(Scaling::Imagenet, Input::imagenet_tensor), imagenet);
        close(seen(Scaling::Unit, Input::imagenet_tensor), unit);
        // After EfficientNet's own step, that is.
        let own = |x: [f32; 3]| x.map(|x| (255.0 * x - 127.0) / 128.0);
        let at = |scaling| own(seen(scaling, Input::efficientnet_tensor));
        close(at(Scaling::Own), [1.0, 0.0, -127.0 / 128.0]);
        close(at(Scaling::Imagenet), imagenet);
        close(at(Scaling::Unit), unit);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let at = |size, patch| {
            let config = InputConfig {
                size,
                ..InputConfig::default()
            };
            config
                .at(112, patch)
                .map(|i| i.size)
                .map_err(|e| e.to_string())
        };
        assert_eq!(at(0, 14), Ok(112));
        assert_eq!(at(224, 14), Ok(224));
        assert!(
            at(8, 1)
                .unwrap_err()
                .contains("encoder.input.size is 8, allowed: 32")
        );
        assert!(
            at(100, 14)
                .unwrap_err()
                .contains("is 100 with patches of 14")
        );
    }
}
