//! One episode of a dataset.

use super::{Layout, RldsError};
use crate::{CameraInfo, Feature, TfExample, Tick};
use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use jpeg_decoder::PixelFormat;
use std::path::Path;

/// The PNG signature (W3C PNG specification, section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// An episode whose fields have the lengths they should; pictures are decoded when asked for.
pub(super) struct Clip<'a> {
    pub shard: &'a Path,
    pub record: usize,
    pub steps: usize,
    example: &'a TfExample,
    actions: &'a [f32],
    states: &'a [f32],
    action_dim: usize,
    state_dim: usize,
}

impl<'a> Clip<'a> {
    pub fn new(
        example: &'a TfExample,
        layout: &Layout,
        shard: &'a Path,
        record: usize,
    ) -> Result<Self, RldsError> {
        let mut clip = Self {
            shard,
            record,
            steps: 0,
            example,
            actions: &[],
            states: &[],
            action_dim: layout.action_dim,
            state_dim: layout.state_dim,
        };
        clip.actions = clip.floats("steps/action")?;
        clip.states = clip.floats("steps/observation/state")?;
        clip.steps = clip.actions.len() / layout.action_dim.max(1);
        clip.length("steps/action", clip.actions, layout.action_dim)?;
        clip.length("steps/observation/state", clip.states, layout.state_dim)?;
        for camera in &layout.cameras {
            let got = clip.pictures(camera)?.len();
            if got != clip.steps {
                let problem = format!("{got} pictures for {} steps", clip.steps);
                return Err(clip.wrong(&picture_field(camera), problem));
            }
        }
        Ok(clip)
    }

    /// What the operator asked for; the same at every step, so the first is taken.
    pub fn instruction(&self) -> Option<String> {
        match self.example.features.get("steps/language_instruction")? {
            Feature::Bytes(texts) => {
                let text = String::from_utf8_lossy(texts.first()?).trim().to_owned();
                (!text.is_empty()).then_some(text)
            }
            _ => None,
        }
    }

    /// Whether all pictures of `camera` are one and the same flat colour.
    pub fn is_flat(&self, camera: &CameraInfo) -> Result<bool, RldsError> {
        let pictures = self.pictures(camera)?;
        if pictures.windows(2).any(|pair| pair[0] != pair[1]) {
            return Ok(false);
        }
        let first = match pictures.first() {
            Some(bytes) => self.decode(camera, bytes)?,
            None => return Ok(true),
        };
        let (pixels, _) = first.rgb().as_chunks::<3>();
        Ok(pixels.windows(2).all(|pair| pair[0] == pair[1]))
    }

    pub fn tick(
        &self,
        step: usize,
        cameras: &[CameraInfo],
        rate_hz: f64,
    ) -> Result<Tick, RldsError> {
        let index = step as u64;
        let stamp_ns = (step as f64 * 1e9 / rate_hz).round() as u64;
        let mut frames = Vec::with_capacity(cameras.len());
        for camera in cameras {
            let picture = self.pictures(camera)?.get(step);
            let bytes = picture.ok_or_else(|| self.wrong(&picture_field(camera), "missing"))?;
            frames.push(CameraFrame {
                sequence: index,
                stamp_ns,
                image: self.decode(camera, bytes)?,
            });
        }
        let row = |values: &[f32], n: usize| -> Vec<f32> {
            values.iter().skip(step * n).take(n).copied().collect()
        };
        Ok(Tick {
            index,
            stamp_ns,
            observation: Observation {
                state: RobotState {
                    sequence: index,
                    stamp_ns,
                    positions: Vec::new(),
                    velocities: Vec::new(),
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames,
            },
            proprioception: row(self.states, self.state_dim),
            action: row(self.actions, self.action_dim),
            guard_refusals: Vec::new(),
            decided_by: crate::DecidedBy::Agent,
            unexecuted: Vec::new(),
        })
    }

    fn pictures(&self, camera: &CameraInfo) -> Result<&'a [Vec<u8>], RldsError> {
        let field = picture_field(camera);
        match self.example.features.get(&field) {
            Some(Feature::Bytes(pictures)) => Ok(pictures),
            Some(_) => Err(self.wrong(&field, "it holds numbers, expected pictures")),
            None => Err(self.wrong(&field, "this camera is missing")),
        }
    }

    fn floats(&self, field: &str) -> Result<&'a [f32], RldsError> {
        match self.example.features.get(field) {
            Some(Feature::Floats(values)) => Ok(values),
            Some(_) => Err(self.wrong(field, "it holds no floats")),
            None => Err(self.wrong(field, "this field is missing")),
        }
    }

    fn length(&self, field: &str, values: &[f32], dim: usize) -> Result<(), RldsError> {
        if values.len() == self.steps * dim && self.steps > 0 {
            return self.finite(field, values, dim);
        }
        let (got, steps) = (values.len(), self.steps);
        let problem = format!("{got} numbers for {steps} steps of {dim}");
        Err(self.wrong(field, problem))
    }

    fn finite(&self, field: &str, values: &[f32], dim: usize) -> Result<(), RldsError> {
        let Some(at) = values.iter().position(|v| !v.is_finite()) else {
            return Ok(());
        };
        let (step, number) = (at / dim.max(1), at % dim.max(1));
        let problem = format!(
            "number {number} of step {step} is {}, allowed: finite numbers",
            values[at]
        );
        Err(self.wrong(field, problem))
    }

    fn wrong(&self, field: &str, problem: impl Into<String>) -> RldsError {
        RldsError::Field {
            path: self.shard.to_owned(),
            record: self.record,
            field: field.into(),
            problem: problem.into(),
        }
    }

    fn decode(&self, camera: &CameraInfo, bytes: &[u8]) -> Result<Image, RldsError> {
        let decoded = if bytes.starts_with(PNG) {
            crate::picture::decode_png(bytes)
        } else {
            decode_jpeg(bytes)
        };
        let image = decoded.map_err(|e| self.wrong(&picture_field(camera), e))?;
        let got = (image.width(), image.height());
        if got != (camera.width, camera.height) {
            let problem = format!(
                "a picture of {}x{} pixels, features.json says {}x{}",
                got.0, got.1, camera.width, camera.height
            );
            return Err(self.wrong(&picture_field(camera), problem));
        }
        Ok(image)
    }
}

fn picture_field(camera: &CameraInfo) -> String {
    format!("steps/observation/{}", camera.name)
}

fn decode_jpeg(bytes: &[u8]) -> Result<Image, String> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let pixels = decoder.decode().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("a JPEG without a header")?;
    let rgb = match info.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.into_iter().flat_map(|grey| [grey; 3]).collect(),
        other => return Err(format!("a JPEG of {other:?} pixels, expected RGB or grey")),
    };
    Image::new(info.width.into(), info.height.into(), rgb).map_err(|e| e.to_string())
}
