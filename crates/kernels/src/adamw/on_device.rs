//! A step where the tensors are: weights, gradients and moments never leave a GPU, and are each read and
//! written once.

use super::coefficients::StepCoefficients;
use super::ops::AdamWOps;
use crate::checks;
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};

/// Parts in which squares are summed.
const PARTS: usize = 64;

/// First and second moment of every number of a parameter, in a line.
#[derive(Debug)]
pub struct Moments {
    m: Tensor<1>,
    v: Tensor<1>,
}

impl Moments {
    /// Zeros for a parameter `value`.
    #[must_use]
    pub fn like<const D: usize>(value: &Tensor<D>) -> Self {
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
    ///
    /// # Panics
    /// When shapes or element types do not fit together.
    #[must_use]
    pub fn step<const D: usize>(
        self,
        coefficients: StepCoefficients,
        scale: Tensor<1>,
        value: Tensor<D>,
        gradient: Tensor<D>,
        average: Option<Tensor<1>>,
    ) -> (Self, Tensor<D>, Option<Tensor<1>>) {
        let average_operand = average.as_ref().map(|a| Operand::of("average", a));
        require(checks::adamw(
            &Operand::of("value", &value),
            &Operand::of("gradient", &gradient),
            [&Operand::of("m", &self.m), &Operand::of("v", &self.v)],
            average_operand.as_ref(),
            &Operand::of("scale", &scale),
        ));
        let [value, gradient] = [value, gradient].map(Tensor::into_dispatch);
        let [m, v, scale] = [self.m, self.v, scale].map(Tensor::into_dispatch);
        let (value, m, v, average) = match average {
            Some(average) => {
                let average = average.into_dispatch();
                let (value, m, v, average) = <Dispatch as AdamWOps>::adamw_averaging(
                    value,
                    gradient,
                    m,
                    v,
                    average,
                    scale,
                    coefficients,
                );
                (value, m, v, Some(Tensor::from_dispatch(average)))
            }
            None => {
                let (value, m, v) =
                    <Dispatch as AdamWOps>::adamw(value, gradient, m, v, scale, coefficients);
                (value, m, v, None)
            }
        };
        let [m, v] = [m, v].map(Tensor::from_dispatch);
        (Self { m, v }, Tensor::from_dispatch(value), average)
    }
}

/// Sums that add up to that of the squares of all numbers so far, and now of a gradient's too.
///
/// # Panics
/// When the sums are not a line of 32-bit numbers.
#[must_use]
pub fn add_squares<const D: usize>(sums: Option<Tensor<1>>, gradient: Tensor<D>) -> Tensor<1> {
    let none = || Tensor::zeros([PARTS], (&gradient.device(), DType::F32));
    let sums = sums.unwrap_or_else(none);
    require(checks::add_squares(&Operand::of("sums", &sums)));
    let sums = sums.into_dispatch();
    Tensor::from_dispatch(<Dispatch as AdamWOps>::add_squares(
        sums,
        gradient.into_dispatch(),
    ))
}
