//! The conditional 1-D U-Net of Diffusion Policy (Chi et al. 2023, arXiv 2303.04137).

mod config;
pub mod import;
mod residual_block;

pub use config::UNetConfig;

use apprentice_kernels::split_k::{self, ConvInput};
use apprentice_nn::{Conv1d, ConvTranspose1d, GroupNormMish, Linear, ShapeError, mish};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use residual_block::{Modulation, ResidualBlock};

/// Predicts the noise in action chunks.
#[derive(Module, Debug)]
pub struct UNet1d {
    step_in: Linear,
    step_out: Linear,
    down: Vec<ResidualBlock>,
    downsample: Vec<Conv1d>,
    middle: Vec<ResidualBlock>,
    up: Vec<ResidualBlock>,
    upsample: Vec<ConvTranspose1d>,
    last: Conv1d,
    last_norm: GroupNormMish,
    out: Conv1d,
    step_dim: usize,
    levels: usize,
}

impl UNet1d {
    /// Fresh weights.
    ///
    /// # Errors
    /// When there is no level, the channels do not fit the groups, the kernel is even or the width of the
    /// step embedding odd.
    pub fn new(
        config: &UNetConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        config.check()?;
        let levels = config.dims.len();
        let deepest = config.dims[levels - 1];
        let cond = config.step_dim + config.cond_dim;
        let step_in = Linear::new(config.step_dim, 4 * config.step_dim, rng, device);
        let step_out = Linear::new(4 * config.step_dim, config.step_dim, rng, device);
        let (mut down, mut downsample, mut before) = (Vec::new(), Vec::new(), config.action_dim);
        for (level, &channels) in config.dims.iter().enumerate() {
            down.push(ResidualBlock::new(
                before, channels, cond, config, rng, device,
            )?);
            down.push(ResidualBlock::new(
                channels, channels, cond, config, rng, device,
            )?);
            if level + 1 < levels {
                downsample.push(Conv1d::new(channels, channels, 3, 2, 1, rng, device));
            }
            before = channels;
        }
        let mut middle = Vec::new();
        for _ in 0..2 {
            middle.push(ResidualBlock::new(
                deepest, deepest, cond, config, rng, device,
            )?);
        }
        let (mut up, mut upsample) = (Vec::new(), Vec::new());
        for pair in config.dims.windows(2).rev() {
            up.push(ResidualBlock::new(
                2 * pair[1],
                pair[0],
                cond,
                config,
                rng,
                device,
            )?);
            up.push(ResidualBlock::new(
                pair[0], pair[0], cond, config, rng, device,
            )?);
            upsample.push(ConvTranspose1d::new(pair[0], pair[0], rng, device));
        }
        let first = config.dims[0];
        Ok(Self {
            step_in,
            step_out,
            down,
            downsample,
            middle,
            up,
            upsample,
            last: Conv1d::new(
                first,
                first,
                config.kernel,
                1,
                config.kernel / 2,
                rng,
                device,
            ),
            last_norm: GroupNormMish::new(config.groups, first, device)?,
            out: Conv1d::new(first, config.action_dim, 1, 1, 0, rng, device),
            step_dim: config.step_dim,
            levels,
        })
    }

    /// The predicted noise [B, T, A] of chunks [B, T, A] at diffusion steps `[B]` under conditions
    /// [B, C].
    ///
    /// # Errors
    /// As [`Self::check`], and when there are more or fewer steps than chunks.
    pub fn forward(
        &self,
        x: Tensor<3>,
        steps: Tensor<1>,
        cond: Tensor<2>,
    ) -> Result<Tensor<3>, ShapeError> {
        self.check(x.dims(), cond.dims())?;
        let ([batch, ..], [count]) = (x.dims(), steps.dims());
        ShapeError::unless(
            count == batch,
            "UNet1d",
            "number of diffusion steps",
            count,
            format_args!("{batch}, as many as there are chunks"),
        )?;
        let activated = mish(Tensor::cat(vec![self.step_features(steps), cond], 1));
        Ok(self.denoise(x, |block| Modulation {
            all: block.film.forward(activated.clone()),
            from: 0,
        }))
    }

    /// Whether chunks of shape [B, T, A] and conditions of shape [B, C] fit the network.
    ///
    /// # Errors
    /// When T is not a multiple of 2^(levels - 1), A or C are not what the network was made for, or there
    /// are more or fewer conditions than chunks.
    pub fn check(&self, chunks: [usize; 3], conditions: [usize; 2]) -> Result<(), ShapeError> {
        self.check_chunks(chunks)?;
        let wanted = self.condition_dim();
        ShapeError::unless(
            conditions[1] == wanted,
            "UNet1d",
            "numbers of the condition",
            conditions[1],
            wanted,
        )?;
        ShapeError::unless(
            conditions[0] == chunks[0],
            "UNet1d",
            "number of conditions",
            conditions[0],
            format_args!("{}, as many as there are chunks", chunks[0]),
        )
    }

    fn check_chunks(&self, [_, length, numbers]: [usize; 3]) -> Result<(), ShapeError> {
        let multiple = 1 << (self.levels - 1);
        ShapeError::unless(
            length > 0 && length.is_multiple_of(multiple),
            "UNet1d",
            "length of the action chunk",
            length,
            format_args!("a multiple of {multiple}"),
        )?;
        let wanted = self.out.outputs();
        ShapeError::unless(
            numbers == wanted,
            "UNet1d",
            "numbers of an action",
            numbers,
            wanted,
        )
    }

