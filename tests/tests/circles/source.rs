//! The modules of a crate, and which of them name which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module with a file of its own.
struct Module {
    file: PathBuf,
    /// Paths that the file names, in words: `crate::a::B`, `super::C`, `a::b::C`.
    names: Vec<Vec<String>>,
    text: String,
    /// What it hands on by another's name: the name, and the path it stands for.
    handed_on: BTreeMap<String, Vec<String>>,
}

/// The modules of a crate by their paths, the crate's own being empty.
pub struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

impl Crate {
    /// Reads a crate from its `lib.rs` or `main.rs`.
    pub fn read(face: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut queue = vec![(Vec::new(), face.to_path_buf())];
        while let Some((path, file)) = queue.pop() {
            let text = without_tests(&code(&std::fs::read_to_string(&file).unwrap()));
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let below = match stem {
                "lib" | "main" | "mod" => file.parent().unwrap().to_path_buf(),
                stem => file.with_file_name(stem),
            };
            for child in children(&text) {
                let places = [
                    below.join(format!("{child}.rs")),
                    below.join(&child).join("mod.rs"),
                ];
                if let Some(file) = places.into_iter().find(|p| p.exists()) {
                    queue.push(([path.clone(), vec![child]].concat(), file));
                }
            }
            let (names, handed_on) = names(&text);
            let module = Module {
                file,
                names,
                text,
                handed_on,
            };
            modules.insert(path, module);
        }
        Self { modules }
    }

    /// For each file, those it names something of.
    pub fn arrows(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        self.modules
            .iter()
            .map(|(path, module)| {
                let named = module.names.iter().filter_map(|n| self.file(path, n, 0));
                let others = named.filter(|file| **file != module.file).cloned();
                (module.file.clone(), others.collect())
            })
            .collect()
    }

    /// The file that has what `name` means in the module at `path`.
    fn file(&self, path: &[String], name: &[String], depth: usize) -> Option<&PathBuf> {
        let mut at = path.to_vec();
        let mut rest = name;
        match rest.first()?.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
            }
            first => {
                // A child of this module, or something else's crate.
                let child = [path.to_vec(), vec![first.to_owned()]].concat();
                self.modules.get(&child)?;
                at = child;
            }
        }
        rest = &rest[1..];
        while let Some(next) = rest.first() {
            if next == "super" {
                at.pop();
            } else {
                let child = [at.clone(), vec![next.clone()]].concat();
                if !self.modules.contains_key(&child) {
                    break;
                }
                at = child;
            }
            rest = &rest[1..];
        }
        let module = self.modules.get(&at)?;
        let Some(item) = rest.first() else {
            // The module itself was named, and what of it stands elsewhere in the text.
            return Some(&module.file);
        };
        match module.handed_on.get(item) {
            Some(target) if depth < 8 => self.file(&at, target, depth + 1).or(Some(&module.file)),
            // At the face of a crate stands much that others define: code that is only written, for one.
            _ if at.is_empty() && !module.defines(item) => None,
            _ => Some(&module.file),
        }
    }
}

impl Module {
    fn defines(&self, item: &str) -> bool {
        let words: Vec<&str> = self
            .text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|w| !w.is_empty())
            .collect();
        let kinds = [
            "fn",
            "struct",
            "enum",
            "trait",
            "type",
            "const",
            "static",
            "macro_rules",
        ];
        words
            .windows(2)
            .any(|pair| kinds.contains(&pair[0]) && pair[1] == item)
    }
}

/// The text without comments and what stands in quotes.
fn code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                let mut escaped = false;
                for c in chars.by_ref() {
                    match c {
                        '\\' if !escaped => escaped = true,
                        '"' if !escaped => break,
                        _ => escaped = false,
                    }
                }
                kept.push(' ');
            }
            // A quotation mark as a character.
            '\'' if matches!(chars.peek(), Some('"')) => {
                chars.next();
            }
            c => kept.push(c),
        }
    }
    kept
}

/// The text up to its tests, which may name whatever they test.
fn without_tests(text: &str) -> String {
    match text.find("#[cfg(test)]\nmod tests") {
        Some(end) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// Modules with files of their own: declared, or listed in a registry.
fn children(text: &str) -> Vec<String> {
    let mut children = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let declared = ["", "pub ", "pub(crate) ", "pub(super) "]
            .iter()
            .find_map(|p| {
                let name = line.strip_prefix(p)?.strip_prefix("mod ")?;
                name.strip_suffix(';')
            });
        if let Some(name) = declared {
            children.push(name.trim().to_owned());
        }
    }
    for (at, _) in text.match_indices("registry! {") {
        let list = text[at..]
            .split_once('{')
            .and_then(|(_, l)| l.split_once('{'));
        let list = list
            .and_then(|(_, l)| l.split_once('}'))
            .map_or("", |l| l.0);
        children.extend(
            list.lines()
                .filter_map(|l| Some(l.trim().split_once("::")?.0.to_owned())),
        );
    }
    if let Some((_, list)) = text.split_once("stages! {") {
        let list = list.split_once('}').map_or("", |l| l.0);
        children.extend(list.split(',').map(|n| n.trim().to_owned()));
    }
    children
        .retain(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    children
}

type Names = (Vec<Vec<String>>, BTreeMap<String, Vec<String>>);

/// Every path in the text, and the names that `pub use` hands on.
fn names(text: &str) -> Names {
    let (mut all, mut handed_on) = (Vec::new(), BTreeMap::new());
    let mut rest = text;
    let mut between = String::new();
    while let Some(at) = rest.find("use ") {
        let starts_here = rest[..at]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || c == ')');
        let (before, from) = rest.split_at(at);
        between.push_str(before);
        let Some((tree, after)) = from[4..].split_once(';').filter(|_| starts_here) else {
            between.push_str("use ");
            rest = &from[4..];
            continue;
        };
        let public =
            before.trim_end().ends_with("pub") || before.trim_end().ends_with("pub(crate)");
        let mut paths = Vec::new();
        spread(tree, &[], &mut paths);
        for (path, name) in paths {
            if public {
                handed_on.insert(name, path);
            } else {
                all.push(path);
            }
        }
        rest = after;
    }
    between.push_str(rest);
    for start in ["crate::", "super::"] {
        for (at, _) in between.match_indices(start) {
            let within_a_name = between[..at]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$');
            if !within_a_name {
                let end = between[at..]
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                    .map_or(between.len(), |end| at + end);
                all.push(between[at..end].split("::").map(str::to_owned).collect());
            }
        }
    }
    (all, handed_on)
}

/// The paths of a `use` tree, each with the name it has here.
fn spread(tree: &str, before: &[String], into: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some(at) = tree.find('{') {
        let mut path = before.to_vec();
        path.extend(
            tree[..at]
                .split("::")
                .map(|p| p.trim().to_owned())
                .filter(|p| !p.is_empty()),
        );
        let inner = &tree[at + 1..tree.rfind('}').unwrap_or(tree.len())];
        let (mut depth, mut start) = (0, 0);
        for (i, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    spread(&inner[start..i], &path, into);
                    start = i + 1;
                }
                _ => {}
            }
        }
        spread(&inner[start..], &path, into);
        return;
    }
    if tree.is_empty() {
        return;
    }
    let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut whole = before.to_vec();
    whole.extend(path.split("::").map(|p| p.trim().to_owned()));
    if whole.last().is_some_and(|last| last == "self") && whole.len() > 1 {
        whole.pop();
    }
    let name = if name.is_empty() {
        whole.last().cloned().unwrap_or_default()
    } else {
        name.trim().to_owned()
    };
    into.push((whole, name));
}
