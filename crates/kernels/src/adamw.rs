//! A step where the tensors are: weights, gradients and moments never leave a GPU, and are each read and
//! written once, by a kernel of our own.

// The attribute on `StepOps` writes the dispatch between backends, and there are kernels for GPUs only.
#![allow(missing_docs)]
#![cfg_attr(not(feature = "gpu"), allow(dead_code, unused_variables))]

#[cfg(feature = "gpu")]
mod kernels;

use super::Rule;
#[cfg(feature = "gpu")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Tensor};

/// Parts in which squares are summed.
const PARTS: usize = 64;

/// What a step does to a parameter. Moments and averages are the same numbers in one line.
#[backend_extension(Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait StepOps: Backend {
    /// Value, first and second moment after a step, in the memory of those before where nothing else reads
    /// it. The gradient is first multiplied with the one number of `scale`.
    #[fusion(meta = |value: &TensorSpec, _: &TensorSpec, m: &TensorSpec, v: &TensorSpec, _: &TensorSpec, _: &Rule| {
        (value.clone(), m.clone(), v.clone())
    })]
    fn adamw(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        rule: Rule,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// [`Self::adamw`], and `average`, of which some is kept, after the value.
    #[fusion(meta = |value: &TensorSpec, _: &TensorSpec, m: &TensorSpec, v: &TensorSpec, average: &TensorSpec, _: &TensorSpec, _: &Rule| {
        (value.clone(), m.clone(), v.clone(), average.clone())
    })]
    fn adamw_averaging(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        average: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        rule: Rule,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    );

    /// `sums`, `[S]`, each and the squares of another part of a gradient.
    #[fusion(dtype = sums, shape = sums)]
    fn add_squares(sums: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Two moments of every number.
#[derive(Debug)]
pub(super) struct Moments {
    m: Tensor<1>,
    v: Tensor<1>,
}

impl Moments {
    pub(super) fn like<const D: usize>(value: &Tensor<D>) -> Self {
        let zeros = || {
            Tensor::zeros(
                [value.shape().num_elements()],
                (&value.device(), value.dtype()),
            )
        };
        Self {
            m: zeros(),
            v: zeros(),
        }
    }

    /// The value moved against the gradient, which is first multiplied with `scale`, and the average, of
    /// which some is kept, after it.
    pub(super) fn step<const D: usize>(
        self,
        rule: Rule,
        scale: Tensor<1>,
        value: Tensor<D>,
        gradient: Tensor<D>,
        average: Option<Tensor<1>>,
    ) -> (Self, Tensor<D>, Option<Tensor<1>>) {
        let [value, gradient] = [value, gradient].map(Tensor::into_dispatch);
        let [m, v, scale] = [self.m, self.v, scale].map(Tensor::into_dispatch);
        let (value, m, v, average) = match average {
            Some(average) => {
                let average = average.into_dispatch();
                let (value, m, v, average) = <Dispatch as StepOps>::adamw_averaging(
                    value, gradient, m, v, average, scale, rule,
                );
                (value, m, v, Some(Tensor::from_dispatch(average)))
            }
            None => {
                let (value, m, v) =
                    <Dispatch as StepOps>::adamw(value, gradient, m, v, scale, rule);
                (value, m, v, None)
            }
        };
        let [m, v] = [m, v].map(Tensor::from_dispatch);
        (Self { m, v }, Tensor::from_dispatch(value), average)
    }
}

/// Sums that add up to that of the squares of all numbers so far, and now of a gradient's too.
pub(super) fn add_squares<const D: usize>(
    sums: Option<Tensor<1>>,
    gradient: Tensor<D>,
) -> Tensor<1> {
    let none = || Tensor::zeros([PARTS], (&gradient.device(), DType::F32));
    let sums = sums.unwrap_or_else(none).into_dispatch();
    Tensor::from_dispatch(<Dispatch as StepOps>::add_squares(
        sums,
        gradient.into_dispatch(),
    ))
}
