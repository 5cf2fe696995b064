//! Shapes.

use crate::area::HasArea;

apprentice_core::registry! {
    /// Any shape.
    pub enum Shape: HasArea {
        square::Square = "square",
        circle::Circle = "full_circle",
    }
}
