//! Convolutions of few rows and what follows them.

use super::normalization::groups_divide;
use crate::ShapeError;
use crate::operand::Operand;
use crate::split_k::{Conv1dGeometry, OutputSize};
use burn::tensor::DType;

const SUMS: &str = "split_k convolution";
const EPILOGUE: &str = "split_k epilogue";

/// x [B, L, C], perhaps more channels [B, L, C'] and weights [kernel x (C + C'), O], none of them empty.
pub(crate) fn partial_sums(
    x: &Operand,
    skip: Option<&Operand>,
    weight: &Operand,
    geometry: Conv1dGeometry,
) -> Result<(), ShapeError> {
    let [samples, length, mut inputs] = x.dims(SUMS)?;
    let [_, outputs] = weight.dims(SUMS)?;
    if let Some(skip) = skip {
        let [_, _, more] = skip.dims(SUMS)?;
        skip.has_shape(SUMS, &[samples, length, more], "samples and places of x")?;
        skip.has_dtype(SUMS, x.dtype())?;
        inputs += more;
    }
    geometry.check(SUMS, length)?;
    for (what, size) in [
        ("number of samples", samples),
        ("channels in", inputs),
        ("channels out", outputs),
    ] {
        ShapeError::unless(size > 0, SUMS, what, size, "1 or more")?;
    }
    let wanted = [geometry.kernel * inputs, outputs];
    weight.has_shape(
        SUMS,
        &wanted,
        "kernel places times channels in, channels out",
    )?;
    weight.has_dtype(SUMS, x.dtype())
}

/// Partial sums [S, B x L, O] in 32 bits and a bias `[O]`.
pub(crate) fn epilogue(sums: &Operand, bias: &Operand, size: OutputSize) -> Result<(), ShapeError> {
    let rows = size.batch * size.length;
    sums_and_bias(sums, bias, [rows, size.channels], size.channels)
}

/// Partial sums [S, B x L / 2, 4 O] in 32 bits and a bias `[O]`.
pub(crate) fn epilogue_transposed(
    sums: &Operand,
    bias: &Operand,
    size: OutputSize,
) -> Result<(), ShapeError> {
    let length = size.length;
    let even = length.is_multiple_of(2);
    ShapeError::unless(
        even,
        EPILOGUE,
        "length of the output",
        length,
        "an even number",
    )?;
    let rows = size.batch * length / 2;
    sums_and_bias(sums, bias, [rows, 4 * size.channels], size.channels)
}

fn sums_and_bias(
    sums: &Operand,
    bias: &Operand,
    [rows, columns]: [usize; 2],
    channels: usize,
) -> Result<(), ShapeError> {
    let [splits, ..] = sums.dims::<3>(EPILOGUE)?;
    ShapeError::unless(
        splits > 0,
        EPILOGUE,
        "number of splits",
        splits,
        "1 or more",
    )?;
    let wanted = [splits, rows, columns];
    sums.has_shape(
        EPILOGUE,
        &wanted,
        "splits, rows and columns of the products",
    )?;
    sums.has_dtype(EPILOGUE, DType::F32)?;
    bias.has_shape(EPILOGUE, &[channels], "a number a channel out")
}

/// A GroupNorm's weights.
pub(crate) struct NormOperands<'a> {
    pub gamma: &'a Operand,
    pub beta: &'a Operand,
}

/// What is applied or added after Mish.
pub(crate) enum Addend<'a> {
    None,
    /// FiLM by the 2 O numbers from `from` on of each row of [B, M].
    Film {
        modulations: &'a Operand,
        from: usize,
    },
    /// The sum with [B, L, O].
    Residual(&'a Operand),
    /// The sum with another convolution's partial sums and bias.
    ResidualSums {
        sums: &'a Operand,
        bias: &'a Operand,
    },
}

