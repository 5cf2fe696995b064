//! `cargo xtask check-cuda`: the product compiled, not run, with CUDA.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Compiles a copy of the tree with CUDA, so that the lock file stays what it is. `llvm` is a folder
/// with a crate to be used in place of cubecl-llvm, whose build downloads a compiler that is not needed
/// where kernels go through NVRTC.
///
/// # Errors
/// When it does not compile.
pub fn check(llvm: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let target = root.join("target");
    let copy = target.join("check-cuda");
    let _ = std::fs::remove_dir_all(&copy);
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()?;
    for name in String::from_utf8(listed.stdout)?.lines() {
        let (from, to) = (root.join(name), copy.join(name));
        if let (true, Some(folder)) = (from.is_file(), to.parent()) {
            std::fs::create_dir_all(folder)?;
            std::fs::copy(from, to)?;
        }
    }
    let mut cargo = crate::cargo();
    cargo
        .args(["check", "--release", "--workspace"])
        .args(["--features", "apprentice/cuda,bench/cuda"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&copy);
    if let Some(llvm) = llvm {
        let path = llvm
            .canonicalize()
            .map_err(|e| format!("{}: {e}", llvm.display()))?;
        cargo.arg("--config");
        cargo.arg(format!(
            "patch.\"crates-io\".cubecl-llvm.path={:?}",
            path.display().to_string()
        ));
    }
    // Which CUDA to compile for, where there is no toolkit that says so.
    if std::env::var_os("CUDARC_CUDA_VERSION").is_none()
        && Command::new("nvcc").arg("--version").output().is_err()
    {
        cargo.env("CUDARC_CUDA_VERSION", "13000");
    }
    match cargo.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("with CUDA it does not compile ({status})").into()),
    }
}
