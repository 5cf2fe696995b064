//! Recorded episodes as training samples: what was seen, and the chunk of actions around it.

use crate::{ActionFrame, DiffusionConfig, MinMaxNormalizer, PolicyError, frame};
use apprentice_core::{ActionSpace, Image};
use apprentice_episode::Episode;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use std::ops::Range;

/// What training samples are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowConfig {
    /// Height and width of pictures, pixels.
    pub image_size: usize,
    /// Observations of a sample (To).
    pub observation_history: usize,
    /// Actions of a sample (Tp), the first To - 1 ticks before its newest observation.
    pub horizon: usize,
    /// What poses are relative to.
    pub action_frame: ActionFrame,
}

impl From<&DiffusionConfig> for WindowConfig {
    fn from(config: &DiffusionConfig) -> Self {
        Self {
            image_size: config.image_size,
            observation_history: config.observation_history,
            horizon: config.horizon,
            action_frame: config.action_frame,
        }
    }
}

/// Episodes held in memory, pictures at the policy's size.
#[derive(Debug)]
pub struct Windows {
    image_size: usize,
    history: usize,
    horizon: usize,
    /// One run of pictures per camera, all episodes one after the other.
    frames: Vec<Vec<u8>>,
    proprioception: Vec<f32>,
    actions: Vec<f32>,
    proprioception_dim: usize,
    action_dim: usize,
    action_space: ActionSpace,
    /// Actions are poses, and are given as seen from the tool.
    from_tool: bool,
    episodes: Vec<Range<usize>>,
}

/// A batch of samples on the device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// One tensor a camera, [B * To, H, W, 3] in [-1, 1].
    pub images: Vec<Tensor<4>>,
    /// Normalised proprioception, [B, To * P].
    pub proprioception: Tensor<2>,
    /// Normalised action chunks, [B, Tp, A].
    pub actions: Tensor<3>,
}

