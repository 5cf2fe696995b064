//! Tensors by name out of a `.safetensors` or `.pth` file, checked as they are taken.

use crate::efficientnet::architecture::NAME;
use crate::error::WeightsError;
use crate::{pytorch_file, safetensors_file};
use safetensors::{Dtype, tensor::TensorView};
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

/// The float tensors of one file, all in 32 bits. Integer tensors (batch counters) are left out.
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
    /// safetensors. Floats of 16 and of 64 bits are turned into 32; the moments that optimisers leave in
    /// checkpoints are left out. `network` names what is being loaded in errors.
    ///
    /// # Errors
    /// When the file cannot be read, is cut short, or is neither kind of file.
    pub fn read(path: &Path, network: &'static str) -> Result<Self, WeightsError> {
        Self::read_where(path, network, |name| !is_moment(name))
    }

    /// [`Self::read`], of the tensors only whose names begin with `prefix`.
    ///
    /// # Errors
    /// As [`Self::read`], and when there is no such tensor.
    pub fn read_under(
        path: &Path,
        network: &'static str,
        prefix: &str,
    ) -> Result<Self, WeightsError> {
        let named = Self::read_where(path, network, |name| name.starts_with(prefix))?;
        if named.is_empty() {
            return Err(named.misfit(format!(
                "no tensor of floats has a name that begins with '{prefix}'"
            )));
        }
        Ok(named)
    }

    fn read_where(
        path: &Path,
        network: &'static str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, WeightsError> {
        let is_torch = path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| ["pth", "pt", "ckpt"].contains(&e.to_ascii_lowercase().as_str()));
        let mut named = Self::empty(path, network);
        let kind = if is_torch {
            "PyTorch checkpoint"
        } else {
            "safetensors"
        };
        let take = |name: &str, shape: &[usize], values| named.insert(name, shape.to_vec(), values);
        let read = if is_torch {
            pytorch_file::read(path, wanted, take)
        } else {
            let bytes = fs::read(path).map_err(WeightsError::file("reading", path))?;
            safetensors_file::read(&bytes, wanted, take)
        };
        read.map_err(|reason| WeightsError::Unreadable {
            path: path.to_owned(),
            kind,
            reason,
            advice: advice(network),
        })?;
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
            advice: advice(self.network),
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

/// Whether a tensor is what PyTorch's optimisers keep of the gradients of a parameter.
fn is_moment(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    ["exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer"].contains(&last)
}

/// What to do about a file that is no good.
fn advice(network: &str) -> &'static str {
    if network == NAME {
        "get it again with 'apprentice weights get efficientnet-lite0'"
    } else {
        "copy it again from where it came from"
    }
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

    fn read(name: &str, bytes: &[u8]) -> Result<NamedTensors, WeightsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        NamedTensors::read(&path, "a test")
    }

    #[test]
    fn safetensors_come_back_and_are_deterministic() {
        let bytes = sample().to_safetensors().unwrap();
        assert_eq!(bytes, sample().to_safetensors().unwrap());
        assert_eq!(read("whole.st", &bytes).unwrap().tensors, sample().tensors);
    }

    #[test]
    fn a_truncated_file_is_named_and_said_to_be_cut_short() {
        let bytes = sample().to_safetensors().unwrap();
        for keep in [0, 7, 20, bytes.len() - 1] {
            let error = read("half.st", &bytes[..keep]).unwrap_err().to_string();
            assert!(
                error.contains("half.st") && error.contains("cut short"),
                "{error}"
            );
            assert!(error.contains("copy it again"), "{error}");
        }
        // A number of 'a', then four of 'b'.
        for (missing, tensor) in [(1, "b"), (16, "b"), (17, "a"), (20, "a")] {
            let error = read("half.st", &bytes[..bytes.len() - missing]).unwrap_err();
            let told = format!("tensor {tensor} ends at byte ");
            assert!(error.to_string().contains(&told), "{missing}: {error}");
        }
    }

    #[test]
    fn only_efficientnet_is_offered_again() {
        let offers = |network| advice(network).contains("weights get");
        assert!(offers(NAME) && !offers("U-Net"));
    }

    #[test]
    fn floats_of_other_sizes_are_turned_into_32_bits() {
        let numbers = [1.5f64, -2.0, 0.25];
        let wide: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
        // 1.5, -2 and 0.25 in 16 bits of either kind.
        let half: Vec<u8> = [0x3e00u16, 0xc000, 0x3400].map(u16::to_le_bytes).concat();
        let brain: Vec<u8> = [0x3fc0u16, 0xc000, 0x3e80].map(u16::to_le_bytes).concat();
        let count: Vec<u8> = 7i64.to_le_bytes().to_vec();
        let view = |dtype, bytes| TensorView::new(dtype, vec![3], bytes).unwrap();
        let views = [
            ("wide", view(Dtype::F64, &wide)),
            ("half", view(Dtype::F16, &half)),
            ("brain", view(Dtype::BF16, &brain)),
            (
                "count",
                TensorView::new(Dtype::I64, vec![1], &count).unwrap(),
            ),
        ];
        let bytes = safetensors::serialize(views, None).unwrap();
        let named = read("mixed.safetensors", &bytes).unwrap();
        for name in ["wide", "half", "brain"] {
            assert_eq!(named.get(name, &[3]).unwrap(), [1.5, -2.0, 0.25], "{name}");
        }
        assert!(!named.contains("count"));
    }

    #[test]
    fn moments_of_optimisers_are_no_weights() {
        assert!(is_moment("optimizer.state.0.exp_avg") && is_moment("state.3.exp_avg_sq"));
        assert!(!is_moment("layer.exp_avg.weight") && !is_moment("weight"));
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