/// [`epilogue`], then a GroupNorm with gamma and beta `[O]`, Mish and what comes after it.
pub(crate) fn epilogue_norm(
    sums: &Operand,
    bias: &Operand,
    norm: &NormOperands<'_>,
    after: &Addend<'_>,
    size: OutputSize,
) -> Result<(), ShapeError> {
    epilogue(sums, bias, size)?;
    let channels = size.channels;
    for affine in [norm.gamma, norm.beta] {
        affine.has_shape(EPILOGUE, &[channels], "a number a channel out")?;
        affine.has_dtype(EPILOGUE, bias.dtype())?;
    }
    groups_divide(EPILOGUE, size.groups, channels)?;
    match *after {
        Addend::None => Ok(()),
        Addend::Film { modulations, from } => {
            let [_, width] = modulations.dims(EPILOGUE)?;
            modulations.has_shape(EPILOGUE, &[size.batch, width], "a row a sample")?;
            ShapeError::unless(
                from.checked_add(2 * channels)
                    .is_some_and(|end| end <= width),
                EPILOGUE,
                "where a block's modulations begin",
                from,
                format_args!("so that {} numbers fit a row of {width}", 2 * channels),
            )?;
            modulations.has_dtype(EPILOGUE, bias.dtype())
        }
        Addend::Residual(other) => {
            let wanted = [size.batch, size.length, channels];
            other.has_shape(EPILOGUE, &wanted, "as the output")?;
            other.has_dtype(EPILOGUE, bias.dtype())
        }
        Addend::ResidualSums {
            sums,
            bias: other_bias,
        } => {
            epilogue(sums, other_bias, size)?;
            other_bias.has_dtype(EPILOGUE, bias.dtype())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    const THREE: Conv1dGeometry = Conv1dGeometry {
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    const SIZE: OutputSize = OutputSize {
        batch: 2,
        length: 4,
        channels: 6,
        groups: 3,
    };

    #[test]
    fn convolutions_of_wrong_widths_are_refused() {
        let check = |x: &[usize], skip: Option<&[usize]>, weight: &[usize]| {
            let skip = skip.map(|s| f32("skip", s));
            partial_sums(&f32("x", x), skip.as_ref(), &f32("weight", weight), THREE)
        };
        assert_eq!(check(&[2, 4, 5], None, &[15, 6]), Ok(()));
        assert_eq!(check(&[2, 4, 5], Some(&[2, 4, 3]), &[24, 6]), Ok(()));
        refused(
            check(&[2, 4, 6], None, &[15, 6]),
            "weight is [15, 6], allowed: [18, 6]",
        );
        refused(
            check(&[2, 4, 5], Some(&[2, 4, 3]), &[15, 6]),
            "allowed: [24, 6]",
        );
        refused(
            check(&[2, 4, 5], Some(&[2, 5, 3]), &[24, 6]),
            "skip is [2, 5, 3]",
        );
        refused(
            check(&[2, 4, 5], Some(&[1, 4, 3]), &[24, 6]),
            "skip is [1, 4, 3]",
        );
        refused(
            check(&[4, 5], None, &[15, 6]),
            "x is [4, 5], allowed: 3 dimensions",
        );
        refused(check(&[0, 4, 5], None, &[15, 6]), "number of samples is 0");
        refused(check(&[2, 4, 0], None, &[0, 6]), "channels in is 0");
        refused(check(&[2, 4, 5], None, &[15, 0]), "channels out is 0");
        refused(check(&[2, 0, 5], None, &[15, 6]), "length is 0");
    }

    #[test]
    fn geometries_that_do_not_fit_are_refused() {
        let check = |kernel, stride, padding| {
            let geometry = Conv1dGeometry {
                kernel,
                stride,
                padding,
            };
            let weight = f32("weight", &[5 * kernel, 6]);
            partial_sums(&f32("x", &[2, 4, 5]), None, &weight, geometry)
        };
        refused(check(0, 1, 0), "kernel is 0");
        refused(check(3, 0, 0), "stride is 0");
        refused(check(7, 1, 1), "length is 4, allowed: 5 or more");
    }

    #[test]
    fn convolutions_of_mixed_types_are_refused() {
        let (x, weight) = (bf16("x", &[1, 4, 5]), f32("weight", &[15, 6]));
        refused(
            partial_sums(&x, None, &weight, THREE),
            "weight is of F32 numbers",
        );
        let weight = bf16("weight", &[30, 6]);
        let skip = f32("skip", &[1, 4, 5]);
        refused(
            partial_sums(&x, Some(&skip), &weight, THREE),
            "skip is of F32 numbers",
        );
    }

    #[test]
    fn sums_of_another_size_are_refused() {
        let check =
            |sums: &[usize], bias: &[usize]| epilogue(&f32("sums", sums), &f32("bias", bias), SIZE);
        assert_eq!(check(&[7, 8, 6], &[6]), Ok(()));
        refused(
            check(&[7, 9, 6], &[6]),
            "sums is [7, 9, 6], allowed: [7, 8, 6]",
        );
        refused(check(&[7, 8, 5], &[6]), "sums is [7, 8, 5]");
        refused(check(&[0, 8, 6], &[6]), "number of splits is 0");
        refused(check(&[8, 6], &[6]), "3 dimensions");
        refused(check(&[7, 8, 6], &[5]), "bias is [5], allowed: [6]");
        let half = epilogue(&bf16("sums", &[7, 8, 6]), &bf16("bias", &[6]), SIZE);
        refused(half, "sums is of BF16 numbers, allowed: F32");
    }

    #[test]
    fn doubled_lines_need_four_products_for_two_places() {
        let check = |sums: &[usize], size| {
            epilogue_transposed(&f32("sums", sums), &f32("bias", &[6]), size)
        };
        assert_eq!(check(&[7, 4, 24], SIZE), Ok(()));
        refused(check(&[7, 8, 24], SIZE), "allowed: [7, 4, 24]");
        refused(check(&[7, 4, 6], SIZE), "allowed: [7, 4, 24]");
        let odd = OutputSize { length: 5, ..SIZE };
        refused(check(&[7, 5, 24], odd), "length of the output is 5");
    }

    fn norm_check(gamma: &Operand, after: &Addend<'_>, size: OutputSize) -> Result<(), ShapeError> {
        let beta = f32("beta", &[6]);
        let norm = NormOperands { gamma, beta: &beta };
        epilogue_norm(
            &f32("sums", &[7, 8, 6]),
            &f32("bias", &[6]),
            &norm,
            after,
            size,
        )
    }

    #[test]
    fn norms_of_another_width_or_type_are_refused() {
        let gamma = f32("gamma", &[6]);
        assert_eq!(norm_check(&gamma, &Addend::None, SIZE), Ok(()));
        let wide = f32("gamma", &[7]);
        refused(
            norm_check(&wide, &Addend::None, SIZE),
            "gamma is [7], allowed: [6]",
        );
        let half = bf16("gamma", &[6]);
        refused(
            norm_check(&half, &Addend::None, SIZE),
            "gamma is of BF16 numbers",
        );
        let four = OutputSize { groups: 4, ..SIZE };
        refused(
            norm_check(&gamma, &Addend::None, four),
            "number of groups is 4",
        );
    }

    #[test]
    fn what_follows_has_to_fit_the_output() {
        let gamma = f32("gamma", &[6]);
        let check = |after: Addend<'_>| norm_check(&gamma, &after, SIZE);
        let film = |shape: &[usize], from| {
            let modulations = f32("modulations", shape);
            check(Addend::Film {
                modulations: &modulations,
                from,
            })
        };
        assert_eq!(film(&[2, 20], 8), Ok(()));
        refused(
            film(&[2, 20], 9),
            "modulations begin is 9, allowed: so that 12 numbers fit a row of 20",
        );
        refused(film(&[2, 20], usize::MAX), "fit a row of 20");
        refused(film(&[1, 20], 8), "modulations is [1, 20]");
        refused(film(&[2, 1, 20], 8), "2 dimensions");
        let half = bf16("modulations", &[2, 20]);
        let half = Addend::Film {
            modulations: &half,
            from: 0,
        };
        refused(check(half), "modulations is of BF16 numbers");
        assert_eq!(check(Addend::Residual(&f32("other", &[2, 4, 6]))), Ok(()));
        refused(
            check(Addend::Residual(&f32("other", &[2, 4, 5]))),
            "allowed: [2, 4, 6]",
        );
        refused(
            check(Addend::Residual(&f32("other", &[1, 4, 6]))),
            "allowed: [2, 4, 6]",
        );
        refused(
            check(Addend::Residual(&bf16("other", &[2, 4, 6]))),
            "of BF16 numbers",
        );
        let other = |sums: &[usize], bias: &Operand| {
            let sums = f32("other sums", sums);
            check(Addend::ResidualSums { sums: &sums, bias })
        };
        let bias = f32("other bias", &[6]);
        assert_eq!(other(&[3, 8, 6], &bias), Ok(()));
        refused(other(&[3, 7, 6], &bias), "other sums is [3, 7, 6]");
        refused(
            other(&[3, 8, 6], &f32("other bias", &[4])),
            "other bias is [4]",
        );
        refused(
            other(&[3, 8, 6], &bf16("other bias", &[6])),
            "of BF16 numbers",
        );
    }
}
