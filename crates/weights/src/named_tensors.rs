//! Tensors by name out of a `.safetensors` or `.pth` file, checked as they are taken.

use crate::WeightsError;
use pytorch_reader::{DType, PytorchReader};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A 32-bit float tensor in host memory, row-major.
#[derive(Clone, Debug, PartialEq)]
struct HostTensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// The float tensors of one file. Integer tensors (batch counters) are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensors {
    path: PathBuf,
    network: &'static str,
    tensors: BTreeMap<String, HostTensor>,
}

impl NamedTensors {
    /// Nothing yet; `path` and `network` only name the source in errors.
    #[must_use]
    pub fn empty(path: &Path, network: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            network,
            tensors: BTreeMap::new(),
        }
    }

    /// Reads `path`: a PyTorch checkpoint when its name ends in `.pth`, `.pt` or `.ckpt`, otherwise
    /// safetensors. `network` names what is being loaded in errors.
    ///
    /// # Errors
    /// When the file cannot be read, is cut short, or is neither kind of file.
    pub fn read(path: &Path, network: &'static str) -> Result<Self, WeightsError> {
        let is_torch = path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| ["pth", "pt", "ckpt"].contains(&e.to_ascii_lowercase().as_str()));
        if is_torch {
            Self::read_pytorch(path, network)
        } else {
            let bytes = fs::read(path).map_err(WeightsError::file(path))?;
            Self::from_safetensors(&bytes, path, network)
        }
    }

    fn from_safetensors(
        bytes: &[u8],
        path: &Path,
        network: &'static str,
    ) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Unreadable {
            path: path.to_owned(),
            kind: "safetensors",
            reason: error.to_string(),
        })?;
        let mut named = Self::empty(path, network);
        for (name, view) in file.tensors() {
            if view.dtype() == Dtype::F32 {
                let shape = view.shape().to_vec();
                named.insert(&name, shape, floats(view.data()));
            }
        }
        Ok(named)
    }

    fn read_pytorch(path: &Path, network: &'static str) -> Result<Self, WeightsError> {
        let unreadable = |reason: String| WeightsError::Unreadable {
            path: path.to_owned(),
            kind: "PyTorch checkpoint",
            reason,
        };
        let file = PytorchReader::new(path).map_err(|error| unreadable(error.to_string()))?;
        let mut named = Self::empty(path, network);
        for (name, tensor) in file.tensors() {
            if tensor.dtype() == DType::F32 {
                let bytes = tensor
                    .read()
                    .map_err(|error| unreadable(error.to_string()))?;
                // The reader hands bytes out in this machine's order.
                let values = bytemuck::pod_collect_to_vec(&bytes);
                named.insert(name, tensor.shape().to_vec(), values);
            }
        }
        Ok(named)
    }

    /// Adds or replaces one tensor of `shape`, row-major.
    pub fn insert(&mut self, name: &str, shape: Vec<usize>, values: Vec<f32>) {
        self.tensors
            .insert(name.to_owned(), HostTensor { shape, values });
    }

    /// Whether a tensor of this name is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of a tensor, when it is there.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|t| t.shape.as_slice())
    }

    /// The tensors' names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Says that the tensors together make no network.
    pub(crate) fn misfit(&self, reason: String) -> WeightsError {
        WeightsError::Misfit {
            path: self.path.clone(),
            network: self.network,
            reason,
        }
    }

    /// Number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The values of `name`, row-major.
    ///
    /// # Errors
    /// When it is missing, has another shape than `expected`, or holds NaN or infinity.
    pub fn get(&self, name: &str, expected: &[usize]) -> Result<&[f32], WeightsError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(WeightsError::MissingTensor {
                path: self.path.clone(),
                name: name.to_owned(),
                expected: expected.to_vec(),
                network: self.network,
            });
        };
        if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
            return Err(WeightsError::WrongShape {
                path: self.path.clone(),
                name: name.to_owned(),
                got: tensor.shape.clone(),
                expected: expected.to_vec(),
                network: self.network,
            });
        }
        match tensor.values.iter().position(|v| !v.is_finite()) {
            Some(at) => Err(WeightsError::WrongValues {
                path: self.path.clone(),
                name: name.to_owned(),
                reason: format!("value {at} is {}", tensor.values[at]),
            }),
            None => Ok(&tensor.values),
        }
    }

    /// The tensors as a safetensors file: the same tensors always give the same bytes.
    ///
    /// # Errors
    /// When a tensor's shape does not match its values.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let failed = |error: safetensors::SafeTensorError| WeightsError::Unreadable {
            path: self.path.clone(),
            kind: "safetensors",
            reason: error.to_string(),
        };
        let bytes: Vec<(&String, &HostTensor, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, t)| {
                let bytes = t.values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name, t, bytes)
            })
            .collect();
        let views = bytes
            .iter()
            .map(|(name, t, bytes)| {
                Ok((name, TensorView::new(Dtype::F32, t.shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        safetensors::serialize(views, None).map_err(failed)
    }
}

/// Little-endian 32-bit floats.
fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NamedTensors {
        let mut named = NamedTensors::empty(Path::new("sample"), "a test");
        named.insert("b", vec![2, 2], vec![1.0, -2.0, 3.5, 0.0]);
        named.insert("a", vec![1], vec![7.0]);
        named
    }

    #[test]
    fn safetensors_come_back_and_are_deterministic() {
        let bytes = sample().to_safetensors().unwrap();
        assert_eq!(bytes, sample().to_safetensors().unwrap());
        let back = NamedTensors::from_safetensors(&bytes, Path::new("sample"), "a test").unwrap();
        assert_eq!(back, sample());
    }

    #[test]
    fn a_truncated_file_is_named_and_said_to_be_cut_short() {
        let bytes = sample().to_safetensors().unwrap();
        for keep in [0, 7, 20, bytes.len() - 1] {
            let error =
                NamedTensors::from_safetensors(&bytes[..keep], Path::new("half.st"), "a test")
                    .unwrap_err()
                    .to_string();
            assert!(
                error.contains("half.st") && error.contains("cut short"),
                "{error}"
            );
        }
    }

    #[test]
    fn missing_misshapen_and_non_finite_tensors_are_named() {
        let mut named = sample();
        let missing = named.get("c", &[3]).unwrap_err().to_string();
        assert!(missing.contains("'c' of shape [3] is missing"), "{missing}");
        let shape = named.get("b", &[4]).unwrap_err().to_string();
        assert!(
            shape.contains("'b' has shape [2, 2], expected [4]"),
            "{shape}"
        );
        named.insert("n", vec![2], vec![0.0, f32::NAN]);
        let value = named.get("n", &[2]).unwrap_err().to_string();
        assert!(value.contains("'n': value 1 is NaN"), "{value}");
    }
}
