//! An optimiser's step.

use crate::ShapeError;
use crate::operand::Operand;
use burn::tensor::DType;

const ADAMW: &str = "adamw";

/// A value, a gradient of its shape, moments and perhaps a moving average of as many numbers in a line, and
/// the one number of 32 bits that the gradient is multiplied with.
pub(crate) fn adamw(
    value: &Operand,
    gradient: &Operand,
    moments: [&Operand; 2],
    average: Option<&Operand>,
    scale: &Operand,
) -> Result<(), ShapeError> {
    gradient.is_like(ADAMW, value)?;
    let count = [value.count()];
    for state in moments.into_iter().chain(average) {
        state.has_shape(ADAMW, &count, "as many numbers as the value has")?;
        state.has_dtype(ADAMW, value.dtype())?;
    }
    scale.has_shape(ADAMW, &[1], "one number")?;
    scale.has_dtype(ADAMW, DType::F32)
}

/// Partial sums `[S]` in 32 bits, at least one.
pub(crate) fn add_squares(sums: &Operand) -> Result<(), ShapeError> {
    let [count] = sums.dims("add_squares")?;
    ShapeError::unless(
        count > 0,
        "add_squares",
        "number of sums",
        count,
        "1 or more",
    )?;
    sums.has_dtype("add_squares", DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    #[test]
    fn state_of_another_size_is_refused() {
        let value = f32("value", &[3, 4]);
        let check =
            |gradient: &[usize], m: usize, v: usize, average: Option<usize>, scale: usize| {
                let [m, v] = [f32("m", &[m]), f32("v", &[v])];
                let average = average.map(|n| f32("average", &[n]));
                let gradient = f32("gradient", gradient);
                let scale = f32("scale", &[scale]);
                adamw(&value, &gradient, [&m, &v], average.as_ref(), &scale)
            };
        assert_eq!(check(&[3, 4], 12, 12, None, 1), Ok(()));
        assert_eq!(check(&[3, 4], 12, 12, Some(12), 1), Ok(()));
        refused(
            check(&[4, 3], 12, 12, None, 1),
            "gradient is [4, 3], allowed: [3, 4], as value",
        );
        refused(check(&[3, 4], 11, 12, None, 1), "m is [11], allowed: [12]");
        refused(check(&[3, 4], 12, 13, None, 1), "v is [13], allowed: [12]");
        refused(
            check(&[3, 4], 12, 12, Some(4), 1),
            "average is [4], allowed: [12]",
        );
        refused(
            check(&[3, 4], 12, 12, None, 2),
            "scale is [2], allowed: [1]",
        );
    }

    #[test]
    fn state_of_another_type_is_refused() {
        let (value, m, v) = (f32("value", &[4]), f32("m", &[4]), bf16("v", &[4]));
        let step = adamw(
            &value,
            &f32("gradient", &[4]),
            [&m, &v],
            None,
            &f32("scale", &[1]),
        );
        refused(step, "v is of BF16 numbers, allowed: F32");
        let step = adamw(
            &value,
            &f32("gradient", &[4]),
            [&m, &m],
            None,
            &bf16("scale", &[1]),
        );
        refused(step, "scale is of BF16 numbers");
    }

    #[test]
    fn sums_are_a_line_of_32_bits() {
        assert_eq!(add_squares(&f32("sums", &[64])), Ok(()));
        refused(add_squares(&f32("sums", &[0])), "number of sums is 0");
        refused(add_squares(&f32("sums", &[8, 8])), "1 dimensions");
        refused(add_squares(&bf16("sums", &[64])), "of BF16 numbers");
    }
}
