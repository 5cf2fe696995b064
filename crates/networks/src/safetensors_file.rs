//! The float tensors of a safetensors file, in 32 bits.

use apprentice_nn::cut_off;
use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors};

/// Hands the tensors whose names are `wanted` to `take`, by name and shape, row-major.
///
/// # Errors
/// Says why the file cannot be read; of one that is cut short, which tensor is not whole.
pub(crate) fn read(
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(&str, &[usize], Vec<f32>),
) -> Result<(), String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| cut_off(bytes).unwrap_or_else(|| error.to_string()))?;
    for (name, view) in file.iter().filter(|(name, _)| wanted(name)) {
        let dtype = match view.dtype() {
            Dtype::F32 => {
                take(name, view.shape(), floats(view.data()));
                continue;
            }
            Dtype::F64 => DType::F64,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            _ => continue,
        };
        let values = converted(view.data().to_vec(), view.shape(), dtype)
            .map_err(|reason| format!("tensor {name}: {reason}"))?;
        take(name, view.shape(), values);
    }
    Ok(())
}

/// Little-endian 32-bit floats.
fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Floats of another size, in this machine's order of bytes, as 32-bit floats.
pub(crate) fn converted(bytes: Vec<u8>, shape: &[usize], dtype: DType) -> Result<Vec<f32>, String> {
    let data = TensorData::try_from_bytes_vec(bytes, shape.to_vec(), dtype);
    let data = data.map_err(|error| error.to_string())?;
    let values = data.convert::<f32>().try_into_vec();
    values.map_err(|error| error.to_string())
}
