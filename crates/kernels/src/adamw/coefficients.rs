//! What is the same for all numbers of a step.

/// What a step of AdamW does to every number (Loshchilov and Hutter 2019, arXiv 1711.05101).
#[derive(Clone, Copy, Debug)]
pub struct StepCoefficients {
    /// What the gradient is multiplied with, to clip it.
    pub gradient_scale: f32,
    /// Share of a weight that decays.
    pub weight_decay: f32,
    /// Decay of the first and second moments.
    pub betas: (f32, f32),
    /// What the first moment is multiplied with: the rate, and what makes up for its start at zero.
    pub step_size: f32,
    /// What the second moment's root is multiplied with: what makes up for its start at zero.
    pub bias_correction: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Share of an exponential moving average that stays.
    pub ema_decay: f32,
}