impl Windows {
    /// Takes the pictures, proprioception and actions of `episodes`.
    ///
    /// # Errors
    /// When there is no episode with a tick, or episodes differ in cameras or dimensions, or hold
    /// numbers that are not finite.
    pub fn new<'a>(
        episodes: impl IntoIterator<Item = (&'a str, &'a Episode)>,
        config: impl Into<WindowConfig>,
    ) -> Result<Self, PolicyError> {
        let config = config.into();
        let mut windows: Option<Self> = None;
        for (name, episode) in episodes {
            let Some(first) = episode.ticks.first() else {
                continue;
            };
            let windows = windows.get_or_insert_with(|| Self {
                image_size: config.image_size,
                history: config.observation_history,
                horizon: config.horizon,
                frames: vec![Vec::new(); first.observation.frames.len()],
                proprioception: Vec::new(),
                actions: Vec::new(),
                proprioception_dim: first.proprioception.len(),
                action_dim: first.action.len(),
                action_space: ActionSpace::named(&episode.meta.action_kind).unwrap_or_else(|| {
                    ActionSpace::of_sizes(first.action.len(), first.proprioception.len())
                }),
                from_tool: config.action_frame == ActionFrame::Tool
                    && episode.meta.action_kind == ActionSpace::CartesianPose.name()
                    && frame::are_poses(first.action.len(), first.proprioception.len()),
                episodes: Vec::new(),
            });
            windows.push(name, episode)?;
        }
        windows.ok_or_else(|| PolicyError::NoData("no episode has a recorded tick".into()))
    }

    fn push(&mut self, name: &str, episode: &Episode) -> Result<(), PolicyError> {
        let refuse = |reason: String| PolicyError::Episode {
            episode: name.into(),
            reason,
        };
        let size = self.image_size as u32;
        for tick in &episode.ticks {
            let got = (
                tick.observation.frames.len(),
                tick.proprioception.len(),
                tick.action.len(),
            );
            let want = (self.frames.len(), self.proprioception_dim, self.action_dim);
            if got != want {
                return Err(refuse(format!(
                    "tick {} has (cameras, proprioception, action) sizes {got:?}, the others {want:?}",
                    tick.index
                )));
            }
            if tick
                .action
                .iter()
                .chain(&tick.proprioception)
                .any(|v| !v.is_finite())
            {
                return Err(refuse(format!(
                    "tick {} has a number that is not finite",
                    tick.index
                )));
            }
            if self.from_tool && frame::base_to_tool(&tick.action, &tick.proprioception).is_none() {
                return Err(refuse(format!(
                    "the action or the measured pose of tick {} is no pose",
                    tick.index
                )));
            }
        }
        for (camera, frames) in self.frames.iter_mut().enumerate() {
            let resized: Vec<Image> = episode
                .ticks
                .par_iter()
                .map(|t| t.observation.frames[camera].image.resized(size, size))
                .collect();
            resized
                .iter()
                .for_each(|image| frames.extend_from_slice(image.rgb()));
        }
        let start = self.actions.len() / self.action_dim.max(1);
        for tick in &episode.ticks {
            self.proprioception.extend_from_slice(&tick.proprioception);
            self.actions.extend_from_slice(&tick.action);
        }
        self.episodes.push(start..start + episode.ticks.len());
        Ok(())
    }

    /// Cameras an observation has.
    #[must_use]
    pub fn cameras(&self) -> usize {
        self.frames.len()
    }

    /// Numbers of proprioception.
    #[must_use]
    pub fn proprioception_dim(&self) -> usize {
        self.proprioception_dim
    }

    /// Numbers of an action.
    #[must_use]
    pub fn action_dim(&self) -> usize {
        self.action_dim
    }

    /// Number of episodes.
    #[must_use]
    pub fn episodes(&self) -> usize {
        self.episodes.len()
    }

    /// Ticks of episode `episode`.
    #[must_use]
    pub fn ticks(&self, episode: usize) -> usize {
        self.episodes[episode].len()
    }

    /// All samples: (episode, tick).
    #[must_use]
    pub fn samples(&self) -> Vec<(usize, usize)> {
        let each = |(e, range): (usize, &Range<usize>)| (0..range.len()).map(move |t| (e, t));
        self.episodes.iter().enumerate().flat_map(each).collect()
    }

    /// What the actions of these episodes mean.
    #[must_use]
    pub fn action_space(&self) -> ActionSpace {
        self.action_space
    }

    /// What the actions of these episodes are relative to inside a policy.
    #[must_use]
    pub fn action_frame(&self) -> ActionFrame {
        if self.from_tool {
            ActionFrame::Tool
        } else {
            ActionFrame::Base
        }
    }

    /// Fits (proprioception, action) normalisers, to actions as [`Self::batch`] gives them.
    #[must_use]
    pub fn fit_normalizers(&self) -> (MinMaxNormalizer, MinMaxNormalizer) {
        let proprioception = MinMaxNormalizer::fit(&self.proprioception, self.proprioception_dim);
        if !self.from_tool {
            return (
                proprioception,
                MinMaxNormalizer::fit(&self.actions, self.action_dim),
            );
        }
        let seen: Vec<f32> = self
            .samples()
            .par_iter()
            .flat_map_iter(|&sample| self.chunk(sample))
            .collect();
        (
            proprioception,
            MinMaxNormalizer::fit(&seen, self.action_dim),
        )
    }

    /// The chunk of actions around a sample, not normalised.
    fn chunk(&self, (episode, tick): (usize, usize)) -> Vec<f32> {
        let (a, p) = (self.action_dim, self.proprioception_dim);
        let now = self.row(episode, tick as isize);
        let tool = &self.proprioception[now * p..(now + 1) * p];
        let mut chunk = Vec::with_capacity(self.horizon * a);
        for i in 0..self.horizon {
            let at = self.row(
                episode,
                tick as isize + i as isize + 1 - self.history as isize,
            );
            let action = &self.actions[at * a..(at + 1) * a];
            // `push` let nothing in that is no pose.
            match self.from_tool.then(|| frame::base_to_tool(action, tool)) {
                Some(Some(seen)) => chunk.extend(seen),
                _ => chunk.extend_from_slice(action),
            }
        }
        chunk
    }

    /// Row of a tick; ticks before the first and after the last are those.
    fn row(&self, episode: usize, tick: isize) -> usize {
        let range = &self.episodes[episode];
        range.start + tick.clamp(0, range.len() as isize - 1) as usize
    }

    /// The action recorded at a tick, as [`Self::batch`] gives it but not normalised.
    #[must_use]
    pub fn action(&self, episode: usize, tick: usize) -> Vec<f32> {
        let now = (self.history - 1) * self.action_dim;
        self.chunk((episode, tick))[now..now + self.action_dim].to_vec()
    }

    /// Puts samples together. The chunk starts To - 1 ticks before the newest observation; ticks
    /// before the first and after the last repeat it.
    #[must_use]
    pub fn batch(
        &self,
        samples: &[(usize, usize)],
        proprioception: &MinMaxNormalizer,
        actions: &MinMaxNormalizer,
        device: &Device,
    ) -> Batch {
        let (b, to, size) = (samples.len(), self.history, self.image_size);
        let past: Vec<usize> = samples
            .iter()
            .flat_map(|&(e, t)| {
                (0..to).map(move |i| (e, t as isize + i as isize + 1 - to as isize))
            })
            .map(|(e, t)| self.row(e, t))
            .collect();
        let images = self
            .frames
            .iter()
            .map(|frames| images_tensor(frames, &past, size, device))
            .collect();
        let gather = |from: &[f32], dim: usize, rows: &[usize]| {
            let mut out = Vec::with_capacity(rows.len() * dim);
            rows.iter()
                .for_each(|r| out.extend_from_slice(&from[r * dim..(r + 1) * dim]));
            out
        };
        let mut p = gather(&self.proprioception, self.proprioception_dim, &past);
        proprioception.normalize(&mut p);
        let mut a: Vec<f32> = samples.iter().flat_map(|&s| self.chunk(s)).collect();
        actions.normalize(&mut a);
        Batch {
            images,
            proprioception: Tensor::from_data(
                TensorData::new(p, [b, to * self.proprioception_dim]),
                device,
            ),
            actions: Tensor::from_data(
                TensorData::new(a, [b, self.horizon, self.action_dim]),
                device,
            ),
        }
    }
}

/// Pictures at `rows` of a run of `size` x `size` RGB8 frames, as [N, H, W, 3] in [-1, 1].
fn images_tensor(frames: &[u8], rows: &[usize], size: usize, device: &Device) -> Tensor<4> {
    let bytes = size * size * 3;
    let mut values = vec![0.0f32; rows.len() * bytes];
    values
        .par_chunks_exact_mut(bytes)
        .zip(rows)
        .for_each(|(out, &row)| {
            let from = &frames[row * bytes..(row + 1) * bytes];
            out.iter_mut()
                .zip(from)
                .for_each(|(o, &v)| *o = f32::from(v) / 127.5 - 1.0);
        });
    Tensor::from_data(TensorData::new(values, [rows.len(), size, size, 3]), device)
}

/// Pictures as [N, H, W, 3] in [-1, 1], resized to `size` x `size`.
#[must_use]
pub fn pictures(images: &[&Image], size: usize, device: &Device) -> Tensor<4> {
    let frames: Vec<u8> = images
        .par_iter()
        .map(|image| image.resized(size as u32, size as u32).into_rgb())
        .collect::<Vec<_>>()
        .concat();
    let rows: Vec<usize> = (0..images.len()).collect();
    images_tensor(&frames, &rows, size, device)
}
