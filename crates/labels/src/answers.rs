//! Answers about clips by name: pairs (`a b s`) or ranked lists, one place a line.

use crate::LabelsError;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest file of labels, bytes.
const LARGEST: u64 = 64 << 20;

/// What a file of labels says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Each answer's clips, best first; those of one place in one list. An answer of one place alone says that its
    /// clips are equally good.
    pub answers: Vec<Vec<Vec<String>>>,
}

impl Answers {
    /// Names of the clips, each once, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let places = self.answers.iter().flatten();
        places.flatten().map(String::as_str).collect()
    }
}

/// Reads a file of labels. It holds pairs if its first line is two names and a 1 (the first is better), 2 (equal) or
/// 3 (the second is better); otherwise lists, best first, of one place a line with the names of all clips that share
/// it, and a blank line between lists. `#` begins a comment; commas count as spaces.
///
/// # Errors
/// Names the line that is neither, the clip named twice in an answer, or the size of a file above 64 MiB.
pub fn read_labels(path: &Path) -> Result<Answers, LabelsError> {
    let mut text = String::new();
    let file = File::open(path).map_err(LabelsError::io(path))?;
    let size = file.metadata().map_err(LabelsError::io(path))?.len();
    if size > LARGEST {
        let what = format!("{size} bytes of labels, allowed: up to {LARGEST}");
        return Err(LabelsError::file(path, what));
    }
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(LabelsError::io(path))?;
    let words = |line: &str| -> Vec<String> {
        let line = line.split('#').next().unwrap_or_default();
        let words = line.split(|c: char| c.is_whitespace() || c == ',');
        words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let lines: Vec<(usize, bool, Vec<String>)> = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim().is_empty(), words(line)))
        .collect();
    let first = lines.iter().find(|(_, _, words)| !words.is_empty());
    let is_pair = |w: &[String]| w.len() == 3 && ["1", "2", "3"].contains(&w[2].as_str());
    let pairs = first.is_some_and(|(_, _, words)| is_pair(words));
    let mut read = Answers::default();
    let mut list: Vec<Vec<String>> = Vec::new();
    let mut named = BTreeSet::new();
    for (line, blank, words) in lines {
        let refuse = |what: String| LabelsError::Line {
            path: path.to_owned(),
            line,
            what,
        };
        if words.is_empty() {
            if blank && !list.is_empty() {
                read.answers.push(std::mem::take(&mut list));
                named.clear();
            }
            continue;
        }
        if pairs {
            let [a, b, said] = words.as_slice() else {
                return Err(refuse(format!(
                    "{} words, allowed: two clips and 1 (first better), 2 (equal) or 3 (second better)",
                    words.len()
                )));
            };
            if a == b {
                return Err(refuse(format!("'{a}' is compared with itself")));
            }
            let (a, b) = (a.clone(), b.clone());
            read.answers.push(match said.as_str() {
                "1" => vec![vec![a], vec![b]],
                "2" => vec![vec![a, b]],
                "3" => vec![vec![b], vec![a]],
                other => {
                    return Err(refuse(format!(
                        "the answer is '{other}', allowed: 1 (first better), 2 (equal) or 3 (second better)"
                    )));
                }
            });
            continue;
        }
        for word in &words {
            if !named.insert(word.clone()) {
                return Err(refuse(format!("'{word}' stands twice in one list")));
            }
        }
        list.push(words);
    }
    if !list.is_empty() {
        read.answers.push(list);
    }
    if read.answers.is_empty() {
        return Err(LabelsError::file(path, "there is no label in it"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Answers, LabelsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        std::fs::write(&path, text).unwrap();
        read_labels(&path)
    }

    #[test]
    fn pairs_and_lists_are_told_apart() {
        let pairs = read("# who\na b 1\nb,c,2\na c 3\n").unwrap().answers;
        let say = |tiers: &[&[&str]]| -> Vec<Vec<String>> {
            tiers
                .iter()
                .map(|t| t.iter().map(|&n| n.to_owned()).collect())
                .collect()
        };
        assert_eq!(
            pairs,
            [
                say(&[&["a"], &["b"]]),
                say(&[&["b", "c"]]),
                say(&[&["c"], &["a"]])
            ]
        );
        let lists = read("a\nb c\n# same list\nd\n\n\na\nd\n").unwrap().answers;
        assert_eq!(
            lists,
            [say(&[&["a"], &["b", "c"], &["d"]]), say(&[&["a"], &["d"]])]
        );
    }

    #[test]
    fn a_line_that_is_no_label_is_named() {
        for (text, line, what) in [
            ("a b 1\na b 4\n", "line 2", "'4'"),
            ("a b 1\na b\n", "line 2", "2 words"),
            ("a a 1\n", "line 1", "itself"),
            ("a\nb a\n", "line 2", "twice"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(line) && error.contains(what), "{error}");
        }
        assert!(read("\n# nothing\n").is_err());
    }
}
