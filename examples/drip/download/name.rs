//! Alternative names for files whose own name is taken.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Maximum length of a name, in bytes, on every file system in use.
const LONGEST: usize = 255;

/// Returns `name~mark.ext` for `name.ext`. A stem that is too long is cut, between characters if it is text.
pub fn marked(path: &Path, mark: &str) -> PathBuf {
    let mut end = OsString::from(format!("~{mark}"));
    if let Some(extension) = path.extension() {
        end.push(".");
        end.push(extension);
    }
    let stem = path.file_stem().unwrap_or_default();
    let mut name = cut(stem, LONGEST.saturating_sub(end.len()));
    // An extension of this length is not treated as one.
    let end = if end.len() < LONGEST { end } else { format!("~{mark}").into() };
    if name.is_empty() {
        name = cut(stem, LONGEST.saturating_sub(end.len()));
    }
    name.push(end);
    path.with_file_name(name)
}

fn cut(stem: &OsStr, most: usize) -> OsString {
    let bytes = stem.as_bytes();
    let mut len = bytes.len().min(most);
    if let Ok(text) = std::str::from_utf8(bytes) {
        while !text.is_char_boundary(len) {
            len -= 1;
        }
    }
    OsString::from_vec(bytes[..len].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_before_the_extension_and_the_name_stays_short_enough() {
        assert_eq!(marked(Path::new("to/a.txt"), "id"), Path::new("to/a~id.txt"));
        assert_eq!(marked(Path::new("a"), "id"), Path::new("a~id"));
        for name in [
            "x".repeat(255),
            format!("{}.txt", "x".repeat(251)),
            "ü".repeat(127),
            format!("a.{}", "x".repeat(253)),
        ] {
            let path = marked(&Path::new("to").join(&name), "0123456789");
            let marked = path.file_name().unwrap().to_str().expect("still text");
            assert!(marked.len() <= LONGEST && marked.contains("~0123456789"), "{marked}");
            assert_eq!(path.parent(), Some(Path::new("to")));
        }
    }
}
