//! What a policy is: a chunk of actions from observations.

use crate::{PolicyError, TrainConfig, TrainProgress, WindowConfig, Windows};
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput, PreviousChunk, Seed};
use apprentice_nn::Precision;
use burn::tensor::Device;
use std::any::Any;
use std::fmt::Debug;
use std::path::Path;

/// A trained policy, of whatever kind.
pub trait Policy: Any + Debug + Send {
    /// Observations it looks at, the newest included (To).
    fn observation_history(&self) -> usize;

    /// Actions of a chunk that are executed before the next observation (Ta).
    fn n_action_steps(&self) -> usize;

    /// What its actions mean.
    fn action_space(&self) -> ActionSpace;

    /// One chunk an input, in order, the first action for the input's own tick. An answer depends on its input
    /// alone (what is random on its seed and tick), not on what else is in the batch.
    ///
    /// `previous` has one entry an input: the chunk that its robot executes meanwhile, if any, which the new one is
    /// to continue.
    ///
    /// # Errors
    /// When an input or previous chunk does not fit the policy, or a number comes out that is not finite.
    fn plan(
        &self,
        inputs: &[PolicyInput<'_>],
        previous: &[Option<&PreviousChunk>],
    ) -> Result<Vec<ActionChunk>, PolicyError>;

    /// The action at each sample's own tick as this policy would choose it, A numbers a sample, in the frame and
    /// scale of its training samples ([`Windows::action`] scaled by [`Windows::fit_normalizers`]).
    ///
    /// # Errors
    /// When the windows do not fit the policy.
    fn next_actions(
        &self,
        windows: &Windows,
        samples: &[(usize, usize)],
        seed: Seed,
    ) -> Result<Vec<f32>, PolicyError>;

    /// The same policy, answering in another precision.
    ///
    /// # Errors
    /// When the policy or its device does not compute in it.
    fn with_precision(
        self: Box<Self>,
        precision: Precision,
    ) -> Result<Box<dyn Policy>, PolicyError>;

    /// How far chunks in the policy's precision are from those in 32 bits, of the range of each number: (mean,
    /// largest), over `count` draws.
    ///
    /// # Errors
    /// When a number comes out that is not finite.
    fn precision_error(&self, count: usize, seed: Seed) -> Result<(f32, f32), PolicyError>;

    /// Writes it to one file that [`load_policy`](crate::load_policy) reads; the same policy gives the same bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn save(&self, path: &Path) -> Result<(), PolicyError>;
}

/// A kind of policy: its settings, and how one is trained and read.
pub trait PolicyKind {
    /// Refuses settings that cannot work together.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed.
    fn validate(&self) -> Result<(), PolicyError>;

    /// What its training samples are made of.
    fn windows(&self) -> WindowConfig;

    /// Trains a policy of this kind from scratch. `watch` is called after each step and stops the training by
    /// answering `false`.
    ///
    /// # Errors
    /// On settings that cannot work, a loss that is not finite, or when `watch` stops it.
    fn train(
        &self,
        windows: &Windows,
        training: &TrainConfig,
        seed: Seed,
        device: &Device,
        watch: &mut (dyn FnMut(TrainProgress) -> bool + Send),
    ) -> Result<Box<dyn Policy>, PolicyError>;

    /// Reads a policy of this kind, with the settings that lie in its file.
    ///
    /// # Errors
    /// Names the file and what in it is missing or does not fit.
    fn load(&self, path: &Path, device: &Device) -> Result<Box<dyn Policy>, PolicyError>;
}
