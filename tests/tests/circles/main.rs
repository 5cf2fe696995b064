//! Files import one another in one direction: no file needs, by whatever way round, a file that needs it.

// A test that cannot read its own house should stop.
#![allow(clippy::unwrap_used)]

mod source;

use source::Crate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

type Arrows = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

fn reach<'a>(arrows: &'a Arrows, from: &'a PathBuf) -> BTreeSet<&'a PathBuf> {
    let (mut queue, mut seen) = (vec![from], BTreeSet::new());
    while let Some(file) = queue.pop() {
        for next in arrows.get(file).into_iter().flatten() {
            if seen.insert(next) {
                queue.push(next);
            }
        }
    }
    seen
}

/// Files that need each other, and which of them names which.
fn circles(arrows: &Arrows) -> Vec<String> {
    let reached: BTreeMap<_, _> = arrows.keys().map(|f| (f, reach(arrows, f))).collect();
    let within = |a: &PathBuf, b: &PathBuf| {
        reached.get(a).is_some_and(|r| r.contains(b))
            && reached.get(b).is_some_and(|r| r.contains(a))
    };
    let mut found = Vec::new();
    for (file, needs) in arrows {
        for other in needs.iter().filter(|other| within(file, other)) {
            found.push(format!("{} -> {}", file.display(), other.display()));
        }
    }
    found
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let mut files = 0;
    let mut found = Vec::new();
    for folder in ["crates", "tools"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let sources = entry.unwrap().path().join("src");
            let face = ["lib.rs", "main.rs"].map(|name| sources.join(name));
            for face in face.iter().filter(|f| f.exists()) {
                let arrows = Crate::read(face).arrows();
                files += arrows.len();
                found.extend(circles(&arrows));
            }
        }
    }
    assert!(files > 400, "only {files} files were found");
    assert!(
        found.is_empty(),
        "circles of imports:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_circle_is_found_and_a_parent_that_only_names_its_children_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "lib.rs",
        "pub mod a;\nmod b;\npub use b::Thing;\nuse a::A;\n",
    );
    write("a.rs", "mod deep;\nuse crate::Thing;\npub struct A;\n");
    write(
        "a/deep.rs",
        "// use super::A;\nfn f() { let _ = crate::b::thing(); }\n",
    );
    write("b.rs", "pub struct Thing;\npub fn thing() {}\n");
    let lib = folder.path().join("lib.rs");
    assert_eq!(circles(&Crate::read(&lib).arrows()), [""; 0]);
    write(
        "b.rs",
        "use crate::a::{self, A};\npub struct Thing;\npub fn thing() {}\n",
    );
    let found = circles(&Crate::read(&lib).arrows());
    assert_eq!(found.len(), 2, "{found:?}");
    write("b.rs", "pub struct Thing;\npub fn thing() {}\n");
    write("a/deep.rs", "use super::A;\n");
    write("a.rs", "mod deep;\nuse deep::f;\npub struct A;\n");
    assert_eq!(circles(&Crate::read(&lib).arrows()).len(), 2);
}
