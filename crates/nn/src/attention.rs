//! Multi-head self-attention.

use crate::Linear;
use crate::Precision;
use apprentice_kernels::{self as kernels, ShapeError};
use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// Self-attention (Vaswani et al. 2017, arXiv 1706.03762) with one projection for queries, keys and
/// values.
#[derive(Module, Debug)]
pub struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

impl Attention {
    /// Fresh weights.
    ///
    /// # Errors
    /// When the width cannot be divided into the heads.
    pub fn new(
        width: usize,
        heads: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, ShapeError> {
        ShapeError::unless(
            heads > 0 && width > 0 && width.is_multiple_of(heads),
            "Attention",
            "width",
            width,
            format_args!("a multiple of the {heads} heads, both at least 1"),
        )?;
        Ok(Self {
            qkv: Linear::new(width, 3 * width, rng, device),
            proj: Linear::new(width, width, rng, device),
            heads,
        })
    }

    /// [B, N, width] to the same.
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let qkv = self.qkv.forward_tokens(x);
        self.proj.forward_tokens(attend(qkv, self.heads))
    }
}

/// [B, N, 3 x heads x D] to [B, N, heads x D].
fn attend(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    if kernels::has_cpu_kernels(&qkv) {
        kernels::attention(qkv, heads)
    } else {
        plain(qkv, heads)
    }
}

/// In tensor operations that every backend has.
fn plain(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, tokens, width] = qkv.dims();
    let size = width / (3 * heads);
    let part = |which: usize| {
        qkv.clone()
            .slice([
                0..batch,
                0..tokens,
                which * heads * size..(which + 1) * heads * size,
            ])
            .reshape([batch, tokens, heads, size])
            .swap_dims(1, 2)
    };
    // Queries are scaled first, so that the scores stay within 16 bits; shares need more of them.
    let queries = part(0) / (size as f32).sqrt();
    let scores = Precision::F32.of(queries.matmul(part(1).swap_dims(2, 3)));
    let out = softmax(scores, 3).cast(qkv.dtype()).matmul(part(2));
    out.swap_dims(1, 2).reshape([batch, tokens, heads * size])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::agrees;
    use crate::gaussian;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn heads_attend_like_plain_tensors() {
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        for [b, n, heads, size] in [[2, 5, 3, 8], [1, 37, 1, 33], [3, 1, 2, 4]] {
            let qkv = gaussian([b, n, 3 * heads * size], &mut rng, &device).require_grad();
            agrees(
                &[("dqkv", qkv.clone())],
                &[],
                attend(qkv.clone(), heads),
                plain(qkv, heads),
            );
        }
    }
}
