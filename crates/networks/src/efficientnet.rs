//! EfficientNet-Lite0, frozen: pictures to 1280 features, and to ImageNet class scores.

pub mod architecture;
pub mod convolution;
pub mod depthwise;

use crate::error::WeightsError;
use crate::named_tensors::NamedTensors;
use apprentice_kernels::is_cpu;
use architecture::{BlockPlan, CLASSES, HEAD, LAST, STEM};
use burn::{prelude::*, tensor::TensorData};
use convolution::{FoldedConv, Im2colConv, Pointwise};
use depthwise::{Depthwise, add_and_relu6};
use rayon::prelude::*;
use std::path::Path;

/// Length of a feature vector.
pub const FEATURES: usize = HEAD;
/// Smallest side of a picture, pixels: at this size one pixel is left at the end.
const MINIMUM_SIDE: usize = 32;
/// Blocks whose maps [`EfficientNetLite0::middle`] gives: the last ones of 40 and of 112 channels.
const MIDDLE: [usize; 2] = [4, 10];
/// Pictures computed together on the CPU, which bounds the memory a large batch takes.
const HOST_BATCH: usize = 16;
/// Values a block may hold between its convolutions on the CPU. The early blocks are wide; done
/// for all pictures at once they would leave the cache and make the system map fresh memory.
const HOST_WIDEST: usize = 1 << 18;

/// The network with its weights on one device. Cheap to clone; carries no gradient.
///
/// Batch normalisation (epsilon 1e-3) is folded into the convolutions, padding is TensorFlow's
/// 'SAME', activations are ReLU6. Sizes: [`architecture`].
#[derive(Clone, Debug)]
pub struct EfficientNetLite0 {
    device: Device,
    stem: Im2colConv,
    blocks: Vec<Block>,
    head: Pointwise,
    classifier: Option<Pointwise>,
}

/// One inverted residual block.
#[derive(Clone, Debug)]
struct Block {
    plan: BlockPlan,
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
}

impl EfficientNetLite0 {
    /// What errors call this network.
    pub const NAME: &'static str = architecture::NAME;

    /// Loads a `.safetensors` or `.pth` file onto `device` (autodiff is dropped: it is frozen).
    ///
    /// # Errors
    /// When the file is unreadable or cut short, or a tensor is missing, misshapen or not finite;
    /// the message names the tensor. The classifier (`_fc`) may be absent.
    pub fn load(path: &Path, device: &Device) -> Result<Self, WeightsError> {
        Self::from_tensors(&NamedTensors::read(path, Self::NAME)?, device)
    }

    /// Builds the network from tensors in memory, named as in the published checkpoint.
    ///
    /// # Errors
    /// As [`EfficientNetLite0::load`].
    pub fn from_tensors(tensors: &NamedTensors, device: &Device) -> Result<Self, WeightsError> {
        let device = device.clone().without_autodiff();
        let stem = FoldedConv::read(tensors, "_conv_stem", "_bn0", [STEM, 3, 3, 3])?;
        let blocks = architecture::blocks()
            .into_iter()
            .enumerate()
            .map(|(index, plan)| Block::read(tensors, index, plan, &device))
            .collect::<Result<_, _>>()?;
        let head = FoldedConv::read(tensors, "_conv_head", "_bn1", [HEAD, LAST, 1, 1])?;
        let classifier = if tensors.contains("_fc.weight") {
            let weight = tensors.get("_fc.weight", &[CLASSES, HEAD])?;
            let bias = tensors.get("_fc.bias", &[CLASSES])?;
            Some(Pointwise::new(weight, bias, &device))
        } else {
            None
        };
        Ok(Self {
            stem: Im2colConv::new(&stem, 3, 2, &device),
            blocks,
            head: Pointwise::new(&head.weight, &head.bias, &device),
            classifier,
            device,
        })
    }

