//! Real-time chunking (Black et al. 2025, arXiv 2506.07339) for a policy that predicts noise: a new chunk
//! as the continuation of the one that the robot carries out meanwhile.
//!
//! What is certain to be executed, p, is inpainted (RePaint, Lugmayr et al. 2022, arXiv 2201.09865,
//! eq. 8): at every step its part of the sample is `sqrt(alpha_bar_t) p + sqrt(1 - alpha_bar_t) n`, with n
//! drawn afresh each time, so that the network sees more of p the more often it looks. After the last step
//! alpha_bar is 1, and p is there exactly.
//!
//! What overlaps is pulled towards the previous chunk q in the space of clean samples, with weights w that
//! fall to 0: DDIM goes on from `(1 - w) c + w q` where the network says `c`, and from the noise that it
//! says. This is the paper's guidance (its eq. 2 and 5) without the gradient through the network, which
//! sees the pulled sample at the next step instead.
//!
//! The rest follows because the network sees both; as it decides early, where the sample is almost all
//! noise, each step is gone back to ([`DiffusionPolicy::with_resampling`]; RePaint, section 4.2).

use crate::finite::finite;
use crate::guidance::{Guidance, GuidanceInputs};
use crate::{ActionFrame, Continuation, DiffusionPolicy, PolicyError, frame};
use apprentice_core::{PolicyInput, Seed};
use rand_distr::{Distribution as _, StandardNormal};

impl DiffusionPolicy {
    /// [`Self::denoise`], each chunk as the continuation of what its robot carries out, if anything. What
    /// is certain ([`Continuation::past`], [`Continuation::frozen`]) stands in the chunk as it was given; the network
    /// sees it, and what overlaps, within the range of the actions it was trained on. Chunks that continue nothing
    /// are those of [`Self::denoise`].
    ///
    /// # Errors
    /// Those of [`Self::denoise`]; more or fewer previous chunks or seeds than inputs; a previous chunk that
    /// does not fit the policy, of which the error tells what and where.
    pub fn denoise_continuing(
        &self,
        inputs: &[PolicyInput<'_>],
        seeds: &[Seed],
        running: &[Option<Continuation<'_>>],
    ) -> Result<Vec<Vec<Vec<f32>>>, PolicyError> {
        for (what, count) in [
            ("number of previous chunks", running.len()),
            ("number of seeds", seeds.len()),
        ] {
            if count != inputs.len() {
                return Err(PolicyError::Observation {
                    what,
                    got: count.to_string(),
                    expected: format!("{}, as many as there are inputs", inputs.len()),
                });
            }
        }
        let all = inputs.iter().zip(seeds).zip(running).enumerate();
        let (mut fresh, mut continued) = (Part::default(), Part::default());
        for (place, ((input, &seed), running)) in all {
            match running.filter(|r| !r.is_empty()) {
                Some(running) => continued.push(place, input, seed, running),
                None => fresh.push(place, input, seed, Continuation::default()),
            }
        }
        let continued_chunks = self.continue_from(&continued)?;
        let fresh_chunks = self.denoise(&fresh.inputs, &fresh.seeds)?;
        let mut chunks = vec![Vec::new(); inputs.len()];
        let places = fresh.places.iter().chain(&continued.places);
        for (&place, chunk) in places.zip(fresh_chunks.into_iter().chain(continued_chunks)) {
            if let Some(slot) = chunks.get_mut(place) {
                *slot = chunk;
            }
        }
        Ok(chunks)
    }

    /// [`Self::denoise_continuing`], where there is something to go on from in each.
    fn continue_from(&self, part: &Part<'_>) -> Result<Vec<Vec<Vec<f32>>>, PolicyError> {
        if part.places.is_empty() {
            return Ok(Vec::new());
        }
        let condition = self.condition(&part.inputs)?;
        let guidance = self.guidance(part)?;
        let noise = self.noise(&part.seeds);
        let sample = finite(self.denoiser().run_guided(noise, condition, guidance)?)?;
        let before = self.before();
        self.chunks(sample, &part.inputs, |input, place| {
            part.running.get(input)?.certain(before, place)
        })
    }

    /// Actions of a chunk before the newest observation's own tick.
    fn before(&self) -> usize {
        self.config().observation_history.saturating_sub(1)
    }

    /// The previous chunks on the device, in the policy's own frame and scale.
    fn guidance(&self, part: &Part<'_>) -> Result<Guidance, PolicyError> {
        let scaling = self.normalizers().1;
        let (count, before) = (part.places.len(), self.before());
        let (horizon, dim) = (self.config().horizon, scaling.dim());
        let mut weights = vec![0.0; count * horizon];
        let mut actions = vec![0.0; count * horizon * dim];
        let chunks = weights.chunks_exact_mut(horizon);
        let chunks = chunks.zip(actions.chunks_exact_mut(horizon * dim));
        let given = part.places.iter().zip(&part.inputs).zip(&part.running);
        for ((weights, actions), ((&input, seen), running)) in chunks.zip(given) {
            running.check(input, before, horizon, dim)?;
            let tool = input_tool(seen);
            let places = weights.iter_mut().zip(actions.chunks_exact_mut(dim));
            let places = places.enumerate().skip(running.start(before));
            for ((place, (w, row)), (weight, action)) in places.zip(running.weighted()) {
                *w = weight;
                self.in_policy_frame(action, tool, row).ok_or_else(|| {
                    PolicyError::Continuation {
                        input,
                        what: format!("what its chunk has at place {place}"),
                        got: format!("{action:?}, seen from the measured pose {tool:?}"),
                        allowed: "two poses".into(),
                    }
                })?;
            }
        }
        scaling.normalize(&mut actions);
        // Nothing was learnt outside of it, and predictions never leave it either.
        actions.iter_mut().for_each(|v| *v = v.clamp(-1.0, 1.0));
        let visits = 1 + self.resampling();
        let known = GuidanceInputs {
            weights,
            actions,
            draws: draws(
                &part.seeds,
                self.config().inference_steps * visits,
                horizon * dim,
            ),
            visits,
        };
        Ok(Guidance::new(known, [count, horizon, dim], self.device()))
    }

    /// Writes an action as the policy sees it, not yet scaled; `None` when a pose is needed and it is
    /// none.
    fn in_policy_frame(&self, action: &[f32], tool: &[f32], row: &mut [f32]) -> Option<()> {
        match self.config().action_frame {
            ActionFrame::Base => row.copy_from_slice(action),
            ActionFrame::Tool => row.copy_from_slice(&frame::base_to_tool(action, tool)?),
        }
        Some(())
    }
}

/// The newest measured pose, where proprioception is one.
fn input_tool<'a>(input: &'a PolicyInput<'_>) -> &'a [f32] {
    input.newest().map_or(&[], |newest| &newest.proprioception)
}

/// Some of the inputs, by their places among all.
#[derive(Default)]
struct Part<'a> {
    places: Vec<usize>,
    inputs: Vec<PolicyInput<'a>>,
    seeds: Vec<Seed>,
    running: Vec<Continuation<'a>>,
}

impl<'a> Part<'a> {
    fn push(
        &mut self,
        place: usize,
        input: &PolicyInput<'a>,
        seed: Seed,
        running: Continuation<'a>,
    ) {
        self.places.push(place);
        self.inputs.push(input.clone());
        self.seeds.push(seed);
        self.running.push(running);
    }
}

/// Noise for `visits` visits of sampling steps, [visits, B, `numbers`], row-major; each chunk's from its own
/// seed.
fn draws(seeds: &[Seed], visits: usize, numbers: usize) -> Vec<f32> {
    let mut rngs: Vec<_> = seeds
        .iter()
        .map(|seed| seed.derive("inpainting", 0).rng())
        .collect();
    let mut draws = Vec::with_capacity(visits * rngs.len() * numbers);
    for _ in 0..visits {
        for rng in &mut rngs {
            draws.extend((0..numbers).map(|_| -> f32 { StandardNormal.sample(rng) }));
        }
    }
    draws
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiffusionConfig, MinMaxNormalizer, PolicyNetwork};
    use apprentice_core::{
        CARTESIAN_ACTION_DIM, CartesianAction, Observation, PolicyObservation, RobotState,
    };
    use burn::tensor::Device;
    use std::sync::Arc;

