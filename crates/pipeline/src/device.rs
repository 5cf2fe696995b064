//! Where networks compute, by name.

use anyhow::{Result, bail};
use apprentice_nn::{DeviceChoice, open_device};
use burn::tensor::Device;

/// The processor.
pub const CPU: &str = "cpu";
/// What the processor was called before, after the library that computes there.
pub const OLD_CPU: &str = "flex";
/// The devices there are, by name.
pub const NAMES: [&str; 3] = [CPU, "cuda", "wgpu"];

/// The name that a device has now.
#[must_use]
pub fn current_name(name: &str) -> &str {
    if name == OLD_CPU { CPU } else { name }
}

/// Opens the device of a name and proves that it computes.
///
/// # Errors
/// When there is no such device, it is not in this build, or it does not work here.
pub fn open(name: &str) -> Result<Device> {
    let choice = match current_name(name) {
        CPU => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda,
        "wgpu" => DeviceChoice::Wgpu,
        other => bail!("device is {other:?}, allowed: {}", NAMES.join(", ")),
    };
    Ok(open_device(choice)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_is_understood_and_others_are_refused() {
        assert_eq!(current_name("flex"), "cpu");
        assert!(open("flex").is_ok() && open("cpu").is_ok());
        let error = open("tpu").unwrap_err().to_string();
        assert!(
            error.contains("\"tpu\", allowed: cpu, cuda, wgpu"),
            "{error}"
        );
    }
}
