//! The page in a real browser.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a command to its end.
fn ran(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}; needed are node 20, npm and chromium (Debian: nodejs npm chromium)"
    );
}

/// The sample server, which cargo has built beside this test.
fn server() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    folder.join("examples/serve_sample")
}

/// The tests' programs and those they need, below target. What they check is in `tools/browser/page.mjs`.
fn installed() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let from = root.join("tools/browser");
    let to = root.join("target/browser");
    std::fs::create_dir_all(&to).unwrap();
    let same =
        |name: &str| std::fs::read(from.join(name)).ok() == std::fs::read(to.join(name)).ok();
    let there = to.join("node_modules/axe-core").is_dir() && same("package-lock.json");
    for entry in std::fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    if !there {
        ran(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&to));
    }
    let web = to.join("web");
    std::fs::create_dir_all(&web).unwrap();
    for entry in std::fs::read_dir(root.join("crates/page/web")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, web.join(path.file_name().unwrap())).unwrap();
    }
    to
}

#[test]
#[ignore = "needs node, npm, chromium and, once, the npm registry"]
fn needs_browser_the_page_works_in_chromium() {
    let folder = installed();
    ran(Command::new("node")
        .args(["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"])
        .current_dir(&folder));
    let results = std::env::var_os("APPRENTICE_BROWSER_JSON");
    let results = results.map_or_else(|| folder.join("results.json"), PathBuf::from);
    ran(Command::new("node")
        .arg("page.mjs")
        .args([server(), results, folder.join("screenshots")])
        .current_dir(&folder));
}
