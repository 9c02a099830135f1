//! Byte order marks: the bytes at the beginning of a file with which some programs declare its encoding.

/// The mark of UTF-8, which is not part of the text.
pub(super) const UTF_8: &[u8] = b"\xEF\xBB\xBF";

/// The mark of UTF-32 begins with that of UTF-16, so UTF-32 must come first.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\xFF\xFE\0\0", "UTF-32"),
    (b"\0\0\xFE\xFF", "UTF-32"),
    (b"\xFF\xFE", "UTF-16"),
    (b"\xFE\xFF", "UTF-16"),
];

/// Returns the text at the beginning of a file, without its mark.
///
/// # Errors
///
/// Returns the name of the encoding if the mark declares another than UTF-8.
pub(super) fn without_mark(begin: &[u8]) -> Result<&[u8], &'static str> {
    match OTHERS.iter().find(|(mark, _)| begin.starts_with(mark)) {
        Some((_, encoding)) => Err(encoding),
        None => Ok(begin.strip_prefix(UTF_8).unwrap_or(begin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_utf_8_is_left_out_and_others_name_their_encoding() {
        assert_eq!(without_mark(b"\xEF\xBB\xBFa"), Ok(&b"a"[..]));
        assert_eq!(without_mark(b"\xEF\xBB"), Ok(&b"\xEF\xBB"[..]));
        assert_eq!(without_mark(b""), Ok(&b""[..]));
        for (text, encoding) in
            [(&b"\xFF\xFEa\0"[..], "UTF-16"), (b"\xFE\xFF\0a", "UTF-16"), (b"\xFF\xFE\0\0a", "UTF-32")]
        {
            assert_eq!(without_mark(text), Err(encoding));
        }
    }
}
