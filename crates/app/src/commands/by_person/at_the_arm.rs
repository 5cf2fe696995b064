//! What a person is asked between episodes, and what they answer by single keys.

use super::driver::Watched;
use super::keys::PersonKeys;
use crate::cli::DeviceKind;
use anyhow::Result;
use apprentice_control::Agent;
use apprentice_pipeline::by_person::{Decision, Person, RecordedTake};
use apprentice_pipeline::takes::Decided;
use apprentice_preference::Verdict;
use std::cell::RefCell;
use std::rc::Rc;

/// The person.
pub struct AtTheArm {
    who: String,
    by: DeviceKind,
    agent: Watched,
    keys: Rc<RefCell<PersonKeys>>,
}

impl AtTheArm {
    /// Of this name, with this device.
    pub fn new(who: &str, by: DeviceKind, agent: Watched, keys: Rc<RefCell<PersonKeys>>) -> Self {
        Self {
            who: who.to_owned(),
            by,
            agent,
            keys,
        }
    }

    fn legend(&self) -> &'static str {
        match self.by {
            DeviceKind::Keyboard => {
                "w s x, a d y, r f z; u o, i k, j l turn the tool; v opens, c closes; t goes on with single joints \
                 (n p choose, w s move), or back"
            }
            DeviceKind::Gamepad => {
                "hold L1 or R1 to move; left stick x and y, right stick z and turn, cross tilts; A closes, X or Y opens; \
                 start (R2) goes on with single joints, or back; B ends it too"
            }
            DeviceKind::Spacemouse => {
                "the cap moves and turns the tool; left button closes, right opens; both end it too"
            }
            DeviceKind::Leader => "the arm approaches the leader slowly, then follows it",
            DeviceKind::Network => "the arm does what the device says",
        }
    }
}

impl Person for AtTheArm {
    fn who(&self) -> &str {
        &self.who
    }

    fn agent(&mut self) -> &mut dyn Agent {
        &mut self.agent
    }

    fn ready(&mut self, what: &str, sets_up: bool) -> Result<bool> {
        let mut keys = self.keys.borrow_mut();
        let scene = if sets_up {
            "press Enter to begin"
        } else {
            "set up the scene. When you press Enter the arm moves to its home posture, then begins"
        };
        keys.say(&format!(
            "{what}: {scene} (q leaves)\n  {}; Enter ends the episode",
            self.legend()
        ));
        loop {
            match keys.wait()? {
                None | Some('q' | '\u{1b}') => return Ok(false),
                Some('\n') => return Ok(true),
                Some(_) => {}
            }
        }
    }

    fn decide(&mut self, take: &RecordedTake) -> Result<Option<Decision>> {
        let mut keys = self.keys.borrow_mut();
        keys.settle()?;
        keys.show("");
        let measured = match take.measured {
            Some(true) => ", the robot saw the task done",
            Some(false) => ", the robot saw the task not done",
            None => "",
        };
        keys.say(&format!(
            "{}: {:.1} s, {} ticks{measured}\n  \
             k keep, r redo, d discard; before that y n u: success yes, no, unsure; m a note; q asks again next time",
            take.file, take.seconds, take.ticks
        ));
        let (mut success, mut note) = (None, None);
        loop {
            let Some(key) = keys.wait()? else {
                return Ok(None);
            };
            let decided = match key {
                'k' => Decided::Keep,
                'r' => Decided::Redo,
                'd' => Decided::Discard,
                'y' | 'n' | 'u' => {
                    let (verdict, word) = match key {
                        'y' => (Verdict::Yes, "yes"),
                        'n' => (Verdict::No, "no"),
                        _ => (Verdict::Unsure, "unsure"),
                    };
                    success = Some(verdict);
                    keys.say(&format!("  success: {word}"));
                    continue;
                }
                'm' => {
                    keys.show("  note: ");
                    let Some(text) = keys.line()? else {
                        return Ok(None);
                    };
                    note = Some(text).filter(|t| !t.is_empty());
                    continue;
                }
                'q' | '\u{1b}' => return Ok(None),
                _ => continue,
            };
            return Ok(Some(Decision {
                decided,
                success,
                note,
            }));
        }
    }

    fn tell(&mut self, text: &str) {
        self.keys.borrow().say(&format!("  {text}"));
    }
}
