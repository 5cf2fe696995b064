//! Axes: from values to pixels, and the round values worth a label.

/// A span of values on an axis of so many pixels.
pub struct Scale {
    /// Lowest value covered.
    pub low: f64,
    /// Highest value covered.
    pub high: f64,
    log: bool,
    /// Where the lowest lies, pixels.
    pub from: f64,
    /// Where the highest lies, pixels.
    pub to: f64,
}

impl Scale {
    /// Covers `values` (those that can be shown), widened so that it is never empty.
    pub fn over(values: impl Iterator<Item = f64>, log: bool, from: f64, to: f64) -> Self {
        let shown = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (mut low, mut high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        if low > high {
            (low, high) = if log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        if low == high {
            let pad = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
            (low, high) = (low - pad, high + pad);
        }
        Self {
            low,
            high,
            log,
            from,
            to,
        }
    }

    /// Where a value lies, pixels; what is far outside is held near the edge.
    pub fn at(&self, value: f64) -> f64 {
        let warp = |v: f64| {
            if self.log {
                v.max(self.low * 0.5).ln()
            } else {
                v
            }
        };
        let share = (warp(value) - warp(self.low)) / (warp(self.high) - warp(self.low));
        self.from + share.clamp(-0.05, 1.05) * (self.to - self.from)
    }

    /// Round values along the axis.
    pub fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let wide = self.high / self.low > 100.0;
            let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = decades.flat_map(|d| steps.iter().map(move |s| s * 10f64.powi(d)));
            return all
                .filter(|v| (self.low * 0.999..=self.high * 1.001).contains(v))
                .collect();
        }
        let rough = (self.high - self.low) / 4.0;
        let size = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|m| m * size)
            .into_iter()
            .find(|s| *s >= rough)
            .unwrap_or(rough);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// A tick's label: as many digits as it needs.
pub fn label(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (2 - value.abs().log10().floor() as i32).clamp(0, 5) as usize
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let scale = |low: f64, high: f64, log| Scale::over([low, high].into_iter(), log, 0.0, 1.0);
        assert_eq!(
            scale(0.0, 1.0, false)
                .ticks()
                .iter()
                .map(|t| label(*t))
                .collect::<Vec<_>>(),
            ["0", "0.25", "0.5", "0.75", "1"]
        );
        assert_eq!(
            scale(0.02, 1.5, true)
                .ticks()
                .iter()
                .map(|t| label(*t))
                .collect::<Vec<_>>(),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(label(-0.25), "\u{2212}0.25");
        assert_eq!(label(600.0), "600");
    }
}
