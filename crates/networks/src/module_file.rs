//! Networks as safetensors files.

use crate::WeightsError;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Writes a module's tensors by the names of its fields, with `metadata`. The same module gives the
/// same bytes; a reader sees the old file or the new one.
///
/// # Errors
/// When the file cannot be written.
pub fn save_module<M: Module>(
    module: &M,
    path: &Path,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let mut collector = Collector {
        path: Vec::new(),
        tensors: BTreeMap::new(),
        problem: None,
    };
    module.visit(&mut collector);
    if let Some((tensor, reason)) = collector.problem {
        return Err(WeightsError::Device {
            file: path.into(),
            tensor,
            reason,
        });
    }
    let views: Result<Vec<(String, TensorView<'_>)>, _> = collector
        .tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|v| (name.clone(), v))
        })
        .collect();
    let damaged = |e: safetensors::SafeTensorError| WeightsError::Damaged {
        file: path.into(),
        reason: e.to_string(),
    };
    let views = views.map_err(damaged)?;
    // The format's own map has no order: one entry that holds them all keeps the bytes the same.
    let entry = serde_json::to_string(metadata).map_err(|e| WeightsError::Damaged {
        file: path.into(),
        reason: e.to_string(),
    })?;
    let info = HashMap::from([(METADATA.to_owned(), entry)]);
    let bytes = safetensors::serialize(views, Some(info)).map_err(damaged)?;
    let io = |action| {
        move |source| WeightsError::Io {
            file: path.into(),
            action,
            source,
        }
    };
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io("making its folder"))?;
    let beside = path.with_extension("part");
    let mut file = fs::File::create(&beside).map_err(io("writing"))?;
    file.write_all(&bytes).map_err(io("writing"))?;
    file.sync_all().map_err(io("writing"))?;
    fs::rename(&beside, path).map_err(io("renaming"))
}

const METADATA: &str = "apprentice";

/// The metadata [`save_module`] wrote.
///
/// # Errors
/// When the file is missing or damaged.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    metadata(path, &read(path)?)
}

/// Fills a module with a file's tensors; answers it and the metadata.
///
/// # Errors
/// Names the tensor that is missing or has another shape, or says that the file is damaged.
pub fn load_module<M: Module>(
    module: M,
    path: &Path,
) -> Result<(M, BTreeMap<String, String>), WeightsError> {
    let bytes = read(path)?;
    let file = parse(path, &bytes)?;
    let mut filler = Filler {
        names: Vec::new(),
        path,
        file,
        problem: None,
    };
    let module = module.map(&mut filler);
    match filler.problem {
        Some(problem) => Err(problem),
        None => Ok((module, metadata(path, &bytes)?)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    fs::read(path).map_err(|source| WeightsError::Io {
        file: path.into(),
        action: "reading",
        source,
    })
}

fn parse<'b>(path: &Path, bytes: &'b [u8]) -> Result<SafeTensors<'b>, WeightsError> {
    SafeTensors::deserialize(bytes).map_err(|e| WeightsError::Damaged {
        file: path.into(),
        reason: cut_off(bytes).unwrap_or_else(|| e.to_string()),
    })
}

/// Which tensor a safetensors file that is cut short does not hold whole: the first of them in the file.
/// `None` when no tensor reaches past the end, or not even the header is whole.
#[must_use]
pub fn cut_off(file: &[u8]) -> Option<String> {
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

fn metadata(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, WeightsError> {
    let damaged = |reason: String| WeightsError::Damaged {
        file: path.into(),
        reason,
    };
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|e| damaged(cut_off(bytes).unwrap_or_else(|| e.to_string())))?;
    let entry = header.metadata().as_ref().and_then(|m| m.get(METADATA));
    entry.map_or_else(
        || Ok(BTreeMap::new()),
        |e| serde_json::from_str(e).map_err(|e| damaged(e.to_string())),
    )
}

struct Collector {
    path: Vec<String>,
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    /// The first tensor that did not come back, and why.
    problem: Option<(String, String)>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let shape = value.dims().to_vec();
        let name = self.path.join(".");
        match value.try_into_vec_as::<f32>() {
            Ok(values) => {
                let bytes = bytemuck::cast_slice(&values).to_vec();
                self.tensors.insert(name, (shape, bytes));
            }
            Err(error) => {
                self.problem.get_or_insert((name, error.to_string()));
            }
        }
    }
}

struct Filler<'a> {
    names: Vec<String>,
    path: &'a Path,
    file: SafeTensors<'a>,
    problem: Option<WeightsError>,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.names.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.names.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = self.names.join(".");
        let file = self.path.to_path_buf();
        let Ok(view) = self.file.tensor(&tensor) else {
            let count = self.file.len();
            self.problem.get_or_insert(WeightsError::Missing {
                file,
                tensor,
                count,
            });
            return param;
        };
        let expected = param.val().dims();
        if view.shape() != expected || view.dtype() != Dtype::F32 {
            self.problem.get_or_insert(WeightsError::Shape {
                file,
                tensor,
                got: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("F32 {expected:?}"),
            });
            return param;
        }
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
        let (id, value, mapper) = param.consume();
        let loaded = Tensor::<D>::from_data(TensorData::new(values, expected), &value.device());
        let loaded = loaded.set_require_grad(value.is_require_grad());
        Param::from_mapped_value(id, loaded, mapper)
    }
}
