//! Real-time chunking (Black et al. 2025, arXiv 2506.07339) for a policy that predicts noise: a new chunk
//! as the continuation of the one that the robot carries out meanwhile.
//!
//! What is certain to be carried out is inpainted (RePaint, Lugmayr et al. 2022, arXiv 2201.09865, eq. 8):
//! with p the certain actions and e the noise that the chunk began as, their part of the sample is
//! `x_t = sqrt(alpha_bar_t) p + sqrt(1 - alpha_bar_t) e` at every step. RePaint draws e anew at each step,
//! as its sampler is stochastic; under deterministic DDIM, one e is what a sample on its way to p has. At
//! the last step alpha_bar is 1, and p is there exactly.
//!
//! What overlaps is pulled towards the running chunk q, in the space of clean samples and with weights w
//! that fall to 0: from the network's clean sample `c`, `c' = (1 - w) c + w q`, with the noise that keeps
//! the sample what it is, `e' = (x_t - sqrt(alpha_bar_t) c') / sqrt(1 - alpha_bar_t)`, and on to the next
//! step by DDIM with c' and e'. The paper guides a flow by the gradient of such an error through the
//! network; here the network sees the pulled sample at the next step, and nothing is differentiated.

use crate::inference::finite;
use crate::onto::Onto;
use crate::{ActionFrame, DiffusionPolicy, PolicyError, PolicyInput, Running, frame};
use apprentice_core::Seed;

