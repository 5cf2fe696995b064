//! ResNet-18 from torchvision, and as LeRobot's policies keep it.

use crate::error::WeightsError;
use crate::import::{Place, any_weights, fill, sizes};
use crate::named_tensors::NamedTensors;
use crate::resnet::{Normalisation, ResNet18, ResNetConfig};
use burn::tensor::Device;

/// Channels of a group where a file has GroupNorm: Diffusion Policy's.
const GROUP: usize = 16;

/// A ResNet-18 whose tensors begin with `prefix`: torchvision's names (`conv1.weight`,
/// `layer1.0.bn1.weight`) or those of its children in a row (`0.weight`, `4.0.bn1.weight`), as in
/// LeRobot's `diffusion.rgb_encoder.backbone.`. With batch statistics in the file it is normalised by
/// them, without by GroupNorm.
///
/// # Errors
/// Names the first tensor that is missing, misshapen or not finite.
pub fn resnet18(
    tensors: &NamedTensors,
    prefix: &str,
    device: &Device,
) -> Result<(ResNetConfig, ResNet18), WeightsError> {
    let in_a_row = !tensors.contains(&format!("{prefix}conv1.weight"))
        && tensors.contains(&format!("{prefix}0.weight"));
    let name = |layer: &str, parameter: &str| {
        let layer = if in_a_row {
            numbered(layer)
        } else {
            layer.to_owned()
        };
        let layer = layer
            .replace("downsample.conv", "downsample.0")
            .replace("downsample.norm", "downsample.1");
        format!("{prefix}{layer}.{parameter}")
    };
    let mut widths = [0; 4];
    for (i, width) in widths.iter_mut().enumerate() {
        let last = name(&format!("layer{}.1.conv2", i + 1), "weight");
        *width = sizes::<4>(tensors, &last)?[0];
    }
    let config = ResNetConfig {
        widths,
        normalisation: if tensors.contains(&name("bn1", "running_mean")) {
            Normalisation::FrozenBatch
        } else {
            Normalisation::Group(GROUP)
        },
    };
    let fresh = ResNet18::new(&config, &mut any_weights(), device)
        .map_err(|e| tensors.misfit(e.to_string()))?;
    let network = fill(fresh, |place: &Place<'_>| {
        let name = name(place.layer, place.torch_parameter());
        place.read(tensors, &name, kernel(place.layer))
    })?;
    Ok((config, network))
}

/// Of the stem, of the shortcuts and of all others.
fn kernel(layer: &str) -> usize {
    match layer {
        "conv1" => 7,
        layer if layer.contains("downsample") => 1,
        _ => 3,
    }
}

/// `conv1`, `bn1`, ReLU, pooling and the four stages by their numbers.
fn numbered(layer: &str) -> String {
    let (first, rest) = layer.split_once('.').unwrap_or((layer, ""));
    let number = match first {
        "conv1" => "0",
        "bn1" => "1",
        "layer1" => "4",
        "layer2" => "5",
        "layer3" => "6",
        "layer4" => "7",
        other => other,
    };
    if rest.is_empty() {
        number.to_owned()
    } else {
        format!("{number}.{rest}")
    }
}
