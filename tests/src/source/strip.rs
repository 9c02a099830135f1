//! Reduction of a source to code: comments, literals and test modules become spaces, and lines keep their
//! positions.

/// Returns `text` with comments and the contents of string and character literals blanked.
pub(super) fn only_code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kept_and_length = match first {
            '/' if rest.starts_with("//") => (false, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (false, block_comment(rest)),
            '"' => (false, 1 + quoted(&rest[1..])),
            'r' | 'b' if !ends_in_word(&code) => raw_text(rest).map_or((true, 1), |length| (false, length)),
            '\'' => character(rest).map_or((true, 1), |length| (false, length)),
            _ => (true, first.len_utf8()),
        };
        let (keep, length) = kept_and_length;
        let (taken, behind) = rest.split_at(length);
        if keep {
            code.push_str(taken);
        } else {
            blank(taken, &mut code);
        }
        rest = behind;
    }
    code
}

/// Returns `code` with the modules after `#[cfg(test)]` blanked.
pub(super) fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]").or_else(|| rest.find("#[cfg(all(test")) {
        let (before, item) = rest.split_at(start);
        let (tests, behind) = item.split_at(item_length(item));
        kept.push_str(before);
        blank(tests, &mut kept);
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// Returns the length of the item at the start of `code`: to its `;`, or to the end of its braces.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(taken: &str, code: &mut String) {
    code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, pair) in rest.as_bytes().windows(2).enumerate() {
        match pair {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// Returns the length of a string after its opening quote, including the closing one.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Returns the length of a raw string such as `br#"…"#`, if one starts here.
fn raw_text(rest: &str) -> Option<usize> {
    let behind = rest.trim_start_matches('b').strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let inside = behind[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - inside.len();
    Some(inside.find(&close).map_or(rest.len(), |at| start + at + close.len()))
}

/// Returns the length of a character literal, if this quote opens one and not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = &rest[1..];
    if let Some(escape) = inside.strip_prefix('\\') {
        let skipped = 2 + escape.chars().next()?.len_utf8();
        return Some(skipped + rest[skipped..].find('\'')? + 1);
    }
    let length = inside.chars().next()?.len_utf8();
    inside[length..].starts_with('\'').then_some(length + 2)
}

#[cfg(test)]
mod tests {
    use super::{only_code, without_tests};

    fn squeezed(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_strings_are_removed_and_code_stays() {
        let text = "let a /* b /* c */ d */ = \"e \\\" // f\"; // g\nlet h = r#\"i\"# + 'j' + '\\'' + b\"k\"; fn l<'m>() {}";
        let code = only_code(text);
        assert_eq!(squeezed(&code), "let a = ; let h = + + + b ; fn l<'m>() {}");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn a_test_module_is_removed_and_the_rest_stays() {
        let code =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { {} }\n}\n#[cfg(test)]\nmod c;\nfn d() {}";
        assert_eq!(squeezed(&without_tests(code)), "fn a() {} fn d() {}");
    }
}
