//! How what goes wrong is said.

use crate::error_context::ErrorContext;

/// How what goes wrong is said.
pub(super) const ERRORS: ErrorContext = ErrorContext {
    adapter: "physicalai",
    no_session: "see whether the robot's owner runs there, and whether `mode` in [adapter] is right",
    silent: "see whether the owner runs, and whether `robot` in [adapter] is what it calls the robot",
    message: "see whether the owner is of physicalai 0.3.0",
};
