//! Vision transformers from DINOv2.

use crate::error::WeightsError;
use crate::import::{Place, any_weights, fill, sizes};
use crate::named_tensors::NamedTensors;
use crate::vit::{VisionTransformer, VisionTransformerConfig};
use burn::tensor::Device;

/// Numbers of a head in all of DINOv2's networks.
const HEAD: usize = 64;
/// DINOv2 adds this to the patches of the new grid when it stretches the embedding of places.
const OFFSET: f64 = 0.1;
/// PyTorch's parameter of bicubic interpolation.
const CUBIC: f64 = -0.75;

/// A network in DINOv2's names (`blocks.0.attn.qkv.weight`) that begin with `prefix`, for pictures of
/// `grid` patches down and across; the embedding of places is stretched to them. `heads` is known of
/// DINOv2's own (width / 64) when `None`.
///
/// # Errors
/// Names the first tensor that is missing, misshapen or not finite.
pub fn vision_transformer(
    tensors: &NamedTensors,
    prefix: &str,
    grid: [usize; 2],
    heads: Option<usize>,
    device: &Device,
) -> Result<(VisionTransformerConfig, VisionTransformer), WeightsError> {
    let named = |rest: &str| format!("{prefix}{rest}");
    let [width, _, patch, _] = sizes(tensors, &named("patch_embed.proj.weight"))?;
    let depth = (0..)
        .take_while(|i| tensors.contains(&named(&format!("blocks.{i}.norm1.weight"))))
        .count();
    let config = VisionTransformerConfig {
        patch,
        grid,
        width,
        depth,
        heads: heads.unwrap_or(width / HEAD),
    };
    let fresh = VisionTransformer::new(&config, &mut any_weights(), device)
        .map_err(|e| tensors.misfit(e.to_string()))?;
    let network = fill(fresh, |place: &Place<'_>| {
        if place.parameter == "pos_embed" {
            let [_, tokens, _] = sizes(tensors, &named("pos_embed"))?;
            let values = tensors.get(&named("pos_embed"), &[1, tokens, width])?;
            return stretched(values, width, grid).ok_or_else(|| {
                tensors.misfit(format!(
                    "{} tokens in pos_embed, allowed: one more than a square",
                    tokens
                ))
            });
        }
        let layer = match place.layer {
            "" => String::new(),
            layer => format!("{layer}."),
        };
        let name = named(&format!("{layer}{}", place.torch_parameter()));
        place.read(tensors, &name, patch)
    })?;
    Ok((config, network))
}

/// The class token's embedding and those of a square grid, the latter for another grid.
fn stretched(values: &[f32], width: usize, grid: [usize; 2]) -> Option<Vec<f32>> {
    let places = (values.len() / width).checked_sub(1)?;
    let side = places.isqrt();
    if side * side != places || side == 0 {
        return None;
    }
    if grid == [side, side] {
        return Some(values.to_vec());
    }
    let (class, patches) = values.split_at(width);
    let [down, across] =
        grid.map(|count| (0..count).map(|i| taps(i, side, count)).collect::<Vec<_>>());
    let mut out = class.to_vec();
    for rows in &down {
        for columns in &across {
            for c in 0..width {
                let mut sum = 0.0;
                for (y, by_row) in rows {
                    for (x, by_column) in columns {
                        let value = patches[(y * side + x) * width + c];
                        sum += by_row * by_column * f64::from(value);
                    }
                }
                out.push(sum as f32);
            }
        }
    }
    Some(out)
}

/// The four neighbours of place `i` of `count` among `side` old ones, with their weights (Keys 1981).
fn taps(i: usize, side: usize, count: usize) -> [(usize, f64); 4] {
    let scale = side as f64 / (count as f64 + OFFSET);
    let at = (i as f64 + 0.5) * scale - 0.5;
    let t = at - at.floor();
    let near = |d: f64| ((CUBIC + 2.0) * d - (CUBIC + 3.0)) * d * d + 1.0;
    let far = |d: f64| ((CUBIC * d - 5.0 * CUBIC) * d + 8.0 * CUBIC) * d - 4.0 * CUBIC;
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    std::array::from_fn(|k| {
        let place = at.floor() as i64 + k as i64 - 1;
        (place.clamp(0, side as i64 - 1) as usize, weights[k])
    })
}
