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

    /// A module with its weights in this precision; those of [`crate::FrozenBatchNorm`] stay as they are.
    #[must_use]
    pub fn of_module<M: Module>(self, module: M) -> M {
        module.map(&mut Caster {
            precision: self,
            containers: Vec::new(),
        })
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
                !apprentice_kernels::is_cpu(device) && device.supports_dtype(self.dtype())
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

struct Caster {
    precision: Precision,
    /// The types of the modules from the network down.
    containers: Vec<String>,
}

impl ModuleMapper for Caster {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.containers.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Variances of pretrained networks may be beyond 16 bits.
        if self.containers.last().map(String::as_str) == Some("Struct:FrozenBatchNorm") {
            return param;
        }
        param.map(|tensor| self.precision.of(tensor))
    }
}
