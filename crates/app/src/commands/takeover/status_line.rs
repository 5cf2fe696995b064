//! One line on who has the arm and where it should go.

use anyhow::Result;
use apprentice_control::operator::{JogCommand, who_has_the_arm};
use apprentice_core::CartesianAction;
use apprentice_link::{LinkError, OperatorLink};
use apprentice_robot::RobotDescription;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

/// Time between two lines on a terminal, and elsewhere.
const ON_SCREEN: Duration = Duration::from_millis(100);
const ELSEWHERE: Duration = Duration::from_secs(1);

/// The line; it is written over itself on a terminal.
pub struct StatusLine {
    robot: RobotDescription,
    on_screen: bool,
    next: Option<Instant>,
    /// Times the robot was not heard of while the person held the arm.
    blind: u64,
}

impl StatusLine {
    /// Nothing shown yet.
    pub fn new(robot: &RobotDescription) -> Self {
        Self {
            robot: robot.clone(),
            on_screen: stdout().is_terminal(),
            next: None,
            blind: 0,
        }
    }

    /// Shows how things stand, if it is time to.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(
        &mut self,
        link: &OperatorLink,
        command: &JogCommand,
        chosen: Option<usize>,
        silent: Option<&LinkError>,
        now: Instant,
    ) -> Result<()> {
        self.blind += u64::from(command.deadman && silent.is_some());
        if self.next.is_some_and(|next| now < next) {
            return Ok(());
        }
        let every = if self.on_screen { ON_SCREEN } else { ELSEWHERE };
        self.next = Some(now + every);
        let text = self.text(link, command, chosen, silent);
        let mut out = stdout();
        if self.on_screen {
            let width = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
            let cut: String = text.chars().take(width.saturating_sub(1)).collect();
            // To the beginning of the line, and what is right of it away.
            write!(out, "\r{cut}\x1b[K")?;
        } else {
            writeln!(out, "{text}")?;
        }
        Ok(out.flush()?)
    }

    fn text(
        &self,
        link: &OperatorLink,
        command: &JogCommand,
        chosen: Option<usize>,
        silent: Option<&LinkError>,
    ) -> String {
        let who = if link.has_listener() {
            who_has_the_arm(link.authority_status(), link.client(), command.deadman)
        } else {
            "nobody listens: no policy runs, or not with takeover".into()
        };
        let mut parts = vec![who];
        if let Some(joint) = chosen.and_then(|i| self.robot.joints.get(i)) {
            parts.push(format!("joint {}", joint.name));
        }
        parts.extend(self.target(&command.action));
        if let Some(error) = silent {
            parts.push(format!("the robot is not heard of ({error})"));
        } else if let Some(status) = link.status() {
            parts.push(status.phase.name().to_owned());
            let refused = status.denials.total();
            if refused > 0 {
                parts.push(format!("robot refused {refused}"));
            }
        }
        if self.blind > 0 {
            parts.push(format!("blind {}x", self.blind));
        }
        parts.join(" | ")
    }

    /// Where the arm should go.
    fn target(&self, action: &[f32]) -> Option<String> {
        if action.is_empty() {
            return None;
        }
        if !self.robot.is_cartesian() {
            let joints: Vec<String> = action.iter().map(|q| format!("{q:.2}")).collect();
            return Some(format!("to {}", joints.join(" ")));
        }
        let action = CartesianAction::from_vector(action)?;
        let place = action.pose.translation.vector;
        let (roll, pitch, yaw) = action.pose.rotation.euler_angles();
        Some(format!(
            "to {:.3} {:.3} {:.3} m, {roll:.2} {pitch:.2} {yaw:.2} rad, open {:.3} m",
            place.x, place.y, place.z, action.gripper_width
        ))
    }
}
