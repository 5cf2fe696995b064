//! How far two orders agree.

/// Kendall's tau-b of two lists of numbers about the same things: 1 for the same order, -1 for the opposite one; ties
/// count in neither direction. `None` where one of them puts everything level, or the lists differ in length.
///
/// Kendall, "Rank correlation methods" (1970).
///
/// ```
/// let tau = apprentice_statistics::kendall_tau_b(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]);
/// assert!((tau.unwrap() - 1.0 / 3.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn kendall_tau_b(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() != second.len() {
        return None;
    }
    let side = |a: f64, b: f64| f64::from(i8::from(a > b) - i8::from(a < b));
    let (mut agree, mut of_first, mut of_second) = (0.0, 0.0, 0.0);
    for (i, (&a, &x)) in first.iter().zip(second).enumerate() {
        for (&b, &y) in first.iter().zip(second).take(i) {
            let (s, t) = (side(a, b), side(x, y));
            agree += s * t;
            of_first += s.abs();
            of_second += t.abs();
        }
    }
    let scale = (of_first * of_second).sqrt();
    (scale > 0.0).then(|| agree / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_and_extremes() {
        let up = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(kendall_tau_b(&up, &[2.0, 4.0, 6.0, 8.0]), Some(1.0));
        assert_eq!(kendall_tau_b(&up, &[4.0, 3.0, 2.0, 1.0]), Some(-1.0));
        // Five of six pairs agree and one is level: 5 / sqrt(6 * 5).
        let tied = kendall_tau_b(&up, &[1.0, 1.0, 2.0, 3.0]).unwrap();
        assert!((tied - 5.0 / 30.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(kendall_tau_b(&up, &[1.0; 4]), None);
        assert_eq!(kendall_tau_b(&up, &[1.0]), None);
    }
}
