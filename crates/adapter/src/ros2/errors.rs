//! How what goes wrong is said.

use crate::error_context::ErrorContext;

/// How what goes wrong is said.
pub(super) const ERRORS: ErrorContext = ErrorContext {
    adapter: "ROS 2",
    no_session: "see whether rmw_zenohd or zenoh-bridge-ros2dds runs there, and whether `mode` in [adapter] is right",
    silent: "see whether its driver runs, and whether the topic, `domain` (ROS_DOMAIN_ID), `keys` and `hashes` in [adapter] are the robot's (`ros2 topic list -t` says which there are)",
    message: "see whether the topic in [adapter] has this type (`ros2 topic info -v` says which)",
};
