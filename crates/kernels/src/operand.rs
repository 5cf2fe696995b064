//! Shape and element type of one tensor of an operation, whatever backend holds it.

use crate::ShapeError;
use burn::tensor::{DType, Tensor};
use std::fmt::Display;

/// A tensor as checks see it.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    name: &'static str,
    shape: Vec<usize>,
    dtype: DType,
}

impl Operand {
    pub(crate) fn new(name: &'static str, shape: &[usize], dtype: DType) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            dtype,
        }
    }

    pub(crate) fn of<const D: usize>(name: &'static str, tensor: &Tensor<D>) -> Self {
        Self::new(name, &tensor.dims(), tensor.dtype())
    }

    /// Of a tensor on a GPU.
    #[cfg(feature = "gpu")]
    pub(crate) fn on_gpu(name: &'static str, tensor: &burn_cubecl::tensor::CubeTensor) -> Self {
        let shape = tensor.meta.shape();
        let sizes: Vec<usize> = (0..shape.num_dims()).map(|d| shape[d]).collect();
        Self::new(name, &sizes, tensor.dtype)
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The sizes, where there are exactly `D` dimensions.
    pub(crate) fn dims<const D: usize>(
        &self,
        operation: &'static str,
    ) -> Result<[usize; D], ShapeError> {
        self.shape.as_slice().try_into().map_err(|_| ShapeError {
            layer: operation,
            what: self.name,
            got: format!("{:?}", self.shape),
            allowed: format!("{D} dimensions"),
        })
    }

    /// The first and the last size, where there are at least two dimensions.
    pub(crate) fn samples_and_channels(
        &self,
        operation: &'static str,
    ) -> Result<[usize; 2], ShapeError> {
        match *self.shape {
            [samples, .., channels] => Ok([samples, channels]),
            _ => Err(ShapeError {
                layer: operation,
                what: self.name,
                got: format!("{:?}", self.shape),
                allowed: "2 dimensions or more, samples first and channels last".into(),
            }),
        }
    }

    /// Refuses another shape than `wanted`, which `why` explains.
    pub(crate) fn has_shape(
        &self,
        operation: &'static str,
        wanted: &[usize],
        why: impl Display,
    ) -> Result<(), ShapeError> {
        ShapeError::unless(
            self.shape == wanted,
            operation,
            self.name,
            format_args!("{:?}", self.shape),
            format_args!("{wanted:?}, {why}"),
        )
    }

    /// Refuses another element type than `wanted`.
    pub(crate) fn has_dtype(
        &self,
        operation: &'static str,
        wanted: DType,
    ) -> Result<(), ShapeError> {
        ShapeError::unless(
            self.dtype == wanted,
            operation,
            self.name,
            format_args!("of {:?} numbers", self.dtype),
            format_args!("{wanted:?}"),
        )
    }

    /// Refuses another shape or element type than those of `other`.
    pub(crate) fn is_like(&self, operation: &'static str, other: &Self) -> Result<(), ShapeError> {
        self.has_shape(operation, &other.shape, format_args!("as {}", other.name))?;
        self.has_dtype(operation, other.dtype)
    }
}
