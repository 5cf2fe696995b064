//! Conditional U-Nets from Diffusion Policy's and LeRobot's checkpoints.

use crate::error::WeightsError;
use crate::import::{Place, any_weights, fill, sizes};
use crate::named_tensors::NamedTensors;
use crate::unet::{UNet1d, UNetConfig};
use burn::tensor::Device;

/// A tensor that every such network has; what stands before it is the prefix of all.
const MARK: &str = "diffusion_step_encoder.1.weight";
/// Groups of every GroupNorm unless their configuration says otherwise.
pub const GROUPS: usize = 8;

/// The prefixes under which a file holds conditional U-Nets, averaged weights (EMA) first.
#[must_use]
pub fn prefixes(tensors: &NamedTensors) -> Vec<String> {
    let mut found: Vec<String> = tensors
        .names()
        .filter_map(|n| n.strip_suffix(MARK).map(str::to_owned))
        .collect();
    found.sort_by_key(|prefix| (!prefix.contains("ema"), prefix.clone()));
    found
}

/// The conditional 1-D U-Net whose tensors begin with `prefix` (see [`prefixes`]). Sizes are read off
/// the tensors; `groups` is not in the file ([`GROUPS`] in both projects).
///
/// Both scale features by the condition as `x scale + shift`, this network as `x (1 + scale) +
/// shift`: one is taken off the offset that makes the scale. Without scales (`cond_predict_scale` or
/// `use_film_scale_modulation` off) they are zero here.
///
/// # Errors
/// Names the first tensor that is missing, misshapen or not finite.
pub fn unet1d(
    tensors: &NamedTensors,
    prefix: &str,
    groups: usize,
    device: &Device,
) -> Result<(UNetConfig, UNet1d), WeightsError> {
    let lerobot = tensors.contains(&format!("{prefix}down_modules.0.0.conv1.block.0.weight"));
    let names = Names { prefix, lerobot };
    let [step_dim, _] = sizes(tensors, &names.of("step_out", "weight"))?;
    let mut dims = Vec::new();
    loop {
        let first = names.of(&format!("down.{}.first", 2 * dims.len()), "weight");
        if !dims.is_empty() && !tensors.contains(&first) {
            break;
        }
        dims.push(sizes::<3>(tensors, &first)?[0]);
    }
    let [_, action_dim, kernel] = sizes(tensors, &names.of("down.0.first", "weight"))?;
    let [film, cond] = sizes(tensors, &names.of("down.0.film", "weight"))?;
    let Some(cond_dim) = cond.checked_sub(step_dim) else {
        return Err(tensors.misfit(format!(
            "a condition of {cond} numbers, allowed: at least the {step_dim} of the step"
        )));
    };
    let scales = film == 2 * dims[0];
    let config = UNetConfig {
        action_dim,
        cond_dim,
        dims,
        kernel,
        groups,
        step_dim,
    };
    let fresh = UNet1d::new(&config, &mut any_weights(), device)
        .map_err(|e| tensors.misfit(e.to_string()))?;
    let network = fill(fresh, |place: &Place<'_>| {
        let name = names.of(place.layer, place.torch_parameter());
        if place.layer.ends_with(".film") {
            return modulation(tensors, place, &name, scales);
        }
        place.read(tensors, &name, kernel_of(place.layer, kernel))
    })?;
    Ok((config, network))
}

/// The kernel of a convolution; `most` is that of all but a few.
fn kernel_of(layer: &str, most: usize) -> usize {
    if layer.starts_with("downsample") {
        3
    } else if layer == "out" || layer.ends_with("shortcut") {
        1
    } else {
        most
    }
}

/// The layer that makes scales and shifts of the condition.
fn modulation(
    tensors: &NamedTensors,
    place: &Place<'_>,
    name: &str,
    scales: bool,
) -> Result<Vec<f32>, WeightsError> {
    let outputs = place.shape[place.shape.len() - 1];
    if scales {
        let mut values = place.read(tensors, name, 1)?;
        if place.parameter == "bias" {
            values[..outputs / 2].iter_mut().for_each(|v| *v -= 1.0);
        }
        return Ok(values);
    }
    let mut shape = place.shape.to_vec();
    shape[place.shape.len() - 1] = outputs / 2;
    let shifts = Place {
        shape: &shape,
        ..*place
    }
    .read(tensors, name, 1)?;
    let rows = shifts.chunks(outputs / 2);
    Ok(rows
        .flat_map(|row| std::iter::repeat_n(0.0, outputs / 2).chain(row.iter().copied()))
        .collect())
}

/// Their names of our layers.
struct Names<'a> {
    prefix: &'a str,
    lerobot: bool,
}

impl Names<'_> {
    fn of(&self, layer: &str, parameter: &str) -> String {
        format!("{}{}.{parameter}", self.prefix, self.layer(layer))
    }

    fn layer(&self, layer: &str) -> String {
        let mut parts = layer.split('.');
        let (stage, index) = (parts.next().unwrap_or_default(), parts.next());
        let number: usize = index.and_then(|i| i.parse().ok()).unwrap_or(0);
        let rest = parts.collect::<Vec<_>>().join(".");
        let resample = if self.lerobot { "" } else { ".conv" };
        match stage {
            "step_in" => "diffusion_step_encoder.1".into(),
            "step_out" => "diffusion_step_encoder.3".into(),
            "last" => "final_conv.0.block.0".into(),
            "last_norm" => "final_conv.0.block.1".into(),
            "out" => "final_conv.1".into(),
            "downsample" => format!("down_modules.{number}.2{resample}"),
            "upsample" => format!("up_modules.{number}.2{resample}"),
            "middle" => format!("mid_modules.{number}.{}", self.inside(&rest)),
            _ => format!(
                "{stage}_modules.{}.{}.{}",
                number / 2,
                number % 2,
                self.inside(&rest)
            ),
        }
    }

    /// Inside a residual block.
    fn inside(&self, layer: &str) -> String {
        let (first, second) = if self.lerobot {
            ("conv1", "conv2")
        } else {
            ("blocks.0", "blocks.1")
        };
        match layer {
            "first" => format!("{first}.block.0"),
            "first_norm.norm" => format!("{first}.block.1"),
            "second" => format!("{second}.block.0"),
            "second_norm.norm" => format!("{second}.block.1"),
            "film" => "cond_encoder.1".into(),
            "shortcut" => "residual_conv".into(),
            other => other.into(),
        }
    }
}
