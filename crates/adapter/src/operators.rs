//! People who take over robots that speak something else.

use apprentice_link::security::{Role, Security, SecurityError};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::{Inbox, LinkError, OperatorAccess, TakeoverInbox};
use apprentice_robot::RobotDescription;
use std::sync::Arc;
use std::time::Duration;
use zenoh::Session;

/// How long an address may take to be listened at.
const PATIENCE: Duration = Duration::from_secs(5);

/// The network of a robot that we are guests of, as operators' devices would use it too.
pub(crate) struct SharedNetwork {
    pub session: Session,
    /// Whether it lets in only whom it knows, by rules that are not ours.
    guarded: bool,
}

impl SharedNetwork {
    /// The network that `session` was let into by `security`.
    pub fn new(session: Session, security: &Security) -> Self {
        let guarded = matches!(security, Security::Keys { .. });
        Self { session, guarded }
    }

    /// A network that `session` was let into by a configuration of its own.
    pub fn guarded(session: Session) -> Self {
        Self {
            session,
            guarded: true,
        }
    }

    /// Listens to devices where `access` says, and shows them the robot whose states are `states`.
    pub fn takeover(
        &self,
        robot: &RobotDescription,
        states: &Arc<Inbox>,
        access: OperatorAccess<'_>,
    ) -> Result<TakeoverInbox, LinkError> {
        match access {
            // Its keys may prove who connects, but not that they are an operator's device.
            OperatorAccess::Shared if self.guarded => Err(SecurityError::UnjudgedOperators {
                robot: robot.name.clone(),
            }
            .into()),
            OperatorAccess::Shared => TakeoverInbox::in_place_of(robot, states, &self.session),
            OperatorAccess::Own { endpoint, security } => {
                let session = Participant {
                    role: Role::Runtime,
                    connection: Connection::Listen,
                    robot: &robot.name,
                    endpoint,
                }
                .open(security, PATIENCE)?;
                TakeoverInbox::in_place_of(robot, states, &session)
            }
        }
    }
}
