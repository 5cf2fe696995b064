//! Which order a person would say, and how likely (Plackett 1975, Luce 1959).

/// Every order of `count` places, best first; the identity comes first.
#[must_use]
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        all = all
            .iter()
            .flat_map(|begun: &Vec<usize>| {
                let rest = (0..count).filter(|place| !begun.contains(place));
                rest.map(|next| [begun.as_slice(), &[next]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    all
}

/// Probability of an order of `utilities`, best first, where the best of those left is named with the probability of a
/// softmax, one after the other (Plackett-Luce).
#[must_use]
pub fn probability_of_order(utilities: &[f64], order: &[usize]) -> f64 {
    let most = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |&i: &usize| utilities.get(i).map_or(0.0, |u| (u - most).exp());
    let mut left: f64 = order.iter().map(weight).sum();
    let mut probability = 1.0;
    for place in order {
        let own = weight(place);
        probability *= if left > 0.0 {
            (own / left).min(1.0)
        } else {
            1.0
        };
        left -= own;
    }
    probability
}

/// Entropy, bits.
#[must_use]
pub fn entropy(probabilities: &[f64]) -> f64 {
    let bits = |&p: &f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    probabilities.iter().map(bits).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_are_those_of_the_softmax() {
        let utilities = [0.3, -1.0, 2.0, 0.9];
        let all = orders(4);
        assert_eq!((all.len(), &all[0][..]), (24, &[0, 1, 2, 3][..]));
        let sum: f64 = all
            .iter()
            .map(|o| probability_of_order(&utilities, o))
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
        // That the first of two is named first, however many others there are.
        let first = all.iter().filter(|o| o[0] == 2);
        let first: f64 = first.map(|o| probability_of_order(&utilities, o)).sum();
        let weights: Vec<f64> = utilities.iter().map(|u: &f64| u.exp()).collect();
        assert!((first - weights[2] / weights.iter().sum::<f64>()).abs() < 1e-12);
        let far = probability_of_order(&[900.0, -900.0], &[0, 1]);
        assert_eq!((far, entropy(&[0.25; 4])), (1.0, 2.0));
    }
}