    /// The device the network computes on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Features of `images` [B, H, W, 3], RGB in **0..=1**, as [B, 1280] on the network's device,
    /// without gradient. Each side may be any size from 32 pixels; 96 to 224 is sensible.
    ///
    /// The network's own input scaling, (255 x - 127) / 128, is applied here.
    ///
    /// # Errors
    /// When the shape is not that, or the device cannot give a tensor back.
    pub fn features(&self, images: Tensor<4>) -> Result<Tensor<2>, WeightsError> {
        let images = self.scaled(images)?;
        if !is_cpu(&self.device) {
            return self.pooled(images);
        }
        let parts = images
            .split(HOST_BATCH, 0)
            .into_iter()
            .map(|part| self.pooled(part))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(parts, 0))
    }

    /// Maps of two layers in the middle, of `images` as in [`EfficientNetLite0::features`]: after blocks 4
    /// (40 channels, an eighth of the side) and 10 (112 channels, a sixteenth), counted from 0.
    ///
    /// # Errors
    /// As [`EfficientNetLite0::features`].
    pub fn middle(&self, images: Tensor<4>) -> Result<[Tensor<4>; 2], WeightsError> {
        let images = self.scaled(images)?;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for part in images.split(HOST_BATCH, 0) {
            let mut x = self.stem.product_of_images(part)?;
            let mut pending = Some(self.stem.bias());
            for (index, block) in self.blocks.iter().enumerate().take(MIDDLE[1] + 1) {
                x = block.forward(x, pending.take())?;
                if index == MIDDLE[0] {
                    first.push(x.clone());
                }
            }
            second.push(x);
        }
        Ok([Tensor::cat(first, 0), Tensor::cat(second, 0)])
    }

    /// Pictures on the network's device, in its own numbers.
    fn scaled(&self, images: Tensor<4>) -> Result<Tensor<4>, WeightsError> {
        let got = images.dims();
        let [batch, height, width, channels] = got;
        if batch == 0 || channels != 3 || height.min(width) < MINIMUM_SIDE {
            return Err(WeightsError::WrongImages {
                got,
                minimum: MINIMUM_SIDE,
            });
        }
        let images = images.without_autodiff().to_device(&self.device);
        Ok(images * (255.0 / 128.0) - 127.0 / 128.0)
    }

    /// ImageNet class scores before softmax, [B, 1000], class 0 being 'tench'.
    ///
    /// # Errors
    /// As [`EfficientNetLite0::features`], and when the file had no classifier.
    pub fn logits(&self, images: Tensor<4>) -> Result<Tensor<2>, WeightsError> {
        let classifier = self.classifier.as_ref().ok_or(WeightsError::NoClassifier)?;
        Ok(classifier.forward(self.features(images)?))
    }

    /// Scaled pictures to features.
    fn pooled(&self, images: Tensor<4>) -> Result<Tensor<2>, WeightsError> {
        let mut x = self.stem.product_of_images(images)?;
        let mut pending = Some(self.stem.bias());
        for block in &self.blocks {
            x = block.forward(x, pending.take())?;
        }
        let [batch, height, width, _] = x.dims();
        let x = self.head.product_of_images(x);
        if is_cpu(&self.device) {
            return pool_host(x, &self.head.host_bias);
        }
        let bias = TensorData::new(self.head.host_bias.to_vec(), [1, 1, 1, HEAD]);
        let x = (x + Tensor::from_data(bias, &self.device)).clamp(0.0, 6.0);
        let x = x.reshape([batch, height * width, HEAD]);
        Ok(x.mean_dim(1).reshape([batch, HEAD]))
    }
}

impl Block {
    fn read(
        tensors: &NamedTensors,
        index: usize,
        plan: BlockPlan,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let BlockPlan {
            input,
            middle,
            output,
            kernel,
            stride,
        } = plan;
        let read = |convolution: &str, norm: &str, shape| {
            let named = |what: &str| format!("_blocks.{index}.{what}");
            FoldedConv::read(tensors, &named(convolution), &named(norm), shape)
        };
        let expand = if plan.expands() {
            let folded = read("_expand_conv", "_bn0", [middle, input, 1, 1])?;
            Some(Pointwise::new(&folded.weight, &folded.bias, device))
        } else {
            None
        };
        let filter = read("_depthwise_conv", "_bn1", [middle, 1, kernel, kernel])?;
        let project = read("_project_conv", "_bn2", [output, middle, 1, 1])?;
        Ok(Self {
            plan,
            expand,
            depthwise: Depthwise::new(&filter.weight, &filter.bias, kernel, stride, device),
            project: Pointwise::new(&project.weight, &project.bias, device),
        })
    }

    /// `x` [B, H, W, input]; `pending` is a bias that `x` still lacks, with its ReLU6. Only the
    /// first block has one, and it neither expands nor adds its input.
    fn forward(&self, x: Tensor<4>, pending: Option<&[f32]>) -> Result<Tensor<4>, WeightsError> {
        let [batch, height, width, _] = x.dims();
        let together = (HOST_WIDEST / (height * width * self.plan.middle)).max(1);
        if !is_cpu(&x.device()) || batch <= together {
            return self.forward_together(x, pending);
        }
        let parts = x
            .split(together, 0)
            .into_iter()
            .map(|part| self.forward_together(part, pending))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(parts, 0))
    }

    fn forward_together(
        &self,
        x: Tensor<4>,
        pending: Option<&[f32]>,
    ) -> Result<Tensor<4>, WeightsError> {
        let residual = self.plan.is_residual().then(|| x.clone());
        let middle = match &self.expand {
            Some(expand) => {
                let wide = expand.product_of_images(x);
                self.depthwise.forward(wide, Some(&expand.host_bias))?
            }
            None => self.depthwise.forward(x, pending)?,
        };
        let y = self.project.forward_images(middle);
        Ok(match residual {
            Some(x) => y + x,
            None => y,
        })
    }
}

/// Bias, ReLU6 and the mean over all pixels in one pass: [B, H, W, C] to [B, C].
fn pool_host(x: Tensor<4>, bias: &[f32]) -> Result<Tensor<2>, WeightsError> {
    let [batch, height, width, channels] = x.dims();
    let device = x.device();
    let mut data = x
        .try_into_data_as::<f32>()
        .map_err(|error| WeightsError::Device(error.to_string()))?;
    let values = data
        .as_mut_slice::<f32>()
        .map_err(|error| WeightsError::Device(error.to_string()))?;
    let share = 1.0 / (height * width) as f32;
    let mut means = vec![0.0f32; batch * channels];
    values
        .par_chunks_exact_mut(height * width * channels)
        .zip(means.par_chunks_exact_mut(channels))
        .for_each(|(image, mean)| {
            add_and_relu6(image, bias);
            for pixel in image.chunks_exact(channels) {
                for (total, value) in mean.iter_mut().zip(pixel) {
                    *total += value;
                }
            }
            for total in mean.iter_mut() {
                *total *= share;
            }
        });
    Ok(Tensor::from_data(
        TensorData::new(means, [batch, channels]),
        &device,
    ))
}
