//! Matrices that are symmetric and positive definite.

/// The inverse of one of `n` rows, row-major, by eliminating column after column; no pivots are needed.
pub(crate) fn inverse(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for i in 0..n {
        inverse[i * n + i] = 1.0;
    }
    for column in 0..n {
        let pivot = matrix[column * n + column];
        for k in 0..n {
            matrix[column * n + k] /= pivot;
            inverse[column * n + k] /= pivot;
        }
        for row in (0..n).filter(|row| *row != column) {
            let factor = matrix[row * n + column];
            if factor == 0.0 {
                continue;
            }
            for k in 0..n {
                matrix[row * n + k] -= factor * matrix[column * n + k];
                inverse[row * n + k] -= factor * inverse[column * n + k];
            }
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let matrix = vec![4.0, 1.0, -1.0, 1.0, 3.0, 0.5, -1.0, 0.5, 2.0];
        let inverse = inverse(matrix.clone(), 3);
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| matrix[i * 3 + k] * inverse[k * 3 + j]).sum();
                let wanted = f64::from(u8::from(i == j));
                assert!((product - wanted).abs() < 1e-12, "{i} {j}: {product}");
            }
        }
    }
}
