//! Patterns of entries that an upload excludes.

use std::path::Path;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// A glob. Without `/` it matches a name at any depth, with `/` a path below the uploaded folder. With a
/// trailing `/` it matches only folders.
#[derive(Debug, Clone)]
pub struct Pattern {
    glob: GlobMatcher,
    is_name: bool,
    is_folder: bool,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.trim_end_matches('/');
        if path.is_empty() {
            return Err(
                "a pattern must not be empty: write one such as `*.o`, `build/` or `docs/*.pdf`".to_owned()
            );
        }
        let glob = GlobBuilder::new(path.trim_start_matches('/')).literal_separator(true).build();
        let glob = glob.map_err(|error| error.to_string())?;
        Ok(Self {
            glob: glob.compile_matcher(),
            is_name: !path.contains('/'),
            is_folder: path.len() < text.len(),
        })
    }
}

impl Pattern {
    /// Whether the pattern matches the entry at this path below the uploaded folder.
    pub(super) fn is_match(&self, below: &Path, is_folder: bool) -> bool {
        let text = if self.is_name { below.file_name().map(Path::new) } else { Some(below) };
        (is_folder || !self.is_folder) && text.is_some_and(|text| self.glob.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str, is_folder: bool) -> bool {
        pattern.parse::<Pattern>().unwrap().is_match(Path::new(path), is_folder)
    }

    #[test]
    fn a_name_matches_anywhere_and_a_path_only_below_the_root() {
        assert!(matches("*.o", "a.o", false) && matches("*.o", "deep/er/a.o", false));
        assert!(matches("docs/*.pdf", "docs/a.pdf", false));
        assert!(!matches("docs/*.pdf", "other/docs/a.pdf", false));
        assert!(!matches("docs/*.pdf", "docs/deep/a.pdf", false));
        assert!(matches("docs/**/*.pdf", "docs/deep/a.pdf", false));
        assert!(matches("/top", "top", false) && !matches("/top", "sub/top", false));
    }

    #[test]
    fn a_pattern_with_a_trailing_slash_matches_only_folders() {
        assert!(matches("build/", "sub/build", true));
        assert!(!matches("build/", "sub/build", false));
    }

    #[test]
    fn an_invalid_pattern_is_refused() {
        for text in ["", "/", "[a", "{a,b"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
