//! Group normalisation.

use crate::ShapeError;
use crate::operand::Operand;
use burn::tensor::DType;

const GROUP_NORM: &str = "group_norm";

/// x [B, .., C] with gamma and beta `[C]`, in groups that divide C.
pub(crate) fn group_norm(
    x: &Operand,
    gamma: &Operand,
    beta: &Operand,
    groups: usize,
) -> Result<(), ShapeError> {
    let [_, channels] = x.samples_and_channels(GROUP_NORM)?;
    for affine in [gamma, beta] {
        affine.has_shape(GROUP_NORM, &[channels], "a number a channel of x")?;
        affine.has_dtype(GROUP_NORM, x.dtype())?;
    }
    groups_divide(GROUP_NORM, groups, channels)
}

/// Groups of as many channels each.
pub(super) fn groups_divide(
    operation: &'static str,
    groups: usize,
    channels: usize,
) -> Result<(), ShapeError> {
    ShapeError::unless(
        groups > 0 && channels.is_multiple_of(groups),
        operation,
        "number of groups",
        groups,
        format_args!("1 or more that divide the {channels} channels"),
    )
}

/// [`group_norm`], mean and inverse standard deviation of every group, [B, groups, 2], in 32 bits, and the
/// gradient of the output.
pub(crate) fn group_norm_gradients(
    x: &Operand,
    gamma: &Operand,
    beta: &Operand,
    statistics: &Operand,
    gradient: &Operand,
) -> Result<(), ShapeError> {
    let [_, groups, _] = statistics.dims(GROUP_NORM)?;
    group_norm(x, gamma, beta, groups)?;
    let wanted = [x.shape()[0], groups, 2];
    statistics.has_shape(GROUP_NORM, &wanted, "two numbers a sample and group")?;
    statistics.has_dtype(GROUP_NORM, DType::F32)?;
    gradient.is_like(GROUP_NORM, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    #[test]
    fn wrong_channels_and_groups_are_refused() {
        let check = |x: &[usize], gamma: &[usize], beta: &[usize], groups| {
            group_norm(
                &f32("x", x),
                &f32("gamma", gamma),
                &f32("beta", beta),
                groups,
            )
        };
        assert_eq!(check(&[2, 5, 6], &[6], &[6], 3), Ok(()));
        assert_eq!(check(&[2, 4, 5, 6], &[6], &[6], 6), Ok(()));
        refused(
            check(&[2, 5, 8], &[6], &[6], 2),
            "gamma is [6], allowed: [8]",
        );
        refused(
            check(&[2, 5, 6], &[6], &[5], 3),
            "beta is [5], allowed: [6]",
        );
        refused(check(&[2, 5, 6], &[1, 6], &[6], 3), "gamma is [1, 6]");
        refused(check(&[6], &[6], &[6], 3), "2 dimensions or more");
        refused(check(&[2, 5, 6], &[6], &[6], 4), "number of groups is 4");
        refused(check(&[2, 5, 6], &[6], &[6], 0), "number of groups is 0");
    }

    #[test]
    fn other_types_are_refused() {
        let (x, gamma, beta) = (
            bf16("x", &[2, 3, 4]),
            f32("gamma", &[4]),
            bf16("beta", &[4]),
        );
        refused(
            group_norm(&x, &gamma, &beta, 2),
            "gamma is of F32 numbers, allowed: BF16",
        );
    }

    #[test]
    fn gradients_need_statistics_of_every_group() {
        let (x, gamma, beta) = (f32("x", &[2, 5, 6]), f32("gamma", &[6]), f32("beta", &[6]));
        let check = |statistics: &Operand, gradient: &Operand| {
            group_norm_gradients(&x, &gamma, &beta, statistics, gradient)
        };
        let statistics = f32("statistics", &[2, 3, 2]);
        assert_eq!(check(&statistics, &f32("gradient", &[2, 5, 6])), Ok(()));
        refused(
            check(&f32("statistics", &[1, 3, 2]), &x),
            "allowed: [2, 3, 2]",
        );
        refused(
            check(&f32("statistics", &[2, 3, 1]), &x),
            "allowed: [2, 3, 2]",
        );
        refused(
            check(&f32("statistics", &[2, 4, 2]), &x),
            "number of groups is 4",
        );
        refused(check(&f32("statistics", &[6, 2]), &x), "3 dimensions");
        refused(
            check(&bf16("statistics", &[2, 3, 2]), &x),
            "of BF16 numbers",
        );
        refused(
            check(&statistics, &f32("gradient", &[2, 5, 7])),
            "allowed: [2, 5, 6]",
        );
    }
}