    /// Numbers of the condition, C.
    #[must_use]
    pub fn condition_dim(&self) -> usize {
        let first = self.blocks().next();
        first.map_or(0, |block| block.film.inputs() - self.step_dim)
    }

    /// What the blocks' modulations owe to the diffusion steps `[S]` alone, biases included: [S, M],
    /// all blocks side by side. With [`Self::condition_weights`] this takes everything that is the same
    /// in every denoising step, or in every decision, out of the loop.
    #[must_use]
    pub fn step_modulations(&self, steps: Tensor<1>) -> Tensor<2> {
        let activated = mish(self.step_features(steps));
        let [_, features] = activated.dims();
        let parts = self.blocks().map(|block| {
            let (weight, bias) = (block.film.weight_rows(0..features), block.film.bias());
            activated.clone().matmul(weight) + bias.unsqueeze_dim(0)
        });
        Tensor::cat(parts.collect(), 1)
    }

    /// Weights [C, M] that turn mish(condition) into what the blocks' modulations owe to it.
    #[must_use]
    pub fn condition_weights(&self) -> Tensor<2> {
        let parts = self.blocks().map(|block| {
            let inputs = block.film.inputs();
            block.film.weight_rows(self.step_dim..inputs)
        });
        Tensor::cat(parts.collect(), 1)
    }

    /// [`Self::forward`] with the blocks' modulations [B, M] as they are: the sum of
    /// [`Self::step_modulations`] and mish(condition) times [`Self::condition_weights`].
    ///
    /// # Errors
    /// When T is not a multiple of 2^(levels - 1), or A, M or the number of rows of the modulations are not
    /// what the network and the chunks need.
    pub fn forward_modulated(
        &self,
        x: Tensor<3>,
        modulations: &Tensor<2>,
    ) -> Result<Tensor<3>, ShapeError> {
        self.check_chunks(x.dims())?;
        let width = self.blocks().map(|block| block.film.outputs()).sum();
        let wanted = [x.dims()[0], width];
        ShapeError::unless(
            modulations.dims() == wanted,
            "UNet1d",
            "shape of the modulations",
            format_args!("{:?}", modulations.dims()),
            format_args!("{wanted:?}, a row a chunk"),
        )?;
        let mut from = 0;
        Ok(self.denoise(x, |block| {
            let own = Modulation {
                all: modulations.clone(),
                from,
            };
            from += block.film.outputs();
            own
        }))
    }

    /// Blocks in the order in which they run.
    fn blocks(&self) -> impl Iterator<Item = &ResidualBlock> {
        self.down.iter().chain(&self.middle).chain(&self.up)
    }

    /// Chunks [B, T, A] through the blocks; sizes are checked by then.
    fn denoise(
        &self,
        x: Tensor<3>,
        mut modulation: impl FnMut(&ResidualBlock) -> Modulation,
    ) -> Tensor<3> {
        let mut run = |block: &ResidualBlock, input: ConvInput| {
            let modulation = modulation(block);
            block.forward(input, modulation)
        };
        let mut x = x;
        let mut skips = Vec::new();
        for level in 0..self.levels {
            x = run(&self.down[2 * level], x.into());
            x = run(&self.down[2 * level + 1], x.into());
            skips.push(x.clone());
            if let Some(downsample) = self.downsample.get(level) {
                x = downsample.forward(x);
            }
        }
        for block in &self.middle {
            x = run(block, x.into());
        }
        for (level, upsample) in self.upsample.iter().enumerate() {
            let Some(skip) = skips.pop() else { break };
            let both = ConvInput {
                x,
                skip: Some(skip),
            };
            x = run(&self.up[2 * level], both);
            x = run(&self.up[2 * level + 1], x.into());
            x = upsample.forward(x);
        }
        let x = if split_k::applies_to(&x) {
            self.last
                .partial_sums(x.into())
                .group_norm_mish(self.last_norm.weights())
        } else {
            self.last_norm.forward(self.last.forward(x))
        };
        self.out.forward(x)
    }

    /// What the network makes of diffusion steps, [B, step_dim].
    fn step_features(&self, steps: Tensor<1>) -> Tensor<2> {
        let embedded = self.embed(steps).cast(self.step_in.bias().dtype());
        let inner = mish(self.step_in.forward(embedded));
        self.step_out.forward(inner)
    }

    /// Sinusoidal embedding of the steps, [B, step_dim] (Vaswani et al. 2017, arXiv 1706.03762).
    fn embed(&self, steps: Tensor<1>) -> Tensor<2> {
        let device = steps.device();
        let half = self.step_dim / 2;
        let rate = -(10_000f32.ln()) / (half.max(2) - 1) as f32;
        let frequencies: Vec<f32> = (0..half).map(|i| (i as f32 * rate).exp()).collect();
        let frequencies = Tensor::<2>::from_data(TensorData::new(frequencies, [1, half]), &device);
        let phase = steps.unsqueeze_dim::<2>(1) * frequencies;
        Tensor::cat(vec![phase.clone().sin(), phase.cos()], 1)
    }
}
