//! The arithmetic of continuing a previous chunk, and what a denoising loop is given.

use crate::schedule::SamplingStep;
use burn::tensor::{Device, Tensor, TensorData};

/// Where a batch of chunks is going and how strongly, on the device.
#[derive(Clone)]
pub(crate) struct Guidance {
    /// 0 where the action is certain, 1 elsewhere, [B, Tp, 1].
    free: Tensor<3>,
    /// What is left of the predicted action, [B, Tp, 1]: 1 less the weight.
    keep: Tensor<3>,
    /// What is certain, and 0 elsewhere, [B, Tp, A].
    certain: Tensor<3>,
    /// Weight times known action, [B, Tp, A].
    pull: Tensor<3>,
    /// Noise for each visit of a sampling step, [V * B, Tp, A].
    draws: Tensor<3>,
    /// How often each sampling step is visited.
    visits: usize,
}

/// What [`Guidance`] is made of, row-major.
pub(crate) struct GuidanceInputs {
    /// [B, Tp], 1 where the action is certain.
    pub(crate) weights: Vec<f32>,
    /// [B, Tp, A], scaled to [-1, 1].
    pub(crate) actions: Vec<f32>,
    /// [V, B, Tp, A] for V visits in all.
    pub(crate) draws: Vec<f32>,
    /// How often each sampling step is visited.
    pub(crate) visits: usize,
}

impl Guidance {
    /// For chunks of shape [B, Tp, A].
    pub(crate) fn new(
        known: GuidanceInputs,
        [batch, horizon, dim]: [usize; 3],
        device: &Device,
    ) -> Self {
        let weights = &known.weights;
        let column = |pick: fn(f32) -> f32| {
            let values: Vec<f32> = weights.iter().map(|&w| pick(w)).collect();
            Tensor::from_data(TensorData::new(values, [batch, horizon, 1]), device)
        };
        let actions = |pick: fn(f32) -> f32| {
            let rows = known.actions.chunks_exact(dim).zip(weights);
            let values: Vec<f32> = rows
                .flat_map(|(row, &w)| row.iter().map(move |v| v * pick(w)))
                .collect();
            Tensor::from_data(TensorData::new(values, [batch, horizon, dim]), device)
        };
        let rows = known.draws.len() / (horizon * dim).max(1);
        Self {
            free: column(|w| f32::from(u8::from(w < 1.0))),
            keep: column(|w| 1.0 - w),
            certain: actions(|w| f32::from(u8::from(w >= 1.0))),
            pull: actions(|w| w),
            draws: Tensor::from_data(TensorData::new(known.draws, [rows, horizon, dim]), device),
            visits: known.visits,
        }
    }

    /// How often each sampling step is visited.
    pub(crate) fn visits(&self) -> usize {
        self.visits
    }

    /// Chunks `x` as they are denoised on the `visit`-th visit of the `place`-th sampling step: come from the
    /// sampling step before, or back from the next one, and what is certain noised afresh to this one's level.
    pub(crate) fn arrive(
        &self,
        sampling_step: &SamplingStep,
        (place, visit): (usize, usize),
        x: Tensor<3>,
    ) -> Tensor<3> {
        let batch = x.dims()[0];
        let draw = (place * self.visits + visit) * batch;
        let draw = self.draws.clone().narrow(0, draw, batch);
        let of_certain = draw.clone() - draw.clone() * self.free.clone();
        let x = if visit == 0 {
            x
        } else {
            let [signal, spread] = sampling_step.back();
            x * signal + draw * spread
        };
        let [signal, spread, ..] = sampling_step.mixing();
        x * self.free.clone() + self.certain.clone() * signal + of_certain * spread
    }

    /// [`SamplingStep::advance`], the clean chunks pulled to where they should go.
    pub(crate) fn advance(
        &self,
        sampling_step: &SamplingStep,
        x: Tensor<3>,
        left: Tensor<3>,
    ) -> Tensor<3> {
        let [.., next_signal, next_spread] = sampling_step.mixing();
        let (clean, noise) = sampling_step.predict(x, left);
        let pulled = clean * self.keep.clone() + self.pull.clone();
        pulled * next_signal + noise * next_spread
    }
}

/// What a denoising loop reads.
#[derive(Clone)]
pub(crate) struct LoopInputs {
    /// [B, Tp, A].
    pub(crate) noise: Tensor<3>,
    /// [B, C].
    pub(crate) condition: Tensor<2>,
    /// The previous chunks, where there are any.
    pub(crate) guidance: Option<Guidance>,
}

impl LoopInputs {
    /// Of the same shapes, all zeros.
    pub(crate) fn zeros_like(&self) -> Self {
        Self {
            noise: self.noise.zeros_like(),
            condition: self.condition.zeros_like(),
            guidance: self.guidance.as_ref().map(|guidance| Guidance {
                free: guidance.free.zeros_like(),
                keep: guidance.keep.zeros_like(),
                certain: guidance.certain.zeros_like(),
                pull: guidance.pull.zeros_like(),
                draws: guidance.draws.zeros_like(),
                visits: guidance.visits,
            }),
        }
    }

    /// Writes `new` in place, over numbers of the same shapes; `false` where one has previous chunks and
    /// the other has none, or another number of visits.
    pub(crate) fn overwrite(&mut self, new: Self) -> bool {
        match (&mut self.guidance, new.guidance) {
            (None, None) => {}
            (Some(old), Some(new)) if old.visits == new.visits => {
                write(&mut old.free, new.free);
                write(&mut old.keep, new.keep);
                write(&mut old.certain, new.certain);
                write(&mut old.pull, new.pull);
                write(&mut old.draws, new.draws);
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
