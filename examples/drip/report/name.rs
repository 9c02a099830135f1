//! Escapes names and texts for display: the result cannot move the cursor, change the terminal or reorder a
//! line.

use std::fmt::Write;
use std::path::Path;

/// Formats the path on one line: bytes that are not UTF-8 as `\xff`, control and bidirectional characters
/// escaped.
pub fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        escape(chunk.valid(), is_unsafe, &mut shown);
        for byte in chunk.invalid() {
            // Writing to a `String` cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Formats the text on one line, with control and bidirectional characters escaped.
pub fn shown_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    escape(text, is_unsafe, &mut shown);
    shown
}

/// Formats text for a terminal: as [`shown_text`], but keeps line breaks.
pub fn shown_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    escape(text, |character| character != '\n' && is_unsafe(character), &mut shown);
    shown
}

/// Formats JSON text for a terminal. Its meaning is unchanged: such characters occur within strings only.
pub fn shown_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns the bytes of a path that is not UTF-8, in hexadecimal, so that a program can tell such names
/// apart.
pub fn path_hex(path: &Path) -> Option<String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    std::str::from_utf8(bytes).is_err().then(|| {
        bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    })
}

/// Whether this character must be escaped in a displayed name, cause or user.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool, shown: &mut String) {
    for character in text.chars() {
        if is_escaped(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_always_one_line() {
        assert_eq!(shown(Path::new("a\nb\u{1b}[31mc")), "a\\nb\\u{1b}[31mc");
        assert_eq!(shown(Path::new("grün/ß")), "grün/ß");
    }

    #[test]
    fn characters_that_reorder_a_line_are_escaped() {
        assert_eq!(shown_text("photo_\u{202e}gpj.exe"), "photo_\\u{202e}gpj.exe");
        assert_eq!(shown_lines("a\u{2066}b\nc\r"), "a\\u{2066}b\nc\\r");
    }

    #[test]
    fn json_keeps_its_meaning_when_escaped_for_printing() {
        let name = "a\u{202e}b\u{9b}31m\u{7f} ünï";
        let json = shown_json(&serde_json::to_string(name).unwrap());
        assert!(!json.chars().any(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), name);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_are_distinct() {
        use std::os::unix::ffi::OsStrExt;
        let [one, other] = [b"caf\xe9", b"caf\xe8"].map(|name| std::ffi::OsStr::from_bytes(name));
        assert_eq!(shown(Path::new(one)), "caf\\xe9");
        assert_eq!(path_hex(Path::new(other)).as_deref(), Some("636166e8"));
        assert_eq!(path_hex(Path::new("café")), None);
    }
}
