//! Where something that only grows becomes true.

/// The place between `low` and `high` from which on `holds` is true, to the last digits; `high` where it never is.
pub(crate) fn first_true(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
