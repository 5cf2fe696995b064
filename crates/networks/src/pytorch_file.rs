//! The float tensors of a PyTorch checkpoint, in 32 bits.

use crate::safetensors_file::converted;
use burn::tensor;
use pytorch_reader::{DType, PytorchReader};
use std::path::Path;

/// Hands the tensors whose names are `wanted` to `take`, by name and shape, row-major. The bytes of the
/// others are not read.
///
/// # Errors
/// Says why the file cannot be read, and which tensor cannot.
pub(crate) fn read(
    path: &Path,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(&str, &[usize], Vec<f32>),
) -> Result<(), String> {
    let file = PytorchReader::new(path).map_err(|error| error.to_string())?;
    for (name, stored) in file.tensors().iter().filter(|(name, _)| wanted(name)) {
        let other = match stored.dtype() {
            DType::F32 => None,
            DType::F64 => Some(tensor::DType::F64),
            DType::F16 => Some(tensor::DType::F16),
            DType::BF16 => Some(tensor::DType::BF16),
            _ => continue,
        };
        let failed = |reason: String| format!("tensor {name}: {reason}");
        let bytes = stored.read().map_err(|error| failed(error.to_string()))?;
        let values = match other {
            // The reader hands bytes out in this machine's order.
            None => bytemuck::pod_collect_to_vec(&bytes),
            Some(dtype) => converted(bytes, stored.shape(), dtype).map_err(failed)?,
        };
        take(name, stored.shape(), values);
    }
    Ok(())
}
