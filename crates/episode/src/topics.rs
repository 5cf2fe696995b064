//! Where things lie in an episode's file.

/// Name of the metadata record that holds [`EpisodeMeta`].
pub(crate) const META_RECORD: &str = "apprentice.episode";
/// The key in that record under which the JSON lies.
pub(crate) const META_KEY: &str = "json";
/// Topic of [`crate::message::State`].
pub(crate) const STATE_TOPIC: &str = "/state";
/// Topic of [`crate::message::Action`], the last message of a tick.
pub(crate) const ACTION_TOPIC: &str = "/action";

/// Topic of [`crate::message::Effort`], for ticks that have any.
pub(crate) const EFFORT_TOPIC: &str = "/effort";

/// Topic of a camera's pictures.
pub(crate) fn camera_topic(name: &str) -> String {
    format!("/camera/{name}")
}
