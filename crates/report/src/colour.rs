//! Which colour stands for what; `page.css` gives the class `k-<name>` its light and dark tone.

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// The policy before alignment, or a second, lesser thing.
    Before,
    /// The policy after alignment, or the main thing.
    After,
    /// Episodes that ended the preferred way.
    Preferred,
    /// Episodes that ended the other way.
    Other,
    /// Episodes in which the task failed.
    Failed,
}

impl Colour {
    /// Its class.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Before => "k-before",
            Self::After => "k-after",
            Self::Preferred => "k-preferred",
            Self::Other => "k-other",
            Self::Failed => "k-failed",
        }
    }
}
