//! What shapes have.

/// A shape with an area.
pub trait HasArea {
    /// Its area, square metres.
    fn area_m2(&self) -> f64;
}
