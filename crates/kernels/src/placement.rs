//! Where tensors are.

use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// Whether `device` is the processor.
#[must_use]
pub fn is_cpu(device: &Device) -> bool {
    matches!(
        device.as_dispatch().clone().inner(),
        DispatchDevice::Flex(_)
    )
}
