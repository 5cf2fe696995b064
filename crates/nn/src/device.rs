//! Where to compute.

use burn::tensor::Device;
use thiserror::Error;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor, in pure Rust.
    Flex,
    /// An NVIDIA GPU.
    Cuda,
    /// Any GPU with Vulkan, Metal or DirectX 12.
    Wgpu,
}

/// A device that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Not in this build.
    #[error(
        "device {device} is not in this build; build with `--features {device}` or use --device cpu"
    )]
    NotBuilt {
        /// Which.
        device: &'static str,
    },
    /// In this build, but not on this machine.
    #[error(
        "device {device} does not work on this machine ({reason}); use --device cpu to compute on the processor"
    )]
    NotThere {
        /// Which.
        device: &'static str,
        /// What happened when it was tried.
        reason: String,
    },
    /// Numbers it does not compute with.
    #[error(
        "precision {precision} is not for device {device}; allowed there: f32 (inference.precision), or \
         another device"
    )]
    Precision {
        /// Which device.
        device: String,
        /// The precision asked for.
        precision: &'static str,
    },
}

/// Opens a device and proves that it computes; never falls back to another.
///
/// # Errors
/// When the device is not in this build or does not work here.
pub fn open_device(choice: DeviceChoice) -> Result<Device, DeviceError> {
    match choice {
        DeviceChoice::Flex => Ok(Device::flex()),
        DeviceChoice::Cuda => {
            #[cfg(feature = "cuda")]
            return proven("cuda", || Device::cuda(0));
            #[cfg(not(feature = "cuda"))]
            Err(DeviceError::NotBuilt { device: "cuda" })
        }
        DeviceChoice::Wgpu => {
            #[cfg(feature = "wgpu")]
            return wgpu();
            #[cfg(not(feature = "wgpu"))]
            Err(DeviceError::NotBuilt { device: "wgpu" })
        }
    }
}

/// Whether a device may record the kernels it launches as a graph that it can replay by itself: GPUs
/// may, and CUDA does.
#[must_use]
pub fn may_record(device: &Device) -> bool {
    !crate::fused::computes_on(device)
}

/// The first real GPU. A software rasteriser is the processor by another name, and only passes for a GPU
/// in tests, where `APPRENTICE_SOFTWARE_GPU` is 1.
#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, DeviceError> {
    use burn::tensor::DeviceKind;
    if std::env::var_os("APPRENTICE_SOFTWARE_GPU").is_some_and(|v| v == "1") {
        return proven("wgpu", || Device::wgpu(DeviceKind::Cpu));
    }
    let kinds: [fn() -> Device; 3] = [
        || Device::wgpu(DeviceKind::DiscreteGpu(0)),
        || Device::wgpu(DeviceKind::IntegratedGpu(0)),
        || Device::wgpu(DeviceKind::VirtualGpu(0)),
    ];
    let mut found = kinds
        .into_iter()
        .filter_map(|open| proven("wgpu", open).ok());
    found.next().ok_or(DeviceError::NotThere {
        device: "wgpu",
        reason: "no GPU with a driver was found; a software rasteriser does not count".into(),
    })
}

/// A missing driver makes the backend panic, not fail: the first product is tried on a thread.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn proven(device: &'static str, open: fn() -> Device) -> Result<Device, DeviceError> {
    // What the panic would print is said better below.
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let tried = std::thread::spawn(move || {
        let opened = open();
        let ones = burn::tensor::Tensor::<2>::ones([4, 4], &opened);
        let sum: f32 = ones.clone().matmul(ones).sum().into_scalar();
        (sum, opened)
    });
    let tried = tried.join();
    std::panic::set_hook(loud);
    match tried {
        Ok((sum, opened)) if (sum - 64.0).abs() < 1e-3 => Ok(opened),
        Ok((sum, _)) => Err(DeviceError::NotThere {
            device,
            reason: format!("4x4 ones squared sum to {sum}, not 64"),
        }),
        Err(_) => Err(DeviceError::NotThere {
            device,
            reason: "its driver could not be started".into(),
        }),
    }
}
