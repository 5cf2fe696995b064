//! Clips become features, in which a reward learns to compare them.
//!
//! A [`Clip`] holds frames of an episode; each frame has named [`Channel`]s: the cameras' images, proprioception,
//! joint velocities, efforts, elapsed time. An [`Encoder`] turns images into features ([`EncoderKind`] lists those
//! there are: a compact network that teaches itself on the run's own frames, and pretrained ones), and
//! [`clip_features`] puts the channels that count side by side ([`ChannelWeights`]).
//!
//! ```
//! use apprentice_encoder::{Channel, ChannelWeights, Clip, ClipFrame, clip_features};
//! use burn::tensor::Device;
//!
//! # fn main() -> Result<(), apprentice_encoder::EncoderError> {
//! let mut frame = ClipFrame::default();
//! frame.signals.insert(Channel::Velocity, vec![0.1, -0.2]);
//! frame.signals.insert(Channel::ElapsedTime, vec![0.5]);
//! let clip = Clip { frames: vec![frame] };
//! let weights = ChannelWeights { vision: 0.0, velocity: 1.0, elapsed_time: 0.2, ..Default::default() };
//! let features = clip_features(&[clip], &weights, None, &Device::flex())?;
//! assert_eq!((features[0].frames(), features[0].width), (1, 3));
//! # Ok(())
//! # }
//! ```
//!
//! # What the paper leaves open, and where it is set
//!
//! "Author" is the public code of RAPL's first author (github.com/thomasrantian/mvp); where it differs from
//! run to run, the series that its later code calls the paper's. `configs/default.toml` explains each key, those of
//! `reward.learner` `configs/rapl.toml`: they count where the reward is RAPL's.
//!
//! | quirk | key | default | author |
//! |---|---|---|---|
//! | backbone | `encoder.backbone` | `compact` | ResNet-18, ImageNet weights, frozen |
//! | what it starts as | `encoder.cycle.initialisation` | `cycle_consistency` | temporal cycle consistency over ImageNet weights in the series that the paper used, ImageNet alone in others |
//! | size of an image | `encoder.input.size` | 0: 112, 96, 112 (EfficientNet-Lite0, ResNet-18, DINOv2) | 112 |
//! | numbers of a pixel | `encoder.input.scaling` | `own` | `unit` |
//! | BatchNorm in training mode | none: see below | frozen | statistics drift to the task |
//! | features standardised before the head | `reward.learner.alignment.standardise` | true | false |
//! | frames of an episode | `encoder.clip.frames` | 16 | 45, all of them |
//! | width of the embedding | `reward.learner.alignment.embedding` | 32 | 32 |
//! | loss | `reward.learner.alignment.loss` | `negative_log_likelihood` | `one_minus_p` |
//! | episodes of one place | `reward.learner.alignment.ties` | `ignore` | `ignore`, in other runs `equal` |
//! | sum or mean of a step | `reward.learner.alignment.reduction` | `mean` | `sum` |
//! | temperature | `reward.learner.alignment.temperature` | 0.5 | 1 |
//! | distance of frames in training | `reward.learner.alignment.metric` | `cosine` | `cosine`, in the last script `euclidean` |
//! | entropy of the plan | `reward.learner.alignment.optimal_transport.epsilon` | 0.1 | 1 |
//! | form of the iteration | `reward.learner.alignment.optimal_transport.form` | `auto` | `scaling` |
//! | learning rate, weight decay | `reward.learner.alignment.learning_rate`, `.weight_decay` | 3e-4, 1e-2 | 1e-3, 0 |
//! | passes, the first without updates | `reward.learner.alignment.epochs`, `.idle_epochs` | 40, 0 | 50, 2 |
//! | comparisons a step | `reward.learner.alignment.batch` | 10 | 10 |
//! | kept back to choose the epoch | `reward.learner.alignment.validation_share` | 0.2 | 0.3 |
//! | how many preferred videos | `reward.learner.preferred` | 6 | 6 |
//! | which | `reward.learner.preferred_rule` | `central` | `first` of a folder |
//! | distance and entropy of the reward | `reward.learner.scoring.metric`, `.epsilon` | as in training | `cosine`, 1, whatever training used |
//! | what a frame's cost becomes | `reward.learner.transform`, `reward.learner.square_scale` | `raw` | `scaled_square`, 4.94 |
//! | pairs for the policy | `align.pairing` | `trajectory` | not published |
//! | running average while aligning | `align.average` | false | not published |
//! | strength of the preference | `align.objectives.diffusion_dpo.beta_per_number` | 1 | not published |
//!
//! **BatchNorm.** The author calls `train()` on the frozen backbone, so its normalisation uses each
//! batch's statistics and its running ones drift (momentum 0.1) to the task's images, depending on the
//! order of batches. Here they stay those of the file: features then depend on an image alone, are
//! computed once, and repeat bit for bit. What the drift does for the head, features centred and scaled
//! for the task, `reward.learner.alignment.standardise` does exactly. The compact backbone has GroupNorm, which
//! keeps no statistics.
//!
//! **Left out:** the author's feature aligner (a transformer, switched off in every run kept), a temporal
//! mask or position in the cost (commented out there), and the contact penalty from the simulator's state
//! that the author adds to the learnt reward (a reward from images must do without).

#![recursion_limit = "256"]
#![deny(missing_docs)]

mod backbone;
pub mod channel;
pub mod clip;
mod config;
pub mod encoder;
pub mod encoders;
mod error;
mod feature_clip;
mod features;
mod image_features;
pub mod input;
pub mod shared;
pub mod spatial;
mod standardisation;

pub use backbone::Backbone;
pub use channel::{Channel, ChannelWeights};
pub use clip::{Clip, ClipConfig, ClipFrame};
pub use config::EncoderConfig;
pub use encoder::{Encoder, FrameEncoder, WeightsSource};
pub use encoders::EncoderKind;
pub use encoders::compact::{CycleConsistencyConfig, Initialisation};
pub use error::EncoderError;
pub use feature_clip::{ChannelSpan, FeatureClip};
pub use features::clip_features;
pub use image_features::image_features;
pub use input::{InputConfig, Scaling};
pub use spatial::FeatureKind;
pub use standardisation::Standardisation;
