//! Names of tests in the sources of the suites, and in the tables of the notes.

use crate::source::read_sources;

/// Returns the names of all tests in the sources below a folder of the workspace, without ignored ones.
///
/// # Panics
///
/// If a source cannot be read, or there is no test.
pub fn test_names_below(folder: &str) -> Vec<String> {
    let files = read_sources(folder).expect("readable sources");
    let names: Vec<_> = files.iter().flat_map(|file| names_in(file.text())).collect();
    assert!(!names.is_empty(), "no test below {folder}");
    names
}

/// Returns the functions of a source that follow a line `#[test]` or `#[tokio::test…]`, unless they are
/// ignored.
fn names_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))
            && std::mem::take(&mut is_test)
        {
            names.push(rest.chars().take_while(|letter| !['(', '<'].contains(letter)).collect());
        }
    }
    names
}

/// Returns the table rows of a note except those that begin with `head`, each with the names in backticks in
/// its last column.
pub fn rows_with_tests(note: &str, head: &str) -> Vec<(String, Vec<String>)> {
    let rows = note.lines().filter(|line| line.starts_with("| ") && !line.starts_with(head));
    let named = |row: &str| {
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or("");
        last.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.map(|row| (row.to_owned(), named(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::{names_in, rows_with_tests};

    #[test]
    fn tests_are_found_and_helpers_and_ignored_ones_are_not() {
        let source = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\
                      #[test]\n#[ignore = \"why\"]\nfn three() {}\n";
        assert_eq!(names_in(source), ["one", "two"]);
    }

    #[test]
    fn the_tests_of_a_row_are_found() {
        let note =
            "| GenStage | here | test |\n|---|---|---|\n| `a` | b | `one`, `two` |\n| a | b | none |\n";
        let named: Vec<_> = rows_with_tests(note, "| GenStage").into_iter().map(|(_, named)| named).collect();
        assert_eq!(named, [vec!["one".to_owned(), "two".to_owned()], vec![]]);
    }
}
