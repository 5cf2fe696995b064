use super::*;
use crate::ClipFrame;

/// A bright square that wanders from left to right, on another height in each clip.
fn clips() -> Vec<Clip> {
    let image = |frame: usize, clip: usize| {
        let at = |x: usize, y: usize| {
            let inside = x.abs_diff(6 + frame * 7) < 5 && y.abs_diff(12 + clip * 8) < 5;
            if inside { 255 } else { 20 }
        };
        let rgb = (0..48 * 48 * 3).map(|i| at(i / 3 % 48, i / 3 / 48));
        Image::new(48, 48, rgb.collect()).unwrap()
    };
    let clip = |c: usize| Clip {
        frames: (0..6)
            .map(|m| ClipFrame::of_images(vec![image(m, c)]))
            .collect(),
    };
    (0..3).map(clip).collect()
}

fn config() -> CycleConsistencyConfig {
    CycleConsistencyConfig {
        steps: 30,
        videos: 3,
        learning_rate: 3e-3,
        embedding: 8,
        ..CycleConsistencyConfig::default()
    }
}

fn supervised(config: &CycleConsistencyConfig) -> (CompactNetwork, Vec<f32>) {
    self_supervise(&clips(), config, Seed(1), &Device::flex(), |_, _| true).unwrap()
}

fn features(network: &CompactNetwork) -> Vec<f32> {
    let clips = clips();
    let images: Vec<&Image> = clips
        .iter()
        .flat_map(|c| c.frames.iter().flat_map(|f| &f.images))
        .collect();
    let tensor = images_as_tensor(&images, COMPACT_SIZE, [2.0 / 255.0, -1.0], &Device::flex());
    network.forward(tensor).into_data().try_to_vec().unwrap()
}

#[test]
fn frames_come_to_find_their_way_back() {
    let (_, losses) = supervised(&config());
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    let (first, last) = (mean(&losses[..5]), mean(&losses[25..]));
    assert!(last < 0.7 * first, "{first} to {last}");
}

#[test]
fn a_cycle_that_returns_costs_nothing_and_one_that_cannot_tell_frames_apart_costs_a_variance() {
    let device = Device::flex();
    let loss = |value: fn(usize) -> f32| -> f32 {
        let values: Vec<f32> = (0..2 * 5).map(value).collect();
        let videos = Tensor::from_data(TensorData::new(values, [2, 5, 1]), &device);
        cycle_loss(videos, 0.1, &device).into_scalar()
    };
    assert!(loss(|i| (i % 5) as f32 * 10.0) < 1e-6);
    // Every frame goes back to the middle: the variance of 0, 1/4, .. 1 is 1/8.
    assert!((loss(|_| 1.0) - 0.125).abs() < 1e-5);
}

#[test]
fn a_random_backbone_is_where_training_would_have_started() {
    let random = CycleConsistencyConfig {
        initialisation: Initialisation::Random,
        ..config()
    };
    let (untrained, losses) = supervised(&random);
    assert!(losses.is_empty());
    let fresh = CompactNetwork::new(&mut Seed(1).rng(), &Device::flex()).unwrap();
    assert_eq!(features(&untrained), features(&fresh));
    let (trained, _) = supervised(&config());
    assert_ne!(features(&trained), features(&fresh));
}

#[test]
fn settings_that_cannot_work_are_named() {
    type Change = fn(&mut CycleConsistencyConfig);
    let changes: [(Change, &str); 5] = [
        (
            |c| c.steps = 0,
            "encoder.cycle.steps is 0, allowed: 1 or more",
        ),
        (
            |c| c.videos = 1,
            "encoder.cycle.videos is 1, allowed: 2 or more",
        ),
        (|c| c.embedding = 0, "encoder.cycle.embedding is 0,"),
        (
            |c| c.temperature = f64::NAN,
            "encoder.cycle.temperature is NaN,",
        ),
        (
            |c| c.weight_decay = -1.0,
            "encoder.cycle.weight_decay is -1,",
        ),
    ];
    assert!(
        CycleConsistencyConfig::default()
            .validate("encoder.cycle")
            .is_ok()
    );
    for (change, wanted) in changes {
        let mut config = CycleConsistencyConfig::default();
        change(&mut config);
        let error = config.validate("encoder.cycle").unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let lone = self_supervise(
        &clips()[..1],
        &config(),
        Seed(1),
        &Device::flex(),
        |_, _| true,
    );
    assert!(matches!(lone, Err(EncoderError::NoData(_))));
}
