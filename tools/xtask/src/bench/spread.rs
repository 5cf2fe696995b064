//! How times are spread.

/// Median, quartiles and 99th percentile.
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
    pub p99: f64,
}

impl Spread {
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * times.len().saturating_sub(1) as f64).round() as usize;
            times.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
            p99: at(0.99),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!(
            "{:.1} ({:.1}-{:.1}, {:.1})",
            self.median, self.low, self.high, self.p99
        ))
    }
}
