//! The arithmetic of planning onto a running chunk, and what a denoising loop is given.

use crate::schedule::Station;
use burn::tensor::{Device, Tensor, TensorData};

/// Where a batch of chunks is going and how strongly, on the device.
#[derive(Clone)]
pub(crate) struct Onto {
    /// 0 where the action is certain, 1 elsewhere, [B, Tp, 1].
    free: Tensor<3>,
    /// What is left of the predicted action, [B, Tp, 1]: 1 less the weight.
    keep: Tensor<3>,
    /// What is certain, and 0 elsewhere, [B, Tp, A].
    certain: Tensor<3>,
    /// Weight times known action, [B, Tp, A].
    pull: Tensor<3>,
}

impl Onto {
    /// From weights [B, Tp], 1 where the action is certain, and known actions [B, Tp, A], scaled to
    /// [-1, 1], both row-major.
    pub(crate) fn new(
        weights: &[f32],
        known: &[f32],
        [batch, horizon, dim]: [usize; 3],
        device: &Device,
    ) -> Self {
        let column = |pick: fn(f32) -> f32| {
            let values: Vec<f32> = weights.iter().map(|&w| pick(w)).collect();
            Tensor::from_data(TensorData::new(values, [batch, horizon, 1]), device)
        };
        let actions = |pick: fn(f32) -> f32| {
            let rows = known.chunks_exact(dim).zip(weights);
            let values: Vec<f32> = rows
                .flat_map(|(row, &w)| row.iter().map(move |v| v * pick(w)))
                .collect();
            Tensor::from_data(TensorData::new(values, [batch, horizon, dim]), device)
        };
        Self {
            free: column(|w| f32::from(u8::from(w < 1.0))),
            keep: column(|w| 1.0 - w),
            certain: actions(|w| f32::from(u8::from(w >= 1.0))),
            pull: actions(|w| w),
        }
    }

    /// The share of `noise` that what is certain is mixed with.
    pub(crate) fn certain_noise(&self, noise: &Tensor<3>) -> Tensor<3> {
        noise.clone() - noise.clone() * self.free.clone()
    }

    /// What is certain, noised, and 0 elsewhere.
    fn noised(&self, noise: &Tensor<3>, signal: f32, spread: f32) -> Tensor<3> {
        self.certain.clone() * signal + noise.clone() * spread
    }

    /// Where denoising begins at `station`: noise, and what is certain noised to that station's level.
    pub(crate) fn begin(
        &self,
        station: &Station,
        noise: Tensor<3>,
        certain_noise: &Tensor<3>,
    ) -> Tensor<3> {
        let [signal, spread, ..] = station.mixing();
        noise * self.free.clone() + self.noised(certain_noise, signal, spread)
    }

    /// [`Station::advance`] onto the running chunk.
    pub(crate) fn advance(
        &self,
        station: &Station,
        x: Tensor<3>,
        left: Tensor<3>,
        certain_noise: &Tensor<3>,
    ) -> Tensor<3> {
        let [signal, spread, next_signal, next_spread] = station.mixing();
        let (clean, noise) = station.predict(x, left);
        let pulled = clean.clone() * self.keep.clone() + self.pull.clone();
        // `x` is still the mix of the two.
        let noise = noise + (clean - pulled.clone()) * (signal / spread);
        let next = pulled * next_signal + noise * next_spread;
        next * self.free.clone() + self.noised(certain_noise, next_signal, next_spread)
    }
}

/// What a denoising loop reads.
#[derive(Clone)]
pub(crate) struct Given {
    /// [B, Tp, A].
    pub(crate) noise: Tensor<3>,
    /// [B, C].
    pub(crate) condition: Tensor<2>,
    /// The running chunks, where there are any.
    pub(crate) onto: Option<Onto>,
}

impl Given {
    /// Of the same shapes, all zeros.
    pub(crate) fn zeros_like(&self) -> Self {
        Self {
            noise: self.noise.zeros_like(),
            condition: self.condition.zeros_like(),
            onto: self.onto.as_ref().map(|onto| Onto {
                free: onto.free.zeros_like(),
                keep: onto.keep.zeros_like(),
                certain: onto.certain.zeros_like(),
                pull: onto.pull.zeros_like(),
            }),
        }
    }

    /// Writes `new` in place, over numbers of the same shapes; `false` where one has running chunks and
    /// the other has none.
    pub(crate) fn overwrite(&mut self, new: Self) -> bool {
        match (&mut self.onto, new.onto) {
            (None, None) => {}
            (Some(old), Some(new)) => {
                write(&mut old.free, new.free);
                write(&mut old.keep, new.keep);
                write(&mut old.certain, new.certain);
                write(&mut old.pull, new.pull);
            }
            _ => return false,
        }
        write(&mut self.noise, new.noise);
        write(&mut self.condition, new.condition);
        true
    }
}

fn write<const D: usize>(old: &mut Tensor<D>, new: Tensor<D>) {
    let whole = new.dims().map(|d| 0..d);
    old.inplace(|t| t.slice_assign(whole, new));
}
