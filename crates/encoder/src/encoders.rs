//! The encoders there are, a line each.

use crate::encoder::Encoder;

apprentice_core::registry! {
    /// Which encoder a run uses.
    pub enum EncoderKind: Encoder {
        compact::Compact = "compact",
        efficientnet_lite0::EfficientNetLite0 = "efficientnet-lite0",
        resnet18::ResNet18 = "resnet18",
        dinov2::DinoV2 = "dinov2",
    }
}
