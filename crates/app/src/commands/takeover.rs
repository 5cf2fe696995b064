//! `apprentice takeover`: a person takes the arm over with a keyboard, a gamepad or a SpaceMouse.

mod keyboard;
mod status_line;

use crate::cli::TakeoverArgs;
use anyhow::{Context as _, Result, bail};
use apprentice_control::operator::{Gamepad, Jog, JogConfig, OperatorInput, SpaceMouse};
use apprentice_link::OperatorLink;
use apprentice_link::security::Security;
use apprentice_pipeline::context::start_for;
use keyboard::Keyboard;
use signal_hook::consts::TERM_SIGNALS;
use status_line::StatusLine;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Time between two messages, as robots/PROTOCOL.md asks for at least 20 a second.
const PERIOD: Duration = Duration::from_millis(20);
/// How long the robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// When robot or device are not there, not ours to use, or go away.
pub fn run(args: &TakeoverArgs) -> Result<()> {
    let security = Security::from_settings(&args.reach.security, &args.reach.keys)?;
    start_for(&security)?;
    let mut link =
        OperatorLink::connect_with(&args.reach.endpoint, &args.reach.robot, &security, PATIENCE)
            .context("the arm cannot be taken over")?;
    let config = JogConfig {
        speed_m_s: args.speed,
        turn_rad_s: args.turn,
        ..JogConfig::default()
    };
    let jog = Jog::new(link.description(), config)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        signal_hook::flag::register(*signal, Arc::clone(&stop))?;
    }
    // Last: whatever fails before this leaves the terminal as it was.
    let mut device = Device::open(args)?;
    println!("{}\r", device.legend(jog.moves_tool()));
    let ran = hold(&mut link, jog, &mut device, &stop);
    drop(device);
    // The arm stops now, not only when nothing was heard for a while. One message may be lost.
    for _ in 0..3 {
        link.send(false, false, &[])?;
        std::thread::sleep(PERIOD);
    }
    println!();
    ran
}

/// Says what the person asks for until the person leaves.
fn hold(
    link: &mut OperatorLink,
    mut jog: Jog,
    device: &mut Device,
    stop: &AtomicBool,
) -> Result<()> {
    let mut line = StatusLine::new(link.description());
    let mut last = Instant::now();
    let mut next = last + PERIOD;
    while !stop.load(Relaxed) {
        let Some(input) = device.input(next)? else {
            break;
        };
        let state = link.state();
        let now = Instant::now();
        let command = jog.tick(&input, state.as_ref().ok(), (now - last).as_secs_f64());
        last = now;
        link.send(command.deadman, command.hand_back, &command.action)?;
        line.show(link, &command, jog.chosen(), state.as_ref().err(), now)?;
        // After a stall messages are not made up for.
        next = (next + PERIOD).max(now);
    }
    Ok(())
}

/// What the person's hands are on.
enum Device {
    Keyboard(Keyboard),
    Gamepad(Gamepad),
    SpaceMouse(SpaceMouse),
}

impl Device {
    fn open(args: &TakeoverArgs) -> Result<Self> {
        match (&args.gamepad, &args.spacemouse) {
            (Some(path), _) => Ok(Self::Gamepad(Gamepad::open(path)?)),
            (None, Some(path)) => Ok(Self::SpaceMouse(SpaceMouse::open(path)?)),
            (None, None) => Ok(Self::Keyboard(Keyboard::open()?)),
        }
    }

    /// What the person asks for at a time; `None` when the person leaves.
    fn input(&mut self, at: Instant) -> Result<Option<OperatorInput>> {
        match self {
            Self::Keyboard(keyboard) => keyboard.input(at),
            Self::Gamepad(gamepad) => {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                match gamepad.input() {
                    Ok(input) => Ok(Some(input)),
                    Err(error) => bail!(error),
                }
            }
            Self::SpaceMouse(mouse) => {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                match mouse.input() {
                    Ok(input) => Ok(Some(input)),
                    Err(error) => bail!(error),
                }
            }
        }
    }

    /// How to use it, where the tool is moved or single joints are.
    fn legend(&self, tool: bool) -> String {
        match self {
            Self::Keyboard(keyboard) => keyboard.legend(tool),
            Self::SpaceMouse(_) => {
                "Move the cap to have the arm; left button closes, right opens.\r\n\
                 Let go and the arm stops; both buttons hand it back to the policy. Ctrl-C leaves."
                    .into()
            }
            Self::Gamepad(_) => {
                let moves = if tool {
                    "left stick x and y, right stick z and turn, cross tilts"
                } else {
                    "cross left and right choose a joint, left stick up and down moves it"
                };
                format!(
                    "Hold a shoulder button (L1 or R1) to have the arm: {moves}; A (cross) closes, X or Y opens; start (R2) goes on\r\n\
                     with single joints, or back to the tool.\r\n\
                     Let go and the arm stops; B (circle) hands it back to the policy. Ctrl-C leaves."
                )
            }
        }
    }
}
