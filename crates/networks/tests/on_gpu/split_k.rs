//! Few rows, as they are where a robot waits for one chunk.

use super::{apart, chunks, gpu, numbers, rng, unet};
use apprentice_nn::{Conv1d, ConvTranspose1d, gaussian, mish};
use burn::tensor::Device;

#[test]
fn split_k_convolves_as_on_the_processor() {
    let device = gpu();
    // Batch, length, channels in and out, kernel, stride, padding.
    let sizes = [
        [1, 16, 10, 64, 5, 1, 2],
        [1, 4, 256, 512, 5, 1, 2],
        [1, 16, 64, 10, 1, 1, 0],
        [3, 8, 33, 7, 3, 2, 1],
        [2, 16, 48, 130, 3, 2, 1],
        [1, 3, 9, 1, 3, 1, 1],
        [7, 5, 12, 20, 4, 3, 0],
    ];
    for [b, l, i, o, k, s, p] in sizes {
        let answer = |device: &Device| {
            let layer = Conv1d::new(i, o, k, s, p, &mut rng(), device);
            numbers(layer.forward(gaussian([b, l, i], &mut rng(), device)))
        };
        let error = apart(&answer(&device), &answer(&Device::flex()));
        assert!(error < 1e-5, "{:?}: {error}", [b, l, i, o, k, s, p]);
    }
    for [b, l, i, o] in [[1, 4, 64, 64], [3, 5, 17, 9], [1, 1, 3, 2]] {
        let answer = |device: &Device| {
            let layer = ConvTranspose1d::new(i, o, &mut rng(), device);
            numbers(layer.forward(gaussian([b, l, i], &mut rng(), device)))
        };
        let error = apart(&answer(&device), &answer(&Device::flex()));
        assert!(error < 1e-5, "{:?}: {error}", [b, l, i, o]);
    }
}

#[test]
fn the_unet_answers_few_chunks_as_on_the_processor() {
    let device = gpu();
    for batch in [1, 3] {
        let answers = |device: &Device| {
            let (x, steps, cond) = chunks(device);
            let (x, steps, cond) = (
                x.slice(0..batch),
                steps.slice(0..batch),
                cond.slice(0..batch),
            );
            let net = unet(device);
            let whole = net.forward(x.clone(), steps.clone(), cond.clone()).unwrap();
            let modulations =
                net.step_modulations(steps) + mish(cond).matmul(net.condition_weights());
            let modulated = net.forward_modulated(x, &modulations).unwrap();
            [numbers(whole), numbers(modulated)]
        };
        let (found, wanted) = (answers(&device), answers(&Device::flex()));
        for (f, w) in found.iter().zip(&wanted) {
            let error = apart(f, w);
            assert!(error < 2e-5, "{batch} chunks: {error}");
        }
    }
}

#[test]
fn split_k_sums_are_the_same_bits_each_time() {
    let device = gpu();
    let layer = Conv1d::new(512, 256, 5, 1, 2, &mut rng(), &device);
    let x = gaussian([1, 8, 512], &mut rng(), &device);
    let first = numbers(layer.forward(x.clone()));
    for _ in 0..5 {
        assert_eq!(numbers(layer.forward(x.clone())), first);
    }
}
