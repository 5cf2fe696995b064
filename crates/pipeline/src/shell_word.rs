//! Words of a command as somebody may paste them.

/// A word as a shell reads it: as it is where nothing in it is special, in single quotes otherwise.
///
/// ```
/// use apprentice_pipeline::shell_word::shell_word;
///
/// assert_eq!(shell_word("runs/my-arm"), "runs/my-arm");
/// assert_eq!(shell_word("my arm's"), r"'my arm'\''s'");
/// ```
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
