//! The mean of a few numbers and how sure it is.

use crate::beta::incomplete_beta;
use crate::search::first_true;

/// Mean and Student's interval of `values`, which holds the true mean with probability `1 - error_rate` where they are
/// drawn independently from a normal distribution: (mean, low, high). `None` of fewer than two.
///
/// ```
/// use apprentice_statistics::mean_interval;
/// // Deviation 0.02, so 4.303 * 0.02 / sqrt(3) to each side.
/// let (mean, low, high) = mean_interval(&[0.10, 0.12, 0.08], 0.05).unwrap();
/// assert!((mean - 0.1).abs() < 1e-12 && (high - low - 0.09937).abs() < 1e-4);
/// ```
#[must_use]
pub fn mean_interval(values: &[f64], error_rate: f64) -> Option<(f64, f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let error = (square / (count - 1.0) / count).sqrt();
    let reach = error * quantile(count - 1.0, error_rate);
    Some((mean, mean - reach, mean + reach))
}

/// The number of standard errors that Student's distribution leaves with probability `error_rate`, to both sides
/// together (DLMF 8.17: the tails are an incomplete beta function).
fn quantile(degrees: f64, error_rate: f64) -> f64 {
    let outside = |t: f64| incomplete_beta(degrees / (degrees + t * t), 0.5 * degrees, 0.5);
    first_true(0.0, 1e6, |t| outside(t) <= error_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, wanted) in [(1.0, 12.706), (2.0, 4.303), (10.0, 2.228), (120.0, 1.980)] {
            let found = quantile(degrees, 0.05);
            assert!((found - wanted).abs() < 6e-4, "{degrees}: {found}");
        }
        assert_eq!(mean_interval(&[1.0], 0.05), None);
    }
}
