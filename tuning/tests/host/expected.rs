//! Texts that are kept in files and compared.

use std::fs;

use crate::fixture::folder;

/// Compares `text` with the file of this name beside the fixtures, or writes the file where that is asked for.
pub fn compare(name: &str, text: &str) {
    let path = folder().join("expected").join(name);
    if std::env::var_os("STROME_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differing = kept.lines().zip(text.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == text,
        "{} is not what is said now (STROME_BLESS=1 writes it anew); the first line that differs: {differing:?}",
        path.display()
    );
}
