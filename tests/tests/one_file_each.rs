//! Adding a task, an encoder, an objective, a reward learner, a way to choose questions, a judge, an importer, a stage or a robot is one new file and one
//! changed line. Each folder below `tests/patches` is such an addition: it is made in a copy of the workspace, and
//! the conformance suites of their kinds, which go over everything that is listed, are run there.

// A test that cannot read its own house should stop.
#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An addition, as its `patch.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    /// Where the new file (or, for a robot, the new folder) goes.
    new: PathBuf,
    /// The file (or folder) that goes there, as seen from `patch.toml`.
    from: PathBuf,
    /// What is called otherwise there, and how.
    replace: Option<[String; 2]>,
    /// The one line that is added; none where nothing else changes.
    line: Option<Line>,
    /// The test that goes over everything of this kind, as `cargo test --test NAME`.
    suite: String,
    /// What the suite prints when it has tried the addition.
    tried: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: PathBuf,
    /// The line after which it is added.
    after: String,
    add: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn patches() -> Vec<(String, PathBuf, Patch)> {
    let mut patches: Vec<_> = fs::read_dir(root().join("tests/patches"))
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let text = fs::read_to_string(folder.join("patch.toml")).unwrap();
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            (name, folder, toml::from_str(&text).unwrap())
        })
        .collect();
    patches.sort_by(|a, b| a.0.cmp(&b.0));
    patches
}

/// Copies what differs, so that a second run builds only what has changed.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        let bytes = fs::read(from).unwrap();
        if fs::read(to).ok().as_ref() != Some(&bytes) {
            fs::write(to, bytes).unwrap();
        }
    }
}

/// The workspace with every addition made.
fn patched(patches: &[(String, PathBuf, Patch)]) -> PathBuf {
    let copied = root().join("target/one-file-each");
    for part in ["crates", "tools", "tests", "robots"] {
        // What an earlier run added, or has been deleted since, is not left over.
        let _ = fs::remove_dir_all(copied.join(part));
    }
    for part in [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "README.md",
        "crates",
        "robots",
        "configs",
        "tests",
        "tools",
    ] {
        fs::create_dir_all(&copied).unwrap();
        copy(&root().join(part), &copied.join(part));
    }
    for (name, folder, patch) in patches {
        let new = copied.join(&patch.new);
        assert!(!new.exists(), "{name}: {} is there already", new.display());
        copy(&folder.join(&patch.from), &new);
        if let Some([old, name]) = &patch.replace {
            for entry in fs::read_dir(&new).unwrap() {
                let file = entry.unwrap().path();
                let text = fs::read_to_string(&file).unwrap();
                fs::write(&file, text.replace(old.as_str(), name)).unwrap();
            }
        }
        let Some(line) = &patch.line else { continue };
        let file = copied.join(&line.file);
        let text = fs::read_to_string(&file).unwrap();
        let after = format!("{}\n", line.after);
        assert_eq!(
            text.matches(&after).count(),
            1,
            "{name}: {} has the line {:?} not once",
            line.file.display(),
            line.after
        );
        assert_eq!(line.add.lines().count(), 1, "{name}: more than one line");
        let added = text.replace(&after, &format!("{after}{}\n", line.add));
        fs::write(&file, added).unwrap();
    }
    copied
}

#[test]
fn an_addition_of_every_kind_is_there_and_no_longer_than_a_file_should_be() {
    let patches = patches();
    let kinds: Vec<&str> = patches.iter().map(|p| p.0.as_str()).collect();
    for kind in [
        "encoder",
        "importer",
        "judge",
        "objective",
        "query_strategy",
        "reward_learner",
        "robot",
        "stage",
        "task",
    ] {
        assert!(
            kinds.contains(&kind),
            "no addition of a {kind} in {kinds:?}"
        );
    }
    for (name, folder, patch) in &patches {
        let from = folder.join(&patch.from);
        if from.is_file() {
            let lines = fs::read_to_string(from).unwrap().lines().count();
            assert!(lines <= 500, "{name}: {lines} lines, 500 allowed");
        }
    }
}

