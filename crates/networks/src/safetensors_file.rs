//! The float tensors of a safetensors file, in 32 bits.

use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

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

/// Which tensor a safetensors file that is cut short does not hold whole: the first of them in the file.
/// `None` when no tensor reaches past the end, or not even the header is whole.
pub(crate) fn cut_off(file: &[u8]) -> Option<String> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let ends = header.iter().filter_map(|(name, entry)| {
        let offsets = entry.get("data_offsets")?;
        Some((offsets.get(1)?.as_u64()?, name))
    });
    let (end, name) = ends.filter(|(end, _)| *end > data.len() as u64).min()?;
    let before = file.len() - data.len();
    Some(format!(
        "tensor {name} ends at byte {}, the file at byte {}",
        end + before as u64,
        file.len()
    ))
}
