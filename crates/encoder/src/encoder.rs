//! What an encoder is: settings that become a network, and a network that turns images into features.

use crate::shared::SharedSettings;
use crate::{Channel, Clip, EncoderError, FeatureClip};
use apprentice_core::Seed;
use burn::tensor::Device;
use std::fmt::Debug;
use std::path::Path;

/// Where an encoder's weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsSource<'a> {
    /// It has none.
    Nothing,
    /// A file of the user's.
    File {
        /// The file; empty where none was named.
        file: &'a Path,
        /// The name under which `apprentice weights get` has it, if it does.
        published: Option<&'static str>,
    },
    /// It is trained on the run's own clips.
    Training {
        /// Optimiser steps.
        steps: usize,
    },
}

/// Hears of a step done and its loss; answers `false` to stop.
pub type Watch<'a> = dyn FnMut(usize, f32) -> bool + 'a;

/// The settings of an encoder, as the registry ([`EncoderKind`](crate::EncoderKind)) holds them.
pub trait Encoder: Debug {
    /// The channel its features belong to.
    fn channel(&self) -> Channel {
        Channel::Vision
    }

    /// Whether it can work with these settings.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    fn validate(&self) -> Result<(), EncoderError> {
        Ok(())
    }

    /// It with the sections that an encoder given by its name alone shares; `None` if it uses none of them.
    fn with_shared(&self, _shared: &SharedSettings<'_>) -> Option<Box<dyn Encoder>> {
        None
    }

    /// Where its weights come from.
    fn weights(&self) -> WeightsSource<'_>;

    /// Trains it on `clips` and writes its weights to `file`. Called where [`Self::weights`] is
    /// [`WeightsSource::Training`].
    ///
    /// # Errors
    /// When there is too little to learn from, a loss is not finite, `watch` stops it, or the file cannot be written.
    fn train(
        &self,
        _clips: &[Clip],
        _seed: Seed,
        _device: &Device,
        _file: &Path,
        _watch: &mut Watch<'_>,
    ) -> Result<(), EncoderError> {
        Ok(())
    }

    /// It with its weights from `file`, without gradients. `file` is not read where it has none.
    ///
    /// # Errors
    /// Names the tensor of the file that is missing, misshapen or not finite, or the size that the network cannot
    /// look at.
    fn load(&self, file: &Path, device: &Device) -> Result<Box<dyn FrameEncoder>, EncoderError>;
}

/// A ready encoder.
pub trait FrameEncoder: Debug {
    /// Features of one frame seen by `cameras` cameras.
    fn width(&self, cameras: usize) -> usize;

    /// Features of clips, `width` a frame.
    ///
    /// # Errors
    /// When no clip has a frame, or a feature is not finite.
    fn features(&self, clips: &[Clip], device: &Device) -> Result<Vec<FeatureClip>, EncoderError>;
}
