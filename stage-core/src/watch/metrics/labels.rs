//! Labels as text, with their values escaped, and as pairs.

/// Appends a label to `labels`, with its value escaped.
#[inline]
pub(super) fn label(labels: &mut String, name: &str, value: &str) {
    labels.extend([if labels.is_empty() { "" } else { "," }, name, "=\""]);
    for character in value.chars() {
        match character {
            '\\' => labels.push_str("\\\\"),
            '"' => labels.push_str("\\\""),
            '\n' => labels.push_str("\\n"),
            other => labels.push(other),
        }
    }
    labels.push('"');
}

/// Returns the labels of a text that [`label`] made, without their escapes.
#[inline]
pub(super) fn label_pairs(mut labels: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while let Some((name, rest)) = labels.split_once("=\"") {
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let mut end = rest.len();
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    end = place + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped)) => value.push(escaped),
                    None => {}
                },
                plain => value.push(plain),
            }
        }
        pairs.push((name.to_owned(), value));
        labels = rest[end..].strip_prefix(',').unwrap_or(&rest[end..]);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped_and_read_back() {
        let mut labels = String::new();
        label(&mut labels, "pipeline", "a\"b\\c\nd é,x=\"");
        label(&mut labels, "step", "");
        assert_eq!(labels, "pipeline=\"a\\\"b\\\\c\\nd é,x=\\\"\",step=\"\"");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(label_pairs(&labels), [pair("pipeline", "a\"b\\c\nd é,x=\""), pair("step", "")]);
        assert_eq!(label_pairs(""), []);
    }
}
