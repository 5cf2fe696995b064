//! A cold build, and the CPU seconds of each crate in it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Stands in for rustc: runs it and notes what it took. `times` has a line for the shell and one for what it ran.
const TIMED_RUSTC: &str = r#"#!/bin/sh
"$@"
code=$?
note="$BUILD_COST_NOTES/$$"
echo "$CARGO_PKG_NAME $CARGO_PKG_VERSION" > "$note"
times >> "$note"
exit $code
"#;

/// A package and what compiling it took, its build script and every way it was built included.
pub struct Crate {
    pub name: String,
    pub version: String,
    pub cpu_s: f64,
}

impl Crate {
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({"name": self.name, "version": self.version, "cpu_s": self.cpu_s})
    }
}

/// What a build took.
pub struct Measured {
    /// All of it, build scripts and linking included, CPU seconds.
    pub cpu_s: f64,
    /// The costliest first.
    pub crates: Vec<Crate>,
}

impl Measured {
    /// Builds the default program of the checkout at `source` below `folder`, where nothing may be left from before.
    pub fn of(source: &Path, folder: &Path) -> Result<Self, Box<dyn Error>> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let notes = folder.join("notes");
        fs::create_dir_all(&notes)?;
        let rustc = folder.join("timed-rustc");
        fs::write(&rustc, TIMED_RUSTC)?;
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
        let total = folder.join("total");
        let status = crate::in_shell_without_outer_cargo(
            r#"cargo build --release --locked --timings; code=$?; times > "$BUILD_COST_TOTAL"; exit $code"#,
        )
        .current_dir(source)
        .env("CARGO_TARGET_DIR", folder)
        .env("RUSTC_WRAPPER", &rustc)
        .env("BUILD_COST_NOTES", &notes)
        .env("BUILD_COST_TOTAL", &total)
        .status()?;
        if !status.success() {
            return Err(format!("the build at {} failed ({status})", source.display()).into());
        }
        let mut crates: BTreeMap<(String, String), f64> = BTreeMap::new();
        for note in fs::read_dir(&notes)? {
            let text = fs::read_to_string(note?.path())?;
            let mut lines = text.lines();
            let mut package = lines.next().unwrap_or_default().split(' ');
            let name = package.next().unwrap_or_default().to_owned();
            let version = package.next().unwrap_or_default().to_owned();
            *crates.entry((name, version)).or_default() += of_children(lines.last())?;
        }
        let mut crates: Vec<Crate> = crates
            .into_iter()
            // Cargo asks rustc about itself, too, for no package.
            .filter(|((name, _), _)| !name.is_empty())
            .map(|((name, version), cpu_s)| Crate {
                name,
                version,
                cpu_s,
            })
            .collect();
        crates.sort_by(|a, b| b.cpu_s.total_cmp(&a.cpu_s));
        Ok(Self {
            cpu_s: of_children(fs::read_to_string(&total)?.lines().last())?,
            crates,
        })
    }
}

/// User and system time in a line such as `1m2.50s 0m0.25s`, seconds.
fn of_children(line: Option<&str>) -> Result<f64, Box<dyn Error>> {
    let line = line.ok_or("a note of the build is empty")?;
    let time = |text: &str| {
        let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
    };
    let times: Option<Vec<f64>> = line.split_whitespace().map(time).collect();
    times
        .filter(|t| t.len() == 2)
        .map(|t| t.iter().sum())
        .ok_or_else(|| format!("not what `times` of a shell prints: {line:?}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_shells_are_understood() {
        // As dash and as bash print them.
        let dash = of_children(Some("1m2.500000s 0m0.250000s")).unwrap();
        assert!((dash - 62.75).abs() < 1e-9);
        let bash = of_children(Some("0m0.004s 0m0.001s")).unwrap();
        assert!((bash - 0.005).abs() < 1e-9);
        assert!(of_children(Some("")).is_err() && of_children(None).is_err());
    }
}
