//! Imports of a file from its own crate: every path that starts at `crate`, or reaches the root through
//! `super`.

use super::SourceFile;

/// A module of the crate that a file names, `engine` in `use crate::engine::{inlet, outlet}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The first name after the crate's root.
    pub module: String,
    /// The line of the path, from 1.
    pub line: usize,
}

/// Returns every name after the crate's root that the code of `file` mentions, without its tests.
pub fn imports(file: &SourceFile) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, word) in words(file.code()) {
        let behind = match word {
            "crate" => path_behind(&file.code()[at + word.len()..]),
            "super" if !preceded_by_path(&file.code()[..at]) => climb(file, &file.code()[at..]),
            _ => None,
        };
        let Some(path) = behind else { continue };
        let line = 1 + file.code()[..at].matches('\n').count();
        found.extend(first_names(path).map(|module| Import { module: module.to_owned(), line }));
    }
    found
}

/// Returns every identifier and its position.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - code.as_ptr() as usize, word))
}

fn path_behind(rest: &str) -> Option<&str> {
    Some(rest.trim_start().strip_prefix("::")?.trim_start())
}

fn preceded_by_path(before: &str) -> bool {
    before.trim_end().ends_with("::")
}

/// Follows `super::super::…`; returns the path after the last one if that is the crate's root.
fn climb<'a>(file: &SourceFile, mut rest: &'a str) -> Option<&'a str> {
    let mut depth = file.module_depth();
    while let Some(behind) = rest.strip_prefix("super") {
        rest = path_behind(behind)?;
        depth = depth.checked_sub(1)?;
    }
    (depth == 0).then_some(rest)
}

/// Returns `a` of `a::b`, or `a` and `c` of `{a::b, c::{d, e}}`.
fn first_names(path: &str) -> impl Iterator<Item = &str> {
    let group = path.strip_prefix('{').unwrap_or("");
    let mut depth = 0_i32;
    let members = group.split(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (c == ',' && depth == 0) || depth < 0
    });
    let members = members.take_while(|member| !member.contains(';'));
    let single = (group.is_empty()).then_some(path);
    single.into_iter().chain(members).map(first_name).filter(|name| !name.is_empty())
}

fn first_name(path: &str) -> &str {
    let path = path.trim_start();
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, imports};

    fn modules(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile::new(path, text);
        imports(&file).into_iter().map(|import| import.module).collect()
    }

    #[test]
    fn paths_from_the_root_are_found_single_grouped_and_in_place() {
        let text = "use crate::demand::Demand;\nuse crate::{link::{Rx, Tx}, error};\nfn f() { crate::engine::run(); }";
        assert_eq!(modules("src/a.rs", text), ["demand", "link", "error", "engine"]);
    }

    #[test]
    fn climbing_counts_only_when_it_reaches_the_root() {
        assert_eq!(modules("src/a.rs", "use super::demand;"), ["demand"]);
        assert_eq!(modules("src/a/mod.rs", "use super::demand;"), ["demand"]);
        assert!(modules("src/a/b.rs", "use super::demand;").is_empty());
        assert_eq!(modules("src/a/b.rs", "use super::super::demand;"), ["demand"]);
    }

    #[test]
    fn tests_may_import_from_any_layer() {
        assert!(modules("src/a.rs", "#[cfg(test)]\nmod tests { use crate::engine; }").is_empty());
    }
}
