//! The operations as backends have them.

// The attribute on the trait writes the dispatch between backends, and there are kernels for GPUs only.
#![cfg_attr(
    not(feature = "gpu"),
    allow(dead_code, unused_imports, unused_variables)
)]

use super::coefficients::StepCoefficients;
#[cfg(feature = "gpu")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};

/// What a step does to a parameter. Moments and averages are the same numbers in one line.
#[backend_extension(Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait AdamWOps: Backend {
    /// Value, first and second moment after a step, in the memory of those before where nothing else reads
    /// it. The gradient is first multiplied with the one number of `scale`.
    #[fusion(meta = |value: &TensorSpec, _: &TensorSpec, m: &TensorSpec, v: &TensorSpec, _: &TensorSpec, _: &StepCoefficients| {
        (value.clone(), m.clone(), v.clone())
    })]
    fn adamw(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        coefficients: StepCoefficients,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// [`Self::adamw`], and `average`, of which some is kept, after the value.
    #[fusion(meta = |value: &TensorSpec, _: &TensorSpec, m: &TensorSpec, v: &TensorSpec, average: &TensorSpec, _: &TensorSpec, _: &StepCoefficients| {
        (value.clone(), m.clone(), v.clone(), average.clone())
    })]
    fn adamw_averaging(
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        average: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        coefficients: StepCoefficients,
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
