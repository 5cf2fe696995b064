//! Who decides while a person demonstrates, and the keys that end an episode whatever the device is.

use super::keys::PersonKeys;
use apprentice_control::operator::{InputSource, LeaderAgent, PersonAgent};
use apprentice_control::{Agent, ControlError, TeleopAgent};
use apprentice_core::{ActionChunk, PolicyInput};
use std::cell::RefCell;
use std::rc::Rc;

/// What a person drives with.
pub enum Driver {
    /// A device whose motions move the tool or joints.
    Hands(Box<PersonAgent<Box<dyn InputSource>>>),
    /// A second arm.
    Leader(Box<LeaderAgent>),
    /// A device on the link.
    Network(TeleopAgent),
}

impl Driver {
    fn agent(&mut self) -> &mut dyn Agent {
        match self {
            Self::Hands(agent) => agent.as_mut(),
            Self::Leader(agent) => agent.as_mut(),
            Self::Network(agent) => agent,
        }
    }

    /// What is moved now, in words.
    fn moves(&self) -> String {
        match self {
            Self::Hands(agent) => agent.moves(),
            Self::Leader(agent) if agent.has_reached() => "follows the leader".into(),
            Self::Leader(_) => "approaches the leader".into(),
            Self::Network(_) => "follows the device".into(),
        }
    }
}

/// A driver whose episodes a key ends.
pub struct Watched {
    driver: Driver,
    keys: Rc<RefCell<PersonKeys>>,
    /// Whether the driver reads the keys itself.
    own_keys: bool,
    policy_hz: f64,
    done: bool,
}

impl Watched {
    /// Of this driver; `own_keys` says that it reads the keys itself.
    pub fn new(
        driver: Driver,
        keys: Rc<RefCell<PersonKeys>>,
        own_keys: bool,
        policy_hz: f64,
    ) -> Self {
        Self {
            driver,
            keys,
            own_keys,
            policy_hz,
            done: false,
        }
    }
}

impl Agent for Watched {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let tick = inputs.first().map_or(0, |input| input.tick);
        if tick == 0 {
            self.keys.borrow_mut().begin();
            self.done = false;
        }
        if !self.own_keys {
            let pressed = self.keys.borrow_mut().drive();
            let pressed = pressed.map_err(|e| ControlError::Agent {
                got: e.to_string(),
                expected: "the terminal's keys".into(),
            })?;
            self.done |= pressed.hand_back;
        }
        let chunks = self.driver.agent().plan(inputs)?;
        let seconds = tick as f64 / self.policy_hz;
        let status = format!("{seconds:6.1} s | {} | Enter ends it", self.driver.moves());
        self.keys.borrow().show(&status);
        Ok(chunks)
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn is_done(&self) -> bool {
        let of_driver = match &self.driver {
            Driver::Hands(agent) => agent.is_done(),
            Driver::Leader(_) | Driver::Network(_) => false,
        };
        self.done || of_driver
    }
}
