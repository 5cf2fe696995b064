//! How long an answer takes.

/// Seconds that an answer takes of itself, before any is known: a guess, for people who watch four clips side by side.
const BASE_S: f64 = 12.0;
/// Seconds more for each bit of what the answer leaves open: near ties take longer.
const BIT_S: f64 = 2.0;
/// Answers that the guess counts as.
const GUESS_COUNTS: f64 = 3.0;
/// An answer that took longer than this is somebody who did something else, seconds.
const LONGEST_S: f64 = 300.0;

/// Seconds an answer takes: `base + bit x (entropy of the answer, bits)`, fitted to this person's answers so far (ridge
/// regression towards the guess).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerTime {
    /// Seconds of every answer.
    pub base_s: f64,
    /// Seconds for each bit.
    pub bit_s: f64,
    /// Answers it was fitted to.
    pub answers: usize,
}

impl Default for AnswerTime {
    fn default() -> Self {
        Self {
            base_s: BASE_S,
            bit_s: BIT_S,
            answers: 0,
        }
    }
}

impl AnswerTime {
    /// From (bits that the answer left open, where that was told; seconds it took).
    #[must_use]
    pub fn fit(answers: &[(Option<f64>, f64)]) -> Self {
        let usable = |a: &&(Option<f64>, f64)| a.1 > 0.0 && a.1 <= LONGEST_S;
        let answers: Vec<&(Option<f64>, f64)> = answers.iter().filter(usable).collect();
        let told = answers.iter().filter_map(|a| a.0);
        let usual = told.clone().sum::<f64>() / (told.count().max(1) as f64);
        // Differences from the guess, of (1, bits).
        let (mut ones, mut bits, mut squares, mut sum, mut product) =
            (GUESS_COUNTS, 0.0, GUESS_COUNTS * 4.0, 0.0, 0.0);
        for (open, seconds) in &answers {
            let open = open.unwrap_or(usual);
            let off = seconds - BASE_S - BIT_S * open;
            ones += 1.0;
            bits += open;
            squares += open * open;
            sum += off;
            product += open * off;
        }
        let determinant = ones * squares - bits * bits;
        let base = (squares * sum - bits * product) / determinant;
        let bit = (ones * product - bits * sum) / determinant;
        Self {
            base_s: (BASE_S + base).max(1.0),
            bit_s: (BIT_S + bit).max(0.0),
            answers: answers.len(),
        }
    }

    /// Seconds that are expected of an answer that leaves so many bits open.
    #[must_use]
    pub fn seconds(&self, answer_bits: f64) -> f64 {
        (self.base_s + self.bit_s * answer_bits).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_s_own_times_replace_the_guess() {
        assert_eq!(AnswerTime::fit(&[]), AnswerTime::default());
        let took = |open: f64| (Some(open), 30.0 + 5.0 * open);
        let answers: Vec<_> = (0..200).map(|i| took(f64::from(i % 5))).collect();
        let fitted = AnswerTime::fit(&answers);
        assert!((fitted.base_s - 30.0).abs() < 1.0, "{fitted:?}");
        assert!((fitted.bit_s - 5.0).abs() < 0.5, "{fitted:?}");
        // One answer moves it a quarter of the way at most, a pause not at all.
        let one = AnswerTime::fit(&[(None, 60.0), (Some(1.0), 4_000.0)]);
        assert!(
            one.answers == 1 && one.base_s > 15.0 && one.base_s < 30.0,
            "{one:?}"
        );
    }
}
