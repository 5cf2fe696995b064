//! Episodes that stand for all others: k-medoids by partitioning around medoids (Kaufman and Rousseeuw 1990, chapter 2),
//! among medoids that are there already.

use crate::Distances;

/// Up to `count` of the episodes `from` that, together with those of `fixed`, are closest to all of `from`: the greedy
/// choice one by one, then exchanges for as long as one makes it better. The loss is [`Distances::loss`]; a local
/// minimum, as the method gives. Ties by index.
#[must_use]
pub fn k_medoids(
    distances: &Distances,
    fixed: &[usize],
    from: &[usize],
    count: usize,
) -> Vec<usize> {
    let mut medoids: Vec<usize> = Vec::new();
    let to_fixed: Vec<f64> = from.iter().map(|&i| distances.loss(&[i], fixed)).collect();
    let loss = |medoids: &[usize]| -> f64 {
        let nearest = |(&i, &fixed): (&usize, &f64)| {
            let to = medoids.iter().map(|&m| distances.between(i, m));
            to.fold(fixed, f64::min)
        };
        from.iter().zip(&to_fixed).map(nearest).sum()
    };
    while medoids.len() < count {
        let with = |m: usize| loss(&[medoids.as_slice(), &[m]].concat());
        let free = from.iter().filter(|m| !medoids.contains(m));
        let best = free.map(|&m| (with(m), m));
        let Some((_, best)) = best.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else {
            break;
        };
        medoids.push(best);
    }
    let mut now = loss(&medoids);
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for place in 0..medoids.len() {
            for &other in from.iter().filter(|m| !medoids.contains(m)) {
                let mut exchanged = medoids.clone();
                exchanged[place] = other;
                let then = loss(&exchanged);
                // Rounding is no improvement.
                if then < now - 1e-12 * now.abs() && best.is_none_or(|b| then < b.0) {
                    best = Some((then, place, other));
                }
            }
        }
        let Some((then, place, other)) = best else {
            return medoids;
        };
        medoids[place] = other;
        now = then;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Seed;
    use rand::Rng as _;

    /// The least loss of all choices.
    fn by_trying_all(d: &Distances, fixed: &[usize], from: &[usize], count: usize) -> f64 {
        fn choose(
            from: &[usize],
            count: usize,
            chosen: &mut Vec<usize>,
            each: &mut dyn FnMut(&[usize]),
        ) {
            if count == 0 {
                return each(chosen);
            }
            for (i, &first) in from.iter().enumerate() {
                chosen.push(first);
                choose(&from[i + 1..], count - 1, chosen, each);
                chosen.pop();
            }
        }
        let mut least = f64::INFINITY;
        choose(from, count, &mut Vec::new(), &mut |chosen| {
            least = least.min(d.loss(from, &[fixed, chosen].concat()));
        });
        least
    }

    #[test]
    fn it_comes_to_what_trying_all_comes_to_or_close() {
        let (mut exact, mut worst) = (0, 1.0f64);
        for seed in 0..40 {
            let mut rng = Seed(seed).rng();
            let points: Vec<[f64; 2]> = (0..12).map(|_| [rng.random(), rng.random()]).collect();
            let d = Distances::of(12, |i, j| {
                (points[i][0] - points[j][0]).hypot(points[i][1] - points[j][1])
            });
            let all: Vec<usize> = (0..12).collect();
            let fixed: &[usize] = if seed % 2 == 0 { &[] } else { &[3, 7] };
            let found = k_medoids(&d, fixed, &all, 3);
            assert_eq!(found.len(), 3);
            let (found, least) = (
                d.loss(&all, &[fixed, &found].concat()),
                by_trying_all(&d, fixed, &all, 3),
            );
            assert!(found >= least - 1e-9);
            exact += usize::from(found < least + 1e-9);
            worst = worst.max(found / least);
        }
        // Exchanges end in a local minimum; on this size nearly always in the least.
        assert!(exact >= 34 && worst < 1.15, "{exact} of 40, worst {worst}");
    }

    #[test]
    fn clusters_have_a_medoid_each_and_those_there_are_count() {
        let place = [0.0, 0.1, 0.2, 5.0, 5.1, 5.2, 9.0, 9.1, 9.2];
        let d = Distances::of(9, |i, j| f64::abs(place[i] - place[j]));
        let all: Vec<usize> = (0..9).collect();
        let mut found = k_medoids(&d, &[], &all, 3);
        found.sort_unstable();
        assert_eq!(found, [1, 4, 7]);
        assert_eq!(k_medoids(&d, &[1, 7], &all, 1), [4]);
        assert_eq!(k_medoids(&d, &[], &[2, 3], 5).len(), 2);
        assert!(k_medoids(&d, &[], &[], 2).is_empty());
    }
}
