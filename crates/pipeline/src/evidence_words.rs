//! How strong the evidence of rankings is, in words.

use apprentice_reward::Evidence;

/// What the rankings that were kept back say of the reward, and how many more would do where that is too little.
/// `rankings` is how many were given (skipped ones do not count), `limit` the largest chance of a fluke.
#[must_use]
pub fn evidence_in_words(evidence: &Evidence, rankings: usize, limit: f64) -> String {
    if evidence.pairs == 0 {
        return format!(
            "there were no pairs to judge by: {rankings} rankings, each with a best and another, leave none to keep back; rank more"
        );
    }
    let right = evidence.accuracy * evidence.pairs as f64;
    let found = format!(
        "right in {} of {} pairs kept back, chance {:.1} %, allowed {} %",
        (right * 10.0).round() / 10.0,
        evidence.pairs,
        evidence.p_value * 100.0,
        limit * 100.0
    );
    if evidence.p_value <= limit {
        return found;
    }
    if limit <= 0.0 {
        return format!("{found}: nothing is allowed to count as evidence (reward.significance)");
    }
    match evidence.more_rankings(rankings, limit) {
        Some(1) => format!("thin evidence: {found}; about one more ranking like these would do"),
        Some(more) => {
            format!("thin evidence: {found}; about {more} more rankings like these would do")
        }
        None => format!("no evidence: {found}; more rankings like these would not help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_evidence_is_called_thin_and_none_is_called_none() {
        let evidence = |accuracy, pairs, p_value| Evidence {
            accuracy,
            pairs,
            p_value,
        };
        let thin = evidence_in_words(&evidence(13.0 / 14.0, 14, 0.011), 5, 0.01);
        assert_eq!(
            thin,
            "thin evidence: right in 13 of 14 pairs kept back, chance 1.1 %, allowed 1 %; about one more ranking like these would do"
        );
        let thinner = evidence_in_words(&evidence(0.75, 12, 0.06), 4, 0.01);
        assert!(thinner.contains("about 5 more rankings"), "{thinner}");
        let none = evidence_in_words(&evidence(0.5, 12, 0.6), 4, 0.01);
        assert!(none.starts_with("no evidence"), "{none}");
        let nothing = evidence_in_words(&evidence(0.5, 0, 1.0), 1, 0.01);
        assert!(nothing.contains("no pairs"), "{nothing}");
        let enough = evidence_in_words(&evidence(0.9, 40, 0.001), 12, 0.01);
        assert!(enough.starts_with("right in 36 of 40"), "{enough}");
    }
}
