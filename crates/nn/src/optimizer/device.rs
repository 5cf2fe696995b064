//! A step where the tensors are, in tensor operations that a fusing backend makes one kernel of: weights,
//! gradients and moments never leave a GPU.

use super::Rule;
use burn::tensor::Tensor;

/// Two moments of every number.
#[derive(Debug)]
pub(super) struct Moments {
    m: Tensor<1>,
    v: Tensor<1>,
}

impl Moments {
    pub(super) fn like(value: &Tensor<1>) -> Self {
        Self {
            m: value.zeros_like(),
            v: value.zeros_like(),
        }
    }

    /// The value moved against the gradient, which is first multiplied with `scale`.
    pub(super) fn step(
        &mut self,
        rule: Rule,
        scale: Option<&Tensor<1>>,
        value: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        let (b1, b2) = rule.betas;
        let g = match scale {
            Some(scale) => gradient * scale.clone(),
            None => gradient,
        };
        self.m.inplace(|m| m * b1 + g.clone() * (1.0 - b1));
        self.v.inplace(|v| v * b2 + g.clone() * g * (1.0 - b2));
        let way = self.m.clone() / (self.v.clone().sqrt() * rule.second + rule.eps);
        value * (1.0 - rule.decay) - way * rule.first
    }
}

/// Sum of the squares, `[1]`.
pub(super) fn sum_of_squares<const D: usize>(gradient: Tensor<D>) -> Tensor<1> {
    (gradient.clone() * gradient).sum()
}
