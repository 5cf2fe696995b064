//! A SpaceMouse as a device that is read. Untested on hardware: only on bytes recorded from one.

use super::device_reader::{DeviceReader, DeviceState};
use super::operator_input::OperatorInput;
use super::space_mouse_state::SpaceMouseState;
use std::io::{Read, Result};

/// A SpaceMouse as a raw HID device of Linux; it is read for as long as the program runs.
pub type SpaceMouse = DeviceReader<SpaceMouseState>;

impl DeviceState for SpaceMouseState {
    const NAME: &'static str = "SpaceMouse";
    const MISSING: &'static str =
        "plug it in, then see `ls /dev/hidraw*`: its number may change when it is plugged in again";

    /// One report.
    fn read(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
        source.read(buffer)
    }

    fn permission(_: &str) -> String {
        "a udev rule such as KERNEL==\"hidraw*\", ATTRS{idVendor}==\"256f\", MODE=\"0660\", GROUP=\"input\" lets its group \
         read it"
            .into()
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.apply(bytes);
    }

    fn take_input(&mut self) -> OperatorInput {
        self.input()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::path::Path;
    use std::time::{Duration, Instant};

    #[test]
    fn reports_move_the_tool_and_a_device_that_goes_is_let_go_of() {
        let (receive, mut send) = std::io::pipe().unwrap();
        let mouse = SpaceMouse::read_from(receive, "hidraw9".into()).unwrap();
        send.write_all(&[3, 2, 0]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while mouse.input().unwrap().open <= 0.0 {
            assert!(Instant::now() < deadline, "it never came");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(send);
        let error = loop {
            assert!(Instant::now() < deadline, "it never went");
            if let Err(error) = mouse.input() {
                break error.to_string();
            }
        };
        assert!(
            error.contains("hidraw9 cannot be read: it has ended"),
            "{error}"
        );
        let missing = SpaceMouse::open(Path::new("/dev/hidraw-none"))
            .err()
            .unwrap();
        assert!(
            missing.to_string().contains("there is no SpaceMouse at"),
            "{missing}"
        );
    }
}
