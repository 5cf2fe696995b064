use super::*;
use crate::ClipFrame;
use apprentice_core::Image;

/// Gives each image its red value.
#[derive(Debug)]
struct Red;

impl FrameEncoder for Red {
    fn width(&self, cameras: usize) -> usize {
        cameras
    }

    fn features(&self, clips: &[Clip], _: &Device) -> Result<Vec<FeatureClip>, EncoderError> {
        let red = |f: &ClipFrame| f.images.iter().map(|i| f32::from(i.rgb()[0])).collect();
        let clip = |c: &Clip| {
            FeatureClip::vision(
                1,
                c.frames
                    .iter()
                    .flat_map(|f| -> Vec<f32> { red(f) })
                    .collect(),
            )
        };
        Ok(clips.iter().map(clip).collect())
    }
}

fn clips(efforts: bool) -> Vec<Clip> {
    let frame = |i: u8| {
        let mut frame = ClipFrame::of_images(vec![Image::new(1, 1, vec![i, 0, 0]).unwrap()]);
        frame
            .signals
            .insert(Channel::ElapsedTime, vec![f32::from(i) * 0.1]);
        frame
            .signals
            .insert(Channel::Velocity, vec![0.5, f32::from(i)]);
        if efforts {
            frame.signals.insert(Channel::Effort, vec![7.0]);
        }
        frame
    };
    let clip = |start| Clip {
        frames: (start..start + 2).map(frame).collect(),
    };
    vec![clip(1), clip(5)]
}

fn featured(clips: &[Clip], weights: ChannelWeights) -> Result<Vec<FeatureClip>, EncoderError> {
    let encoder: (Channel, &dyn FrameEncoder) = (Channel::Vision, &Red);
    clip_features(clips, &weights, Some(encoder), &Device::flex())
}

#[test]
fn vision_alone_is_what_the_encoder_gives() {
    let alone = featured(&clips(false), ChannelWeights::default()).unwrap();
    assert_eq!(alone, Red.features(&clips(false), &Device::flex()).unwrap());
}

#[test]
fn channels_stand_side_by_side_and_those_of_weight_0_are_left_out() {
    let weights = ChannelWeights {
        velocity: 2.0,
        elapsed_time: 0.5,
        ..ChannelWeights::default()
    };
    let all = featured(&clips(false), weights).unwrap();
    assert_eq!((all[1].width, all[1].frames()), (4, 2));
    assert_eq!(all[1].values, [5.0, 0.5, 5.0, 0.5, 6.0, 0.5, 6.0, 0.6]);
    let spans: Vec<_> = all[1]
        .channels
        .iter()
        .map(|c| (c.width, c.weight))
        .collect();
    assert_eq!(spans, [(1, 1.0), (2, 2.0), (1, 0.5)]);
    let blind = ChannelWeights {
        vision: 0.0,
        ..weights
    };
    let blind = clip_features(&clips(false), &blind, None, &Device::flex()).unwrap();
    assert_eq!(blind[0].values, [0.5, 1.0, 0.1, 0.5, 2.0, 0.2]);
}

#[test]
fn efforts_that_the_robot_does_not_give_are_refused() {
    let weights = ChannelWeights {
        effort: 0.25,
        ..ChannelWeights::default()
    };
    assert_eq!(featured(&clips(true), weights).unwrap()[0].width, 2);
    let error = featured(&clips(false), weights).unwrap_err().to_string();
    assert!(
        error.contains("encoder.channels.effort is 0.25, but the robot gives no joint efforts"),
        "{error}"
    );
}

#[test]
fn frames_of_different_robots_are_refused() {
    let mut mixed = clips(true);
    mixed[1].frames[1]
        .signals
        .insert(Channel::Effort, vec![1.0, 2.0]);
    let weights = ChannelWeights {
        effort: 1.0,
        ..ChannelWeights::default()
    };
    let error = featured(&mixed, weights).unwrap_err().to_string();
    assert!(error.contains("frame 1 of clip 1 has 2 numbers"), "{error}");
}
