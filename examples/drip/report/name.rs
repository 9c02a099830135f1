//! Paths as they are shown: one line each, whatever is in them.

use std::path::Path;

/// The path, with what is not UTF-8 replaced and control characters escaped.
pub fn shown(path: &Path) -> String {
    let lossy = path.to_string_lossy();
    let mut shown = String::with_capacity(lossy.len());
    for character in lossy.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_always_one_line() {
        assert_eq!(shown(Path::new("a\nb\u{1b}[31mc")), "a\\nb\\u{1b}[31mc");
        assert_eq!(shown(Path::new("grün/ß")), "grün/ß");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_shown_all_the_same() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        assert_eq!(shown(Path::new(name)), "caf\u{fffd}");
    }
}
