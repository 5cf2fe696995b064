//! A gamepad as a device that is read.

use super::device_reader::{DeviceReader, DeviceState};
use super::gamepad_state::{EVENT, GamepadState, decode_event};
use super::operator_input::OperatorInput;
use std::io::{ErrorKind, Read, Result};

/// A gamepad as a joystick device of Linux; it is read for as long as the program runs.
pub type Gamepad = DeviceReader<GamepadState>;

impl DeviceState for GamepadState {
    const NAME: &'static str = "gamepad";
    const MISSING: &'static str = "plug it in or pair it, then see `ls /dev/input/js*` (modprobe joydev where there are none), or use \
                                   --keyboard";

    /// One event, which may come in pieces.
    fn read(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
        let event = buffer.get_mut(..EVENT).ok_or(ErrorKind::InvalidInput)?;
        source.read_exact(event)?;
        Ok(EVENT)
    }

    fn permission(path: &str) -> String {
        format!(
            "add yourself to its group (`ls -l {path}` says which: sudo usermod -aG input $USER) and log in again"
        )
    }

    fn receive(&mut self, bytes: &[u8]) {
        if let Some(event) = bytes.try_into().ok().and_then(decode_event) {
            self.apply(event);
        }
    }

    fn take_input(&mut self) -> OperatorInput {
        self.input()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::DeviceError;
    use std::time::{Duration, Instant};

    fn event(value: i16, kind: u8, number: u8) -> [u8; EVENT] {
        let [low, high] = value.to_ne_bytes();
        [0, 0, 0, 0, low, high, kind, number]
    }

    fn wait(until: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !until() {
            assert!(Instant::now() < deadline, "it never came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_comes_in_pieces_is_put_together_and_a_pad_that_goes_is_let_go_of() {
        let (receive, mut send) = std::io::pipe().unwrap();
        let pad = Gamepad::read_from(receive, "js9".into()).unwrap();
        let stick = event(-32767, 2, 1);
        for part in [&event(1, 1, 4)[..], &stick[..3], &stick[3..]] {
            std::io::Write::write_all(&mut send, part).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        wait(|| pad.input().unwrap().shift == [1.0, 0.0, 0.0]);
        assert!(pad.input().unwrap().deadman);
        drop(send);
        wait(|| pad.input().is_err());
        let error = pad.input().unwrap_err().to_string();
        assert!(
            error.starts_with("the device at js9 cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn devices_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("js0");
        let error = Gamepad::open(&missing).err().unwrap();
        assert!(matches!(error, DeviceError::Missing { .. }), "{error}");
        std::fs::write(&missing, [0; 80]).unwrap();
        let error = Gamepad::open(&missing).err().unwrap().to_string();
        assert!(error.contains("it is no device"), "{error}");
    }
}