    const DIM: usize = CARTESIAN_ACTION_DIM;

    /// A pose that depends on `i`; the motion is slow.
    fn pose(i: usize) -> Vec<f32> {
        let (angle, at) = (0.02 * i as f32, 0.01 * i as f32);
        let (sin, cos) = angle.sin_cos();
        vec![0.4 + at, -0.1, 0.3, cos, sin, 0.0, sin, -cos, 0.0, 0.04]
    }

    /// Knows nothing, looks at poses only, and back one tick.
    fn policy(action_frame: ActionFrame) -> DiffusionPolicy {
        let config = DiffusionConfig {
            observation_history: 2,
            horizon: 8,
            n_action_steps: 4,
            action_frame,
            unet_channels: vec![16, 32],
            ..DiffusionConfig::default()
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

    fn observed(poses: [Vec<f32>; 2]) -> [Arc<PolicyObservation>; 2] {
        poses.map(|proprioception| {
            Arc::new(PolicyObservation {
                observation: Observation {
                    state: RobotState {
                        sequence: 0,
                        stamp_ns: 0,
                        positions: Vec::new(),
                        velocities: Vec::new(),
                        gripper_width: 0.0,
                        efforts: None,
                        external_wrench: None,
                    },
                    frames: Vec::new(),
                },
                proprioception,
            })
        })
    }

    fn input(observations: &[Arc<PolicyObservation>]) -> PolicyInput<'_> {
        PolicyInput {
            robot: 0,
            seed: Seed(0),
            tick: 0,
            observations,
        }
    }

    #[test]
    fn what_is_certain_is_in_the_chunk_as_it_was_and_the_rest_leaves_it_gradually() {
        let (observations, past) = (observed([pose(3), pose(4)]), [pose(3)]);
        let left: Vec<Vec<f32>> = (5..11).map(pose).collect();
        let running = Continuation {
            past: &past,
            ..Continuation::after(&left, 2, 4)
        };
        for frame in [ActionFrame::Base, ActionFrame::Tool] {
            let policy = policy(frame);
            let (inputs, seeds) = ([input(&observations)], [Seed(1)]);
            let plain = policy.denoise(&inputs, &seeds).unwrap();
            let chunks = policy.denoise_continuing(&inputs, &seeds, &[Some(running)]);
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
        let observations = observed([pose(3), pose(4)]);
        let inputs = [input(&observations), input(&observations)];
        let seeds = [Seed(1), Seed(2)];
        let plain = policy.denoise(&inputs, &seeds).unwrap();
        let onto = |running: &[Option<Continuation<'_>>]| {
            policy.denoise_continuing(&inputs, &seeds, running)
        };
        assert_eq!(onto(&[None, None]).unwrap(), plain);
        assert_eq!(onto(&[None, Some(Continuation::default())]).unwrap(), plain);
        let left = [pose(5), pose(6)];
        let mixed = onto(&[None, Some(Continuation::after(&left, 1, 1))]).unwrap();
        let alone = policy.denoise(&inputs[..1], &seeds[..1]).unwrap();
        assert_eq!(mixed[0], alone[0]);
        assert_ne!(mixed[1], plain[1]);
        assert_eq!(mixed[1][1], left[0]);
        assert_eq!(
            policy.denoise_continuing(&[], &[], &[]).unwrap(),
            plain[..0]
        );
    }

    #[test]
    fn the_same_seed_plans_the_same_chunk_alone_and_in_a_batch() {
        let observations = observed([pose(3), pose(4)]);
        let left = [pose(5), pose(6), pose(7)];
        let running = Some(Continuation::after(&left, 1, 2));
        for times in [0, 2] {
            let policy = policy(ActionFrame::Base).with_resampling(times);
            let onto = |seeds: &[Seed]| {
                let inputs = vec![input(&observations); seeds.len()];
                let running = vec![running; seeds.len()];
                policy.denoise_continuing(&inputs, seeds, &running).unwrap()
            };
            let both = onto(&[Seed(1), Seed(2)]);
            assert_eq!(both, onto(&[Seed(1), Seed(2)]));
            for (chunk, seed) in both.iter().zip([1, 2]) {
                let alone = onto(&[Seed(seed)]);
                let pairs = chunk.iter().flatten().zip(alone[0].iter().flatten());
                let error = pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(error < 1e-4, "off by {error}");
            }
            assert_ne!(both[0], both[1]);
        }
    }

    #[test]
    fn poses_far_from_all_that_was_learnt_are_kept_and_do_not_spoil_the_rest() {
        let policy = policy(ActionFrame::Tool);
        let observations = observed([pose(3), pose(4)]);
        let mut far = pose(5);
        far[0] = 1e6;
        let left = [far];
        let chunks = policy.denoise_continuing(
            &[input(&observations)],
            &[Seed(1)],
            &[Some(Continuation::after(&left, 1, 0))],
        );
        let chunk = &chunks.unwrap()[0];
        assert_eq!(chunk[1], left[0]);
        assert!(chunk[2..].iter().flatten().all(|v| v.abs() < 3.0));
    }

    #[test]
    fn running_chunks_that_do_not_fit_are_refused() {
        let policy = policy(ActionFrame::Tool);
        let observations = observed([pose(3), pose(4)]);
        let refused = |running: &[Option<Continuation<'_>>]| {
            let refused = policy.denoise_continuing(&[input(&observations)], &[Seed(1)], running);
            refused.unwrap_err().to_string()
        };
        let error = refused(&[]);
        assert!(error.contains("is 0, expected 1, as many"), "{error}");
        let long: Vec<Vec<f32>> = (0..8).map(pose).collect();
        let error = refused(&[Some(Continuation::after(&long, 8, 0))]);
        assert!(error.contains("is 8, allowed: 0 to 7"), "{error}");
        let short = [vec![0.0; DIM - 1]];
        let error = refused(&[Some(Continuation::after(&short, 1, 0))]);
        assert!(error.contains("is 9, allowed: 10 numbers"), "{error}");
        let none = [vec![0.0; DIM]];
        let error = refused(&[Some(Continuation::after(&none, 1, 0))]);
        assert!(
            error.contains("at place 1") && error.contains("two poses"),
            "{error}"
        );
        let seeds = [Seed(1), Seed(2)];
        let left = [pose(5)];
        let running = [Some(Continuation::after(&left, 1, 0))];
        let refused = policy.denoise_continuing(&[input(&observations)], &seeds, &running);
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains("number of seeds is 2, expected 1"),
            "{error}"
        );
    }
}
