//! Vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) in the layout of DINOv2 (Oquab et
//! al. 2023, arXiv 2304.07193).

pub mod import;

use apprentice_nn::{
    Attention, Conv2d, Conv2dConfig, LayerNorm, Linear, ShapeError, gaussian, gelu,
};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// DINOv2's, in every normalisation.
const EPSILON: f32 = 1e-6;

/// Sizes of a [`VisionTransformer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisionTransformerConfig {
    /// Side of a patch, pixels.
    pub patch: usize,
    /// Patches down and across the pictures.
    pub grid: [usize; 2],
    /// Numbers of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of each.
    pub heads: usize,
}

impl Default for VisionTransformerConfig {
    /// ViT-S/14 for pictures of 224 x 224.
    fn default() -> Self {
        Self {
            patch: 14,
            grid: [16, 16],
            width: 384,
            depth: 12,
            heads: 6,
        }
    }
}

#[derive(Module, Debug)]
struct Scale {
    gamma: Param<Tensor<1>>,
}

impl Scale {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        x * self.gamma.val().reshape([1, 1, -1])
    }
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ls1: Scale,
    norm2: LayerNorm,
    mlp: Mlp,
    ls2: Scale,
}

impl Block {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.ls1.forward(self.attn.forward(self.norm1.forward(x)));
        let wide = gelu(self.mlp.fc1.forward_tokens(self.norm2.forward(x.clone())));
        x + self.ls2.forward(self.mlp.fc2.forward_tokens(wide))
    }
}

/// Pictures to tokens. Fields are named as in DINOv2.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    cls_token: Param<Tensor<3>>,
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    norm: LayerNorm,
    patch: usize,
    rows: usize,
    columns: usize,
}

#[derive(Module, Debug)]
struct PatchEmbed {
    proj: Conv2d,
}

impl VisionTransformer {
    /// Fresh weights.
    ///
    /// # Errors
    /// When the width cannot be divided into the heads.
    pub fn new(
        config: &VisionTransformerConfig,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        let [rows, columns] = config.grid;
        for (what, size) in [
            ("side of a patch", config.patch),
            ("patches down", rows),
            ("patches across", columns),
            ("width", config.width),
        ] {
            ShapeError::unless(size > 0, "VisionTransformer", what, size, "1 or more")?;
        }
        let width = config.width;
        let scale = |channels| Scale {
            gamma: Param::from_tensor(Tensor::full([channels], 1e-5, device)),
        };
        let mut blocks = Vec::with_capacity(config.depth);
        for _ in 0..config.depth {
            blocks.push(Block {
                norm1: LayerNorm::new(width, EPSILON, device),
                attn: Attention::new(width, config.heads, rng, device)?,
                ls1: scale(width),
                norm2: LayerNorm::new(width, EPSILON, device),
                mlp: Mlp {
                    fc1: Linear::new(width, 4 * width, rng, device),
                    fc2: Linear::new(4 * width, width, rng, device),
                },
                ls2: scale(width),
            });
        }
        let patches = Conv2dConfig {
            in_channels: 3,
            out_channels: width,
            kernel: config.patch,
            stride: config.patch,
            padding: 0,
        };
        Ok(Self {
            cls_token: Param::from_tensor(gaussian([1, 1, width], rng, device) * 1e-6),
            pos_embed: Param::from_tensor(
                gaussian([1, rows * columns + 1, width], rng, device) * 0.02,
            ),
            patch_embed: PatchEmbed {
                proj: Conv2d::new(patches, rng, device),
            },
            blocks,
            norm: LayerNorm::new(width, EPSILON, device),
            patch: config.patch,
            rows,
            columns,
        })
    }

    /// Tokens [B, 1 + patches, width] of pictures [B, H, W, 3]: the class token, then the patches
    /// line by line.
    ///
    /// # Errors
    /// When the pictures have another size than the grid of patches, or other channels than three.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<3>, ShapeError> {
        let mut x = self.embed(images)?;
        for block in &self.blocks {
            x = block.forward(x);
        }
        Ok(self.norm.forward(x))
    }

    /// The patches after half and after three quarters of the blocks, not normalised, as maps
    /// [B, rows, columns, width], of pictures as in [`VisionTransformer::forward`].
    ///
    /// # Errors
    /// As [`VisionTransformer::forward`].
    pub fn middle(&self, images: Tensor<4>) -> Result<[Tensor<4>; 2], ShapeError> {
        let (half, late) = (self.blocks.len() / 2, self.blocks.len() * 3 / 4);
        let mut x = self.embed(images)?;
        let grid = |x: &Tensor<3>| {
            let [batch, tokens, width] = x.dims();
            x.clone().slice([0..batch, 1..tokens, 0..width]).reshape([
                batch,
                self.rows,
                self.columns,
                width,
            ])
        };
        let mut first = grid(&x);
        for (index, block) in self.blocks.iter().enumerate().take(late) {
            x = block.forward(x);
            if index + 1 == half {
                first = grid(&x);
            }
        }
        Ok([first, grid(&x)])
    }

    /// Tokens before the first block.
    fn embed(&self, images: Tensor<4>) -> Result<Tensor<3>, ShapeError> {
        let [batch, height, width, channels] = images.dims();
        let wanted = [self.rows * self.patch, self.columns * self.patch];
        ShapeError::unless(
            [height, width] == wanted,
            "VisionTransformer",
            "size of the pictures",
            format_args!("{height}x{width}"),
            format_args!(
                "{}x{}: patches of {} pixels in a grid of {}x{}",
                wanted[0], wanted[1], self.patch, self.rows, self.columns
            ),
        )?;
        self.patch_embed.proj.output([height, width, channels])?;
        let patches = self.patch_embed.proj.forward(images);
        let channels = patches.dims()[3];
        let patches = patches.reshape([batch, self.rows * self.columns, channels]);
        let class = self.cls_token.val().expand([batch, 1, channels]);
        Ok(Tensor::cat(vec![class, patches], 1) + self.pos_embed.val())
    }

    /// The class token, [B, width].
    ///
    /// # Errors
    /// As [`VisionTransformer::forward`].
    pub fn class(&self, images: Tensor<4>) -> Result<Tensor<2>, ShapeError> {
        let tokens = self.forward(images)?;
        let [batch, _, width] = tokens.dims();
        Ok(tokens
            .slice([0..batch, 0..1, 0..width])
            .reshape([batch, width]))
    }
}
