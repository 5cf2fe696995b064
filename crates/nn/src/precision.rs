//! How many bits numbers have.

use crate::DeviceError;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// Of weights and maps while a network answers. Moments of normalisations are always taken in 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of 32.
    Bf16,
    /// 16 bits, finer than bf16, up to 65504.
    F16,
}

impl Precision {
    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// `tensor` in this precision.
    #[must_use]
    pub fn of<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        tensor.cast(self.dtype())
    }

    /// A module with all its weights in this precision.
    #[must_use]
    pub fn of_module<M: Module>(self, module: M) -> M {
        module.map(&mut Caster(self))
    }

    /// Whether `device`, called `name`, computes in this precision. The processor's own layers are of
    /// 32 bits: fewer would be slower there.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(self, device: &Device) -> Result<(), DeviceError> {
        let there = match self {
            Self::F32 => true,
            Self::Bf16 | Self::F16 => {
                !crate::fused::computes_on(device) && device.supports_dtype(self.dtype())
            }
        };
        if there {
            return Ok(());
        }
        Err(DeviceError::Precision {
            device: format!("{device:?}"),
            precision: self.name(),
        })
    }

    fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }
}

struct Caster(Precision);

impl ModuleMapper for Caster {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| self.0.of(tensor))
    }
}
