//! What of a network's maps become features: pooled over the picture, or grids that keep where things are.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Cells, each way, of the grids of the two layers.
pub const GRIDS: [usize; 2] = [5, 3];

/// What features an encoder gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// The network's last features, one vector a picture.
    #[default]
    Pooled,
    /// Maps of two layers in the middle, averaged over grids of 5 x 5 and 3 x 3 cells. Each grid is scaled to unit
    /// variance within its picture, so that neither layer outweighs the other and features depend on a picture alone.
    Spatial,
}

impl FeatureKind {
    /// Features of a picture whose middle layers have so many channels, or `pooled` ones.
    #[must_use]
    pub fn width(self, pooled: usize, channels: [usize; 2]) -> usize {
        match self {
            Self::Pooled => pooled,
            Self::Spatial => GRIDS.iter().zip(channels).map(|(g, c)| g * g * c).sum(),
        }
    }
}

/// Grids of maps [N, H, W, C] of two layers, each of unit variance within its picture, side by side: [N, width].
#[must_use]
pub fn grids(layers: [Tensor<4>; 2]) -> Tensor<2> {
    let parts = layers.into_iter().zip(GRIDS).map(|(map, cells)| {
        let [n, _, _, channels] = map.dims();
        let grid = cells_of(cells_of(map, 1, cells), 2, cells);
        let row = grid.reshape([n, cells * cells * channels]);
        let centred = row.clone() - row.clone().mean_dim(1);
        let deviation = (centred.clone() * centred).mean_dim(1).sqrt();
        row / deviation.clamp_min(1e-6)
    });
    Tensor::cat(parts.collect(), 1)
}

/// The means of `cells` parts of axis `axis`, which overlap by a place where they do not fit (as adaptive pooling has
/// them).
fn cells_of(map: Tensor<4>, axis: usize, cells: usize) -> Tensor<4> {
    let length = map.dims()[axis];
    let part = |cell: usize| {
        let (from, to) = (cell * length / cells, ((cell + 1) * length).div_ceil(cells));
        map.clone().narrow(axis, from, to - from).mean_dim(axis)
    };
    Tensor::cat((0..cells).map(part).collect(), axis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn a_grid_keeps_the_place_and_has_unit_variance() {
        let bright = |at: usize| {
            let values: Vec<f32> = (0..36).map(|i| if i == at { 8.0 } else { 0.0 }).collect();
            let map =
                Tensor::<4>::from_data(TensorData::new(values, [1, 6, 6, 1]), &Device::flex());
            grids([map.clone(), map * 100.0])
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
        };
        let (first, last) = (bright(0), bright(35));
        assert_eq!(first.len(), FeatureKind::Spatial.width(0, [1, 1]));
        for (part, other) in [(&first[..25], &last[..25]), (&first[25..], &last[25..])] {
            let mean = part.iter().sum::<f32>() / part.len() as f32;
            let variance = part.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / part.len() as f32;
            assert!((variance - 1.0).abs() < 1e-4, "{variance}");
            assert!(part[0] > 1.0 && other[0] == 0.0 && other[part.len() - 1] > 1.0);
        }
    }

    #[test]
    fn cells_that_do_not_fit_are_those_of_adaptive_pooling() {
        let map = Tensor::<4>::from_data(
            TensorData::new((0..7).map(|v| v as f32).collect::<Vec<_>>(), [1, 7, 1, 1]),
            &Device::flex(),
        );
        let cells: Vec<f32> = cells_of(map, 1, 3).into_data().try_to_vec().unwrap();
        // PyTorch's adaptive_avg_pool1d of 7 into 3: 0..3, 2..5, 4..7.
        assert_eq!(cells, [1.0, 3.0, 5.0]);
    }
}
