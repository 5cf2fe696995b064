//! The eye: what turns pictures into a space where the operator's preference is a distance.
//!
//! RAPL (Tian et al. 2024, arXiv 2412.04835) in three steps. A [`backbone`] turns each frame of a
//! [`clip`] into features: a compact network that [`cycle`] teaches itself on the run's own
//! frames, or a pretrained one, shown pictures as [`input`] says. [`head`] is the linear map on top, and
//! [`alignment`] trains it so that the optimal-transport similarity of videos agrees with the
//! operator's rankings.
//!
//! # What the paper leaves open, and where it is set
//!
//! "Author" is the public code of RAPL's first author (github.com/thomasrantian/mvp); where it differs from
//! run to run, the series that its later code calls the paper's. `configs/default.toml` explains each key.
//!
//! | quirk | key | default | author |
//! |---|---|---|---|
//! | backbone | `encoder.backbone` | `compact` | ResNet-18, ImageNet weights, frozen |
//! | what it starts as | `encoder.cycle.initialisation` | `cycle_consistency` | temporal cycle consistency over ImageNet weights in the series that the paper used, ImageNet alone in others |
//! | size of a picture | `encoder.input.size` | 0: 112, 96, 112 (EfficientNet-Lite0, ResNet-18, DINOv2) | 112 |
//! | numbers of a pixel | `encoder.input.scaling` | `own` | `unit` |
//! | BatchNorm in training mode | none: see below | frozen | statistics drift to the task |
//! | features standardised before the head | `encoder.alignment.standardise` | true | false |
//! | moments of an episode | `encoder.clip.frames` | 16 | 45, all of them |
//! | width of the embedding | `encoder.alignment.embedding` | 32 | 32 |
//! | loss | `encoder.alignment.loss` | `negative_log_likelihood` | `one_minus_p` |
//! | episodes of one place | `encoder.alignment.ties` | `ignore` | `ignore`, in other runs `equal` |
//! | sum or mean of a step | `encoder.alignment.reduction` | `mean` | `sum` |
//! | temperature | `encoder.alignment.temperature` | 0.5 | 1 |
//! | distance of frames in training | `encoder.alignment.metric` | `cosine` | `cosine`, in the last script `euclidean` |
//! | entropy of the plan | `encoder.alignment.transport.epsilon` | 0.1 | 1 |
//! | form of the iteration | `encoder.alignment.transport.form` | `auto` | `scaling` |
//! | learning rate, weight decay | `encoder.alignment.learning_rate`, `.weight_decay` | 3e-4, 1e-2 | 1e-3, 0 |
//! | passes, the first without updates | `encoder.alignment.epochs`, `.idle_epochs` | 40, 0 | 50, 2 |
//! | comparisons a step | `encoder.alignment.batch` | 10 | 10 |
//! | kept back to choose the epoch | `encoder.alignment.validation_share` | 0.2 | 0.3 |
//! | how many preferred videos | `reward.preferred` | 6 | 6 |
//! | which | `reward.preferred_rule` | `central` | `first` of a folder |
//! | distance and entropy of the reward | `reward.transport.metric`, `.epsilon` | as in training | `cosine`, 1, whatever training used |
//! | what a moment's cost becomes | `reward.transform`, `reward.square_scale` | `raw` | `scaled_square`, 4.94 |
//! | pairs for the policy | `align.pairing` | `trajectory` | not published |
//! | running average while aligning | `align.average` | false | not published |
//! | strength of the preference | `align.beta_per_number` | 1 | not published |
//!
//! **BatchNorm.** The author calls `train()` on the frozen backbone, so its normalisation uses each
//! batch's statistics and its running ones drift (momentum 0.1) to the task's pictures, depending on the
//! order of batches. Here they stay those of the file: features then depend on a picture alone, are
//! computed once, and repeat bit for bit. What the drift does for the head, features centred and scaled
//! for the task, `encoder.alignment.standardise` does exactly. The compact backbone has GroupNorm, which
//! keeps no statistics.
//!
//! **Left out:** the author's feature aligner (a transformer, switched off in every run kept), a temporal
//! mask or position in the cost (commented out there), and the contact penalty from the simulator's state
//! that the author adds to the learnt reward (a reward from pictures must do without).

#![recursion_limit = "256"]

pub mod alignment;
pub mod backbone;
pub mod clip;
pub mod cycle;
pub mod error;
pub mod head;
pub mod input;

pub use alignment::{
    AlignmentConfig, AlignmentReport, BradleyTerryLoss, Comparison, Reduction, Relation, Ties,
    align,
};
pub use backbone::{Backbone, BackboneKind, CompactBackbone};
pub use clip::{Clip, ClipConfig, FeatureClip};
pub use cycle::{CycleConfig, Initialisation, self_supervise};
pub use error::EncoderError;
pub use head::AlignmentHead;
pub use input::{InputConfig, Scaling};