/// The names of the packages that come from others, as `Cargo.lock` has them.
fn packages_of_others() -> HashSet<String> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        source: Option<String>,
    }
    let lock: Lock =
        toml::from_str(&fs::read_to_string(root().join("Cargo.lock")).unwrap()).unwrap();
    let others = lock.package.into_iter().filter(|p| p.source.is_some());
    others.map(|p| p.name).collect()
}

/// Puts what this test's own build made of others' packages into the target folder `to`, so that they are not built
/// again: as hard links, since nothing writes to them any more.
fn take_along_packages_of_others(to: &Path) {
    let others = packages_of_others();
    let crates: HashSet<String> = others.iter().map(|n| n.replace('-', "_")).collect();
    let test = std::env::current_exe().unwrap();
    let from = test.parent().unwrap().parent().unwrap();
    let to = to.join(from.file_name().unwrap());
    let named = |folder: &str| {
        fs::create_dir_all(to.join(folder)).unwrap();
        let entries = fs::read_dir(from.join(folder)).unwrap();
        entries.filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().ok()?;
            let (package, _) = name.rsplit_once('-')?;
            Some((package.to_owned(), name))
        })
    };
    for folder in [".fingerprint", "build"] {
        for (package, name) in named(folder) {
            let (from, to) = (from.join(folder).join(&name), to.join(folder).join(&name));
            if others.contains(&package) && !to.exists() {
                copy_with_times(&from, &to);
            }
        }
    }
    for (stem, name) in named("deps") {
        let library = stem.strip_prefix("lib").unwrap_or(&stem);
        let wanted = ["rlib", "rmeta", "so", "dylib", "dll", "d"];
        let extension = Path::new(&name).extension().and_then(|e| e.to_str());
        if crates.contains(library) && extension.is_some_and(|e| wanted.contains(&e)) {
            let (from, to) = (from.join("deps").join(&name), to.join("deps").join(&name));
            if !to.exists() && fs::hard_link(&from, &to).is_err() {
                copy_with_times(&from, &to);
            }
        }
    }
}

/// Copies files and folders as old as they are: cargo builds anew what is younger than what came of it.
fn copy_with_times(from: &Path, to: &Path) {
    let meta = fs::metadata(from).unwrap();
    if meta.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_with_times(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
        let file = fs::File::options().write(true).open(to).unwrap();
        file.set_modified(meta.modified().unwrap()).unwrap();
    }
}

#[test]
#[ignore = "builds our crates a second time, in some minutes: `-- --ignored needs_minutes`"]
fn needs_minutes_one_file_and_one_line_add_one_of_each_kind() {
    let patches = patches();
    let copied = patched(&patches);
    let target = copied.join("target");
    take_along_packages_of_others(&target);
    let mut command = Command::new(env!("CARGO"));
    // What the outer cargo says of this package would have build scripts run, and what is not ours built, again.
    for (name, _) in std::env::vars_os() {
        let outer = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_PRIMARY_",
        ];
        if name
            .to_str()
            .is_some_and(|n| outer.iter().any(|o| n.starts_with(o)))
        {
            command.env_remove(name);
        }
    }
    command.args(["test", "--release", "--workspace", "--locked"]);
    let mut suites: Vec<&str> = patches.iter().map(|p| p.2.suite.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    for suite in suites {
        command.args(["--test", suite]);
    }
    let output = command
        .args(["--", "--nocapture"])
        .current_dir(&copied)
        // Of its own: crates at the same place in another workspace have the same names in a target folder.
        .env("CARGO_TARGET_DIR", &target)
        // Compiled sooner; packages with a level of their own keep it.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for (name, _, patch) in &patches {
        assert!(
            said.contains(&patch.tried),
            "the suite {} did not try the new {name}: {:?} is not in\n{said}",
            patch.suite,
            patch.tried
        );
    }
}
