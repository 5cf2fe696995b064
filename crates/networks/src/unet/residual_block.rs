//! The block that all levels are made of.

use super::config::UNetConfig;
use apprentice_kernels::split_k::{self, ConvInput};
use apprentice_nn::{Conv1d, GroupNormMish, Linear, ShapeError, film};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// Two convolutions, the first one's output scaled and shifted by the condition ([`film`]).
#[derive(Module, Debug)]
pub(super) struct ResidualBlock {
    first: Conv1d,
    first_norm: GroupNormMish,
    second: Conv1d,
    second_norm: GroupNormMish,
    pub(super) film: Linear,
    shortcut: Option<Conv1d>,
}

impl ResidualBlock {
    pub(super) fn new(
        input: usize,
        output: usize,
        cond: usize,
        config: &UNetConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let (k, p) = (config.kernel, config.kernel / 2);
        Ok(Self {
            first: Conv1d::new(input, output, k, 1, p, rng, device),
            first_norm: GroupNormMish::new(config.groups, output, device)?,
            second: Conv1d::new(output, output, k, 1, p, rng, device),
            second_norm: GroupNormMish::new(config.groups, output, device)?,
            film: Linear::new(cond, 2 * output, rng, device),
            shortcut: (input != output).then(|| Conv1d::new(input, output, 1, 1, 0, rng, device)),
        })
    }

    pub(super) fn forward(&self, input: ConvInput, modulation: Modulation) -> Tensor<3> {
        if split_k::applies_to(&input.x) {
            return self.forward_split_k(input, modulation);
        }
        let x = input.concatenated();
        let modulation = modulation.slice(self.film.outputs());
        let y = self.first_norm.forward(self.first.forward(x.clone()));
        let y = film(y, modulation);
        let y = self.second_norm.forward(self.second.forward(y));
        match &self.shortcut {
            Some(shortcut) => y + shortcut.forward(x),
            None => y + x,
        }
    }

    /// The same in two kernels a convolution.
    fn forward_split_k(&self, input: ConvInput, modulation: Modulation) -> Tensor<3> {
        let Modulation { all, from } = modulation;
        let y = self.first.partial_sums(input.clone());
        let y = y.group_norm_mish_film(self.first_norm.weights(), all, from);
        let y = self.second.partial_sums(y.into());
        match &self.shortcut {
            Some(shortcut) => {
                y.group_norm_mish_add_sums(self.second_norm.weights(), shortcut.partial_sums(input))
            }
            None => y.group_norm_mish_add(self.second_norm.weights(), input.concatenated()),
        }
    }
}

/// A block's scales and shifts, [B, 2 output], among those of all blocks.
pub(super) struct Modulation {
    /// [B, M].
    pub(super) all: Tensor<2>,
    /// Where the block's begin.
    pub(super) from: usize,
}

impl Modulation {
    fn slice(self, width: usize) -> Tensor<2> {
        let [rows, all] = self.all.dims();
        if width == all {
            return self.all;
        }
        self.all.slice([0..rows, self.from..self.from + width])
    }
}
