//! Networks as files: what comes back, what is refused, and what a reader is told.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_networks::{UNet1d, UNetConfig, load_module, read_metadata, save_module};
use apprentice_nn::Linear;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn linear(input: usize, output: usize, seed: u64, device: &Device) -> Linear {
    Linear::new(input, output, &mut ChaCha8Rng::seed_from_u64(seed), device)
}

fn unet(seed: u64) -> UNet1d {
    let config = UNetConfig {
        action_dim: 3,
        cond_dim: 5,
        dims: vec![8, 16],
        kernel: 5,
        groups: 4,
        step_dim: 8,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    UNet1d::new(&config, &mut rng, &Device::flex()).unwrap()
}

fn answer(unet: &UNet1d) -> Vec<f32> {
    let device = Device::flex();
    let x = Tensor::<3>::ones([1, 8, 3], &device);
    let cond = Tensor::<2>::ones([1, 5], &device);
    let out = unet.forward(x, Tensor::<1>::ones([1], &device), cond);
    out.unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn a_network_and_its_metadata_come_back() {
    let metadata = BTreeMap::from([
        ("format".to_owned(), "1".to_owned()),
        ("task".to_owned(), "mug \"by the handle\"".to_owned()),
    ]);
    let (first, second) = (file("unet-1.safetensors"), file("unet-2.safetensors"));
    let saved = unet(1);
    save_module(&saved, &first, &metadata).unwrap();
    let (loaded, found) = load_module(unet(2), &first).unwrap();
    assert_eq!(found, metadata);
    assert_eq!(read_metadata(&first).unwrap(), metadata);
    assert_ne!(answer(&saved), answer(&unet(2)));
    assert_eq!(answer(&saved), answer(&loaded));
    save_module(&loaded, &second, &metadata).unwrap();
    let bytes = |path| std::fs::read(path).unwrap();
    assert!(
        bytes(&first) == bytes(&second),
        "the same network gives the same bytes"
    );
}

#[test]
fn what_is_loaded_learns_as_it_did_before() {
    let device = Device::flex().autodiff();
    let path = file("learns.safetensors");
    save_module(&linear(3, 2, 1, &device), &path, &BTreeMap::new()).unwrap();
    let learns = |module: &Linear| {
        let out = module.forward(Tensor::<2>::ones([4, 3], &device).require_grad());
        !GradientsParams::from_grads(out.sum().backward(), module).is_empty()
    };
    let (loaded, _) = load_module(linear(3, 2, 2, &device), &path).unwrap();
    assert!(learns(&loaded), "loaded weights have gradients");
    let (frozen, _) = load_module(linear(3, 2, 2, &device).no_grad(), &path).unwrap();
    assert!(!learns(&frozen), "frozen weights stay frozen");
    let plain = Device::flex();
    let (loaded, _) = load_module(linear(3, 2, 2, &plain), &path).unwrap();
    assert!(learns(&loaded.train()), "and after Module::train");
}

#[test]
fn a_missing_tensor_is_named() {
    let path = file("missing.safetensors");
    save_module(&linear(3, 2, 1, &Device::flex()), &path, &BTreeMap::new()).unwrap();
    let error = load_module(unet(1), &path).unwrap_err().to_string();
    let told = "missing.safetensors: tensor 'step_in.weight' of shape [8, 32] is missing";
    assert!(error.contains(told), "{error}");
}

#[test]
fn another_shape_is_told_with_both_shapes() {
    let device = Device::flex();
    let path = file("shape.safetensors");
    save_module(&linear(3, 2, 1, &device), &path, &BTreeMap::new()).unwrap();
    let error = load_module(linear(4, 2, 1, &device), &path).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("tensor 'weight' has shape [3, 2], expected [4, 2]"),
        "{error}"
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let device = Device::flex();
    let path = file("whole.safetensors");
    save_module(&linear(3, 2, 1, &device), &path, &BTreeMap::new()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let cut = file("cut.safetensors");
    for length in 0..bytes.len() {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let error = load_module(linear(3, 2, 1, &device), &cut).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("may be cut short: write or copy it again"),
            "{error}"
        );
    }
    // Two numbers of bias, then six of weights, eight-byte aligned at the end of the file.
    for (missing, tensor) in [(1, "weight"), (24, "weight"), (25, "bias"), (32, "bias")] {
        std::fs::write(&cut, &bytes[..bytes.len() - missing]).unwrap();
        let told = format!("tensor {tensor} ends at byte ");
        let error = load_module(linear(3, 2, 1, &device), &cut).unwrap_err();
        assert!(error.to_string().contains(&told), "{missing}: {error}");
        let error = read_metadata(&cut).unwrap_err();
        assert!(error.to_string().contains(&told), "{missing}: {error}");
    }
    let nowhere = file("no/such/file.safetensors");
    let error = load_module(linear(3, 2, 1, &device), &nowhere).unwrap_err();
    assert!(error.to_string().contains("reading failed"), "{error}");
}
