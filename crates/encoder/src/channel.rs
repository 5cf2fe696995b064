//! Channels: what a clip is made of, and how much each counts.

use crate::EncoderError;
use serde::{Deserialize, Serialize};

/// One kind of measurement that a clip may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Features of the cameras' images, by an [`Encoder`](crate::Encoder).
    Vision,
    /// The numbers a policy sees beside the images, in their own units.
    Proprioception,
    /// Joint velocities, radians per second.
    Velocity,
    /// Measured joint torques, N m.
    Effort,
    /// Time since the episode began, seconds.
    ElapsedTime,
}

impl Channel {
    /// Every channel, in the order in which they stand in a frame's feature vector.
    pub const ALL: [Self; 5] = [
        Self::Vision,
        Self::Proprioception,
        Self::Velocity,
        Self::Effort,
        Self::ElapsedTime,
    ];

    /// The key of its weight in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Vision => "encoder.channels.vision",
            Self::Proprioception => "encoder.channels.proprioception",
            Self::Velocity => "encoder.channels.velocity",
            Self::Effort => "encoder.channels.effort",
            Self::ElapsedTime => "encoder.channels.elapsed_time",
        }
    }

    /// What a robot without this channel does not give, in words.
    #[must_use]
    pub fn measured(self) -> &'static str {
        match self {
            Self::Vision => "images",
            Self::Proprioception => "proprioception",
            Self::Velocity => "joint velocities",
            Self::Effort => "joint efforts (torques)",
            Self::ElapsedTime => "time stamps",
        }
    }
}

/// Weight of each channel: a frame's feature vector is the concatenation of the channels, each feature
/// standardised over the clips that are learnt from and multiplied by its channel's weight. A channel of weight 0
/// is left out and not computed.
///
/// A single channel is passed on as it is measured; whoever learns from it standardises it if so configured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelWeights {
    /// Of [`Channel::Vision`].
    pub vision: f32,
    /// Of [`Channel::Proprioception`].
    pub proprioception: f32,
    /// Of [`Channel::Velocity`].
    pub velocity: f32,
    /// Of [`Channel::Effort`]; more than 0 only where the robot measures torques.
    pub effort: f32,
    /// Of [`Channel::ElapsedTime`].
    pub elapsed_time: f32,
}

impl Default for ChannelWeights {
    fn default() -> Self {
        Self {
            vision: 1.0,
            proprioception: 0.0,
            velocity: 0.0,
            effort: 0.0,
            elapsed_time: 0.0,
        }
    }
}

impl ChannelWeights {
    /// The weight of `channel`.
    #[must_use]
    pub fn of(&self, channel: Channel) -> f32 {
        match channel {
            Channel::Vision => self.vision,
            Channel::Proprioception => self.proprioception,
            Channel::Velocity => self.velocity,
            Channel::Effort => self.effort,
            Channel::ElapsedTime => self.elapsed_time,
        }
    }

    /// The channels that count, with their weights, in the order of [`Channel::ALL`].
    pub fn used(&self) -> impl Iterator<Item = (Channel, f32)> + '_ {
        Channel::ALL
            .into_iter()
            .map(|c| (c, self.of(c)))
            .filter(|(_, weight)| *weight > 0.0)
    }

    /// Whether clips can be made of these channels.
    ///
    /// # Errors
    /// Names the first weight that is negative or not finite, or says that all are 0.
    pub fn validate(&self) -> Result<(), EncoderError> {
        for channel in Channel::ALL {
            let weight = self.of(channel);
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(EncoderError::Config {
                    key: channel.key().into(),
                    got: weight.to_string(),
                    allowed: "0 (left out) or more",
                });
            }
        }
        if self.used().next().is_none() {
            return Err(EncoderError::Config {
                key: "encoder.channels".into(),
                got: "0 for every channel".into(),
                allowed: "more than 0 for at least one",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_vision_counts_unless_told_otherwise() {
        let used: Vec<_> = ChannelWeights::default().used().collect();
        assert_eq!(used, [(Channel::Vision, 1.0)]);
    }

    #[test]
    fn weights_that_cannot_be_are_named() {
        let refused = |weights: ChannelWeights| weights.validate().unwrap_err().to_string();
        let effort = refused(ChannelWeights {
            effort: -1.0,
            ..ChannelWeights::default()
        });
        assert!(effort.contains("encoder.channels.effort is -1, allowed: 0"));
        let none = refused(ChannelWeights {
            vision: 0.0,
            ..ChannelWeights::default()
        });
        assert!(none.contains("0 for every channel"), "{none}");
    }
}