impl DiffusionPolicy {
    /// [`Self::denoise`], each chunk as the continuation of what its robot carries out, if anything. What
    /// is certain ([`Running::past`], [`Running::frozen`]) stands in the chunk as it was given; the network
    /// sees it, and what overlaps, within the range of the actions it was trained on. A chunk onto nothing
    /// is that of [`Self::denoise`], bit by bit where it is denoised in a batch of the same size.
    ///
    /// # Errors
    /// Those of [`Self::denoise`]; more or fewer running chunks than inputs; one that does not fit the
    /// policy, which the error tells where.
    pub fn denoise_onto(
        &self,
        inputs: &[PolicyInput<'_>],
        seeds: &[Seed],
        running: &[Option<Running<'_>>],
    ) -> Result<Vec<Vec<Vec<f32>>>, PolicyError> {
        if running.len() != inputs.len() {
            return Err(PolicyError::Observation {
                what: "number of running chunks",
                got: running.len().to_string(),
                expected: format!("{}, one or none for each input", inputs.len()),
            });
        }
        if running.iter().flatten().all(Running::is_empty) {
            return self.denoise(inputs, seeds);
        }
        let condition = self.condition(inputs)?;
        let onto = self.onto(inputs, running)?;
        let noise = self.noise(seeds);
        let sample = finite(self.denoiser().run_onto(noise, condition, onto)?)?;
        let before = self.before();
        self.chunks(sample, inputs, |input, place| {
            let running = running.get(input)?.as_ref()?;
            running.certain(before, place)
        })
    }

    /// Actions of a chunk before the newest observation's own tick.
    fn before(&self) -> usize {
        self.config().observation_history.saturating_sub(1)
    }

    /// The running chunks on the device, in the policy's own frame and scale.
    fn onto(
        &self,
        inputs: &[PolicyInput<'_>],
        running: &[Option<Running<'_>>],
    ) -> Result<Onto, PolicyError> {
        let scaling = self.normalizers().1;
        let (before, dims) = (
            self.before(),
            [inputs.len(), self.config().horizon, scaling.dim()],
        );
        let mut weights = vec![0.0; dims[0] * dims[1]];
        let mut known = vec![0.0; weights.len() * dims[2]];
        let chunks = weights.chunks_exact_mut(dims[1]);
        let chunks = chunks.zip(known.chunks_exact_mut(dims[1] * dims[2]));
        for (i, ((weights, known), running)) in chunks.zip(running).enumerate() {
            let Some(running) = running else { continue };
            running.check(i, before, dims[1], dims[2])?;
            let tool = inputs.get(i).and_then(|input| input.proprioception.last());
            let tool = tool.copied().unwrap_or_default();
            let places = weights.iter_mut().zip(known.chunks_exact_mut(dims[2]));
            let first = running.start(before);
            let places = places.enumerate().skip(first);
            for ((place, (w, row)), (weight, action)) in places.zip(running.weighted()) {
                *w = weight;
                self.seen(action, tool, row)
                    .ok_or_else(|| PolicyError::Running {
                        input: i,
                        what: format!("what its chunk has at place {place}"),
                        got: format!("{action:?}, seen from the measured pose {tool:?}"),
                        allowed: "two poses".into(),
                    })?;
            }
        }
        scaling.normalize(&mut known);
        // Nothing was learnt outside of it, and predictions never leave it either.
        known.iter_mut().for_each(|v| *v = v.clamp(-1.0, 1.0));
        Ok(Onto::new(&weights, &known, dims, self.device()))
    }

    /// Writes an action as the policy sees it, not yet scaled; `None` when a pose is needed and it is
    /// none.
    fn seen(&self, action: &[f32], tool: &[f32], row: &mut [f32]) -> Option<()> {
        match self.config().action_frame {
            ActionFrame::Base => row.copy_from_slice(action),
            ActionFrame::Tool => row.copy_from_slice(&frame::from_tool(action, tool)?),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MinMaxNormalizer, PolicyConfig, PolicyNetwork};
    use apprentice_core::{CARTESIAN_ACTION_DIM, CartesianAction};
    use burn::tensor::Device;

    const DIM: usize = CARTESIAN_ACTION_DIM;

    /// A pose that depends on `i`; the motion is slow.
    fn pose(i: usize) -> Vec<f32> {
        let (angle, at) = (0.02 * i as f32, 0.01 * i as f32);
        let (sin, cos) = angle.sin_cos();
        vec![0.4 + at, -0.1, 0.3, cos, sin, 0.0, sin, -cos, 0.0, 0.04]
    }

    /// Knows nothing, looks at poses only, and back one tick.
    fn policy(action_frame: ActionFrame) -> DiffusionPolicy {
        let config = PolicyConfig {
            observation_history: 2,
            horizon: 8,
            execute: 4,
            action_frame,
            unet_channels: vec![16, 32],
            ..PolicyConfig::default()
        };
        let device = Device::flex();
        let mut rng = Seed(8).rng();
        let network = PolicyNetwork::new(&config, 0, DIM, DIM, &mut rng, &device).unwrap();
        let poses: Vec<f32> = (0..20).flat_map(pose).collect();
        let scaling = MinMaxNormalizer::fit(&poses, DIM);
        // What is seen from the tool: between one way and the other, turned by half at most.
        let actions = match action_frame {
            ActionFrame::Base => scaling.clone(),
            ActionFrame::Tool => MinMaxNormalizer::fit(&[[-1.0; DIM], [1.0; DIM]].concat(), DIM),
        };
        DiffusionPolicy::new(network, config, scaling, actions, 0, &device).unwrap()
    }

    fn input(moments: &[Vec<f32>]) -> PolicyInput<'_> {
        PolicyInput {
            images: vec![Vec::new(); moments.len()],
            proprioception: moments.iter().map(Vec::as_slice).collect(),
        }
    }

    #[test]
    fn what_is_certain_is_in_the_chunk_as_it_was_and_the_rest_leaves_it_gradually() {
        let (moments, past) = ([pose(3), pose(4)], [pose(3)]);
        let left: Vec<Vec<f32>> = (5..11).map(pose).collect();
        let running = Running {
            past: &past,
            ..Running::after(&left, 2, 4)
        };
        for frame in [ActionFrame::Base, ActionFrame::Tool] {
            let policy = policy(frame);
            let (inputs, seeds) = ([input(&moments)], [Seed(1)]);
            let plain = policy.denoise(&inputs, &seeds).unwrap();
            let chunks = policy.denoise_onto(&inputs, &seeds, &[Some(running)]);
            let chunks = chunks.unwrap();
            assert_eq!((chunks.len(), chunks[0].len()), (1, 8));
            let chunk = &chunks[0];
            assert_eq!(chunk[0], past[0]);
            assert_eq!(chunk[1..3], left[..2]);
            let off = |chunk: &[Vec<f32>], place: usize| {
                (0..3)
                    .map(|i| (chunk[place][i] - pose(place + 4)[i]).abs())
                    .fold(0.0, f32::max)
            };
            assert!(off(chunk, 3) < off(&plain[0], 3) / 2.0, "{frame:?}");
            for action in chunk {
                assert!(CartesianAction::from_vector(action).is_some(), "{frame:?}");
            }
        }
    }

    #[test]
    fn onto_nothing_is_as_ever_also_beside_one_that_goes_on() {
        let policy = policy(ActionFrame::Tool);
        let moments = [pose(3), pose(4)];
        let inputs = [input(&moments), input(&moments)];
        let seeds = [Seed(1), Seed(2)];
        let plain = policy.denoise(&inputs, &seeds).unwrap();
        let onto = |running: &[Option<Running<'_>>]| policy.denoise_onto(&inputs, &seeds, running);
        assert_eq!(onto(&[None, None]).unwrap(), plain);
        assert_eq!(onto(&[None, Some(Running::default())]).unwrap(), plain);
        let left = [pose(5), pose(6)];
        let mixed = onto(&[None, Some(Running::after(&left, 1, 1))]).unwrap();
        assert_eq!(mixed[0], plain[0]);
        assert_ne!(mixed[1], plain[1]);
        assert_eq!(mixed[1][1], left[0]);
        assert_eq!(policy.denoise_onto(&[], &[], &[]).unwrap(), plain[..0]);
    }

    #[test]
    fn poses_far_from_all_that_was_learnt_are_kept_and_do_not_spoil_the_rest() {
        let policy = policy(ActionFrame::Tool);
        let moments = [pose(3), pose(4)];
        let mut far = pose(5);
        far[0] = 1e6;
        let left = [far];
        let chunks = policy.denoise_onto(
            &[input(&moments)],
            &[Seed(1)],
            &[Some(Running::after(&left, 1, 0))],
        );
        let chunk = &chunks.unwrap()[0];
        assert_eq!(chunk[1], left[0]);
        assert!(chunk[2..].iter().flatten().all(|v| v.abs() < 3.0));
    }

    #[test]
    fn running_chunks_that_do_not_fit_are_refused() {
        let policy = policy(ActionFrame::Tool);
        let moments = [pose(3), pose(4)];
        let refused = |running: &[Option<Running<'_>>]| {
            let refused = policy.denoise_onto(&[input(&moments)], &[Seed(1)], running);
            refused.unwrap_err().to_string()
        };
        assert!(refused(&[]).contains("number of running chunks is 0, expected 1"));
        let long: Vec<Vec<f32>> = (0..8).map(pose).collect();
        let error = refused(&[Some(Running::after(&long, 8, 0))]);
        assert!(error.contains("is 8, allowed: 0 to 7"), "{error}");
        let short = [vec![0.0; DIM - 1]];
        let error = refused(&[Some(Running::after(&short, 1, 0))]);
        assert!(error.contains("is 9, allowed: 10 numbers"), "{error}");
        let none = [vec![0.0; DIM]];
        let error = refused(&[Some(Running::after(&none, 1, 0))]);
        assert!(
            error.contains("at place 1") && error.contains("two poses"),
            "{error}"
        );
        let seeds = [Seed(1), Seed(2)];
        let left = [pose(5)];
        let running = [Some(Running::after(&left, 1, 0))];
        let refused = policy.denoise_onto(&[input(&moments)], &seeds, &running);
        assert!(refused.is_err());
    }
}
