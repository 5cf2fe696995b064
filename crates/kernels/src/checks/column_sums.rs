//! Sums of many rows.

use crate::ShapeError;
use crate::operand::Operand;
use burn::tensor::DType;

/// x [R, C].
pub(crate) fn column_sums(x: &Operand) -> Result<(), ShapeError> {
    x.dims::<2>("column_sums").map(|_| ())
}

/// Sums [parts, stride] in 32 bits, of which `channels` columns from `first` on are added up.
pub(crate) fn sum_parts(sums: &Operand, first: usize, channels: usize) -> Result<(), ShapeError> {
    let [_, stride] = sums.dims("column_sums")?;
    sums.has_dtype("column_sums", DType::F32)?;
    ShapeError::unless(
        first.checked_add(channels).is_some_and(|end| end <= stride),
        "column_sums",
        "first column",
        first,
        format_args!("so that {channels} columns fit {stride}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    #[test]
    fn columns_beyond_the_last_are_refused() {
        assert_eq!(column_sums(&f32("x", &[7, 5])), Ok(()));
        refused(
            column_sums(&f32("x", &[7])),
            "x is [7], allowed: 2 dimensions",
        );
        assert_eq!(sum_parts(&f32("sums", &[3, 10]), 5, 5), Ok(()));
        refused(
            sum_parts(&f32("sums", &[3, 10]), 6, 5),
            "first column is 6, allowed: so that 5",
        );
        refused(
            sum_parts(&f32("sums", &[3, 10]), usize::MAX, 5),
            "so that 5 columns fit 10",
        );
        refused(sum_parts(&bf16("sums", &[3, 10]), 0, 5), "of BF16 numbers");
        refused(sum_parts(&f32("sums", &[10]), 0, 5), "2 dimensions");
    }
}
