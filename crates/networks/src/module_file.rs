//! This project's own networks as safetensors files.

use crate::error::WeightsError;
use crate::safetensors_file::cut_off;
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
        return Err(WeightsError::NotSaved {
            path: path.into(),
            name: tensor,
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
    let damaged = |e: safetensors::SafeTensorError| unreadable(path, e.to_string());
    let views = views.map_err(damaged)?;
    // The format's own map has no order: one entry that holds them all keeps the bytes the same.
    let entry = serde_json::to_string(metadata).map_err(|e| unreadable(path, e.to_string()))?;
    let info = HashMap::from([(METADATA.to_owned(), entry)]);
    let bytes = safetensors::serialize(views, Some(info)).map_err(damaged)?;
    let io = |action| {
        move |source| WeightsError::File {
            path: path.into(),
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
    fs::read(path).map_err(|source| WeightsError::File {
        path: path.into(),
        action: "reading",
        source,
    })
}

fn unreadable(path: &Path, reason: String) -> WeightsError {
    WeightsError::Unreadable {
        path: path.into(),
        kind: "safetensors",
        reason,
        advice: "write or copy it again",
    }
}

fn parse<'b>(path: &Path, bytes: &'b [u8]) -> Result<SafeTensors<'b>, WeightsError> {
    SafeTensors::deserialize(bytes)
        .map_err(|e| unreadable(path, cut_off(bytes).unwrap_or_else(|| e.to_string())))
}

fn metadata(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, WeightsError> {
    let damaged = |reason: String| unreadable(path, reason);
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

impl<'a> Filler<'a> {
    /// The tensor called `name`, of 32-bit numbers and of the shape `expected`.
    fn view(&self, name: String, expected: &[usize]) -> Result<TensorView<'a>, WeightsError> {
        let path = self.path.to_path_buf();
        let network = "a file of this network";
        let expected = expected.to_vec();
        let Ok(view) = self.file.tensor(&name) else {
            return Err(WeightsError::MissingTensor {
                path,
                name,
                expected,
                network,
            });
        };
        if view.shape() != expected {
            return Err(WeightsError::WrongShape {
                path,
                name,
                got: view.shape().to_vec(),
                expected,
                network,
            });
        }
        if view.dtype() != Dtype::F32 {
            let reason = format!("it holds {:?} numbers", view.dtype());
            return Err(WeightsError::WrongValues { path, name, reason });
        }
        Ok(view)
    }
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.names.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.names.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.names.join(".");
        let expected = param.val().dims();
        match self.view(name, &expected) {
            Ok(view) => {
                let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
                let (id, value, mapper) = param.consume();
                let data = TensorData::new(values, expected);
                let loaded = Tensor::<D>::from_data(data, &value.device());
                let loaded = loaded.set_require_grad(value.is_require_grad());
                Param::from_mapped_value(id, loaded, mapper)
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
                param
            }
        }
    }
}
