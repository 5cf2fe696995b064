//! Sticks and caps that rest near the middle of their way.

/// A number as a share of the whole way, -1 to 1: 0 nearer to the middle than the dead zone (a share), and rising evenly
/// from its edge.
pub(super) fn share(value: i16, full: f64, dead_zone: f64) -> f64 {
    let share = (f64::from(value) / full).clamp(-1.0, 1.0);
    let beyond = (share.abs() - dead_zone).max(0.0) / (1.0 - dead_zone);
    if beyond == 0.0 {
        0.0
    } else {
        beyond.copysign(share)
    }
}
