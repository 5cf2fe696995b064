//! From one chunk to the next without a jump, while the policy thinks.
#![allow(clippy::unwrap_used)]

mod rollout;
mod two_ways;

use apprentice_core::{PolicyInput, Seed};
use apprentice_policy::{
    ActionFrame, Continuation, DiffusionConfig, DiffusionPolicy, MinMaxNormalizer, PolicyNetwork,
};
use burn::tensor::Device;
use rollout::{Switch, Worst, run};
use std::time::Instant;

const RUNS: u64 = 64;

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}

#[test]
fn chunks_planned_onto_the_running_one_jump_far_less() {
    let policy = two_ways::learnt();
    let seeds: Vec<Seed> = (0..RUNS).map(|i| Seed(3).derive("run", i)).collect();
    println!("medians of the worst of each of {RUNS} runs, two ways at most 1 apart:");
    for delay in [0, 1, 3] {
        let [naive, inpainted, ensembled] = [Switch::Naive, Switch::Inpainted, Switch::Ensembled]
            .map(|switch| {
                let worst = run(&policy, switch, delay, &seeds);
                let of = |pick: fn(&Worst) -> f32| median(worst.iter().map(pick).collect());
                let worst = Worst {
                    jump: of(|w| w.jump),
                    bend: of(|w| w.bend),
                    astray: of(|w| w.astray),
                    thawed: worst.iter().fold(0.0, |most, w| w.thawed.max(most)),
                };
                println!(
                    "delay {delay}, {switch:?}: jump {:.4}, second difference {:.4}, astray {:.4}",
                    worst.jump, worst.bend, worst.astray
                );
                worst
            });
        assert!(naive.jump > 0.3, "two ways are no trouble here");
        assert!(inpainted.jump < naive.jump / 10.0);
        assert!(inpainted.bend < naive.bend / 5.0);
        assert!(ensembled.jump < naive.jump);
        assert!(inpainted.thawed < 1e-6, "{}", inpainted.thawed);
        // The mean of two ways is none.
        assert!(inpainted.astray < ensembled.astray / 2.0);
    }
}

/// As large as the policy of the demo is by default, but for the pictures; knows nothing.
fn of_usual_size() -> DiffusionPolicy {
    let config = DiffusionConfig {
        action_frame: ActionFrame::Base,
        ..DiffusionConfig::default()
    };
    let (device, dim) = (Device::flex(), 10);
    let mut rng = Seed(1).rng();
    let network = PolicyNetwork::new(&config, 0, dim, dim, &mut rng, &device).unwrap();
    let scaling = MinMaxNormalizer::fit(&[vec![-1.0; dim], vec![1.0; dim]].concat(), dim);
    DiffusionPolicy::new(network, config, scaling.clone(), scaling, 0, &device).unwrap()
}

#[test]
fn planning_onto_a_chunk_takes_as_long_as_its_steps() {
    let policy = of_usual_size();
    let observations = [0.1, 0.2].map(|v| two_ways::observed(vec![v; 10]));
    let input = [PolicyInput {
        robot: 0,
        seed: Seed(0),
        tick: 0,
        observations: &observations,
    }];
    let left = vec![vec![0.3; 10]; 15];
    let running = [Some(Continuation::after(&left, 3, 8))];
    let single = policy.clone().with_resampling(0);
    let timed = |plan: &dyn Fn()| {
        let start = Instant::now();
        plan();
        start.elapsed().as_secs_f32() * 1e3
    };
    let mut times = [const { Vec::new() }; 3];
    for i in 0..60 {
        let seed = [Seed(i)];
        let plans: [&dyn Fn(); 3] = [
            &|| drop(policy.denoise(&input, &seed).unwrap()),
            &|| drop(single.denoise_continuing(&input, &seed, &running).unwrap()),
            &|| drop(policy.denoise_continuing(&input, &seed, &running).unwrap()),
        ];
        for (times, plan) in times.iter_mut().zip(plans) {
            times.push(timed(plan));
        }
    }
    let [plain, once, twice] = times.map(median);
    println!(
        "one chunk: {plain:.2} ms plain, onto a running one {once:.2} ms ({:.2} times), going back to \
         each step {twice:.2} ms ({:.2} times)",
        once / plain,
        twice / plain
    );
    assert!(once < 1.5 * plain && twice < 3.0 * plain);
}
