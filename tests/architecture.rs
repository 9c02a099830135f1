//! Checks of the project's code rules. A violation names file, line and remedy.

mod face;

use std::{collections::BTreeSet, fmt, fs};

use tests::source::{SourceFile, imports, read_sources, workspace_root};

/// The folders of stage-core, from the bottom: each imports only from folders above it in this list, so no two folders
/// can form a circle. A new folder gets a row here in the commit that adds it.
const LAYERS: &[&str] = &[
    "sync",
    "timed",
    "credit",
    "base",
    "untraced",
    "trace",
    "dispatch",
    "wire",
    "ack",
    "stage",
    "engine",
    "policy",
    "runtime",
    "supervise",
    "pipeline",
    "supervisor",
    "spawn",
    // Ready-made parts.
    "source",
    "sink",
    "batch",
    "rate",
    "concurrent",
    "per_event",
    "piecewise",
    "into_stream",
    "registry",
    "config",
    "watch",
    "testing",
    "step",
    // Documentation only.
    "guide",
];

/// Public modules that only re-export names: one for the macro's expansions, one for imports.
const ABOVE_ALL: [&str; 2] = ["__private", "prelude"];

/// The sources of the libraries.
const LIBRARIES: &[&str] = &[
    "stage-core/src",
    "stage-macros/src",
    "flow/src",
    "connect/core/src",
    "connect/files/src",
    "connect/edge/src",
    "connect/kafka/src",
    "connect/nats/src",
    "connect/objects/src",
    "connect/parquet/src",
    "connect/postgres/src",
    "connect/rabbitmq/src",
    "connect/redis/src",
    "connect/sqlite/src",
    "connect/http/src",
    "watch/panel/src",
    "watch/top/src",
    "watch/metrics/src",
    "watch/otel/src",
];

/// The sources of the programs, which follow the same rules.
const PROGRAMS: &[&str] = &[
    "examples",
    "benches",
    "tests",
    "connect/core/tests",
    "connect/files/tests",
    "connect/edge/tests",
    "connect/kafka/tests",
    "connect/nats/tests",
    "connect/objects/tests",
    "connect/parquet/tests",
    "connect/postgres/benches",
    "connect/postgres/examples",
    "connect/postgres/tests",
    "connect/rabbitmq/tests",
    "connect/redis/tests",
    "connect/sqlite/tests",
    "connect/http/tests",
    "watch/panel/tests",
    "watch/top/tests",
    "watch/metrics/tests",
    "watch/otel/tests",
];

/// Number of lines at which a file must be split, without tests and comments.
const TOO_LONG: usize = 400;

/// Maximum number of lines of a library's file, with its tests and comments.
const MOST_LINES: usize = 400;

/// A violation: its place and its remedy.
struct Finding {
    path: String,
    line: usize,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.remedy)
    }
}

fn finding(file: &SourceFile, line: usize, remedy: impl Into<String>) -> Finding {
    Finding { path: file.path().display().to_string(), line, remedy: remedy.into() }
}

fn sources(folders: &[&str]) -> Vec<SourceFile> {
    let read = folders.iter().flat_map(|folder| read_sources(folder).expect("readable sources"));
    let files: Vec<_> = read.collect();
    assert!(!files.is_empty(), "no Rust file below {folders:?}");
    files
}

#[track_caller]
fn assert_kept(rule: &str, findings: &[Finding]) {
    let list: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{rule}\n\n{}\n", list.join("\n"));
}

#[test]
fn every_layer_of_stage_core_only_knows_the_ones_below_it() {
    let files = sources(&["stage-core/src"]);
    let findings: Vec<_> = files.iter().flat_map(layer_findings).collect();
    assert_kept("a folder imports only from the folders below it", &findings);
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

fn layer_findings(file: &SourceFile) -> Vec<Finding> {
    let path = file.module_path();
    let Some(module) = path.first().copied().filter(|module| !ABOVE_ALL.contains(module)) else {
        return Vec::new();
    };
    let Some(own) = layer_of(module) else {
        let remedy = format!("`{module}` has no layer; give it one in LAYERS of tests/architecture.rs");
        return vec![finding(file, 1, remedy)];
    };
    let judge = |import: tests::source::Import| {
        let remedy = match layer_of(&import.module) {
            Some(layer) if layer <= own => return None,
            Some(layer) => format!(
                "`{module}` (layer {own}) names `{}` (layer {layer}); move the item down, or the module up",
                import.module
            ),
            None => format!(
                "`crate::{0}`: name the module that defines `{0}`, not the crate's root",
                import.module
            ),
        };
        Some(finding(file, import.line, remedy))
    };
    imports(file).into_iter().filter_map(judge).collect()
}

#[test]
fn every_folder_of_the_layer_table_exists_and_has_one_row() {
    let files = sources(&["stage-core/src"]);
    let there: BTreeSet<_> = files.iter().filter_map(|file| file.module_path().first().copied()).collect();
    for folder in LAYERS {
        let rows = LAYERS.iter().filter(|other| *other == folder).count();
        assert_eq!(rows, 1, "`{folder}` has {rows} rows in LAYERS");
        assert!(there.contains(folder), "`{folder}` of LAYERS is not in stage-core/src");
    }
}

#[test]
fn every_crate_root_forbids_unsafe_code() {
    let files = sources(&[LIBRARIES, PROGRAMS].concat());
    let roots = files.iter().filter(|file| file.is_crate_root());
    let findings: Vec<_> = roots
        .filter(|file| !file.code().contains("#![forbid(unsafe_code)]"))
        .map(|file| finding(file, 1, "write `#![forbid(unsafe_code)]` below the crate's docs"))
        .collect();
    assert_kept("no crate holds unsafe code", &findings);
}

#[test]
fn every_file_begins_with_its_purpose() {
    let files = sources(&[LIBRARIES, PROGRAMS].concat());
    let findings: Vec<_> = files
        .iter()
        .filter(|file| !is_fixture(file) && !says_what_it_is_about(file))
        .map(|file| finding(file, 1, "begin with a `//!` line that states the purpose of this file"))
        .collect();
    assert_kept("the first line of a file states its purpose", &findings);
}

/// Returns whether the file is a program that a test feeds to the compiler, whose output names its lines.
fn is_fixture(file: &SourceFile) -> bool {
    let folders = file.path().components().filter_map(|part| part.as_os_str().to_str());
    let folders: Vec<_> = folders.collect();
    matches!(folders[..], ["tests", "macros", "fail", ..])
}

fn says_what_it_is_about(file: &SourceFile) -> bool {
    let first = file.text().lines().next().unwrap_or("");
    first.strip_prefix("//! ").is_some_and(|answer| answer.trim().len() >= 10)
}

#[test]
fn crate_roots_and_mod_files_hold_docs_modules_and_exports_only() {
    let files = sources(LIBRARIES);
    let tables = files.iter().filter(|file| matches!(file.name(), "lib.rs" | "mod.rs"));
    let findings: Vec<_> = tables.flat_map(other_items).collect();
    assert_kept("lib.rs and mod.rs are tables of contents", &findings);
}

/// Finds items that are neither `mod` nor `use`. The functions of a procedural macro must be in its crate's
/// root.
fn other_items(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut depth = 0_i32;
    let mut begins = true;
    let mut entry = false;
    for (number, line) in file.code_lines() {
        let line = line.trim();
        let attribute = line.starts_with('#');
        if begins && depth == 0 && !attribute {
            if !entry && !is_table_item(line) {
                findings.push(finding(
                    file,
                    number,
                    "move this item into a file of its own and export it here",
                ));
            }
            entry = false;
        }
        entry |= line.starts_with("#[proc_macro");
        depth += braces(line);
        begins = attribute || line.ends_with(';') || line.ends_with('}');
    }
    findings
}

fn is_table_item(line: &str) -> bool {
    let item = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub(super) "));
    let item = item.or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    ["mod ", "use ", "extern crate "].iter().any(|table| item.starts_with(table))
}

fn braces(line: &str) -> i32 {
    let count = |brace: char| i32::try_from(line.matches(brace).count()).expect("a short line");
    count('{') - count('}')
}

#[test]
fn no_file_is_too_long_to_read() {
    let files = sources(&[LIBRARIES, PROGRAMS].concat());
    let findings: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let (line, _) = file.code_lines().nth(TOO_LONG)?;
            let lines = file.code_lines().count();
            let remedy = format!("{lines} lines of code, at most {TOO_LONG}; split it by subject");
            Some(finding(file, line, remedy))
        })
        .collect();
    assert_kept("a file fits in one reading", &findings);
}

#[test]
fn no_file_of_a_library_has_more_than_400_lines() {
    let files = sources(LIBRARIES);
    let findings: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let lines = file.text().lines().count();
            let remedy = format!("{lines} lines; split it by subject, at most {MOST_LINES}");
            (lines > MOST_LINES).then(|| finding(file, MOST_LINES, remedy))
        })
        .collect();
    assert_kept("a file of a library has one subject", &findings);
}

#[test]
fn the_index_of_the_docs_names_every_note_and_nothing_else() {
    let docs = workspace_root().join("docs");
    let index = fs::read_to_string(docs.join("README.md")).expect("docs/README.md");
    let linked: BTreeSet<_> = index
        .split("](")
        .skip(1)
        .filter_map(|link| link.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect();
    let notes = fs::read_dir(docs.join("design")).into_iter().flatten();
    let notes: BTreeSet<_> = notes
        .map(|note| note.expect("an entry of docs/design").file_name())
        .map(|note| format!("design/{}", note.to_string_lossy()))
        .collect();
    let missing: Vec<_> = notes.difference(&linked).collect();
    assert!(missing.is_empty(), "docs/README.md: link these notes, with a line on each: {missing:?}");
    let dead: Vec<_> = linked.iter().filter(|target| !docs.join(target).exists()).collect();
    assert!(dead.is_empty(), "docs/README.md: these links lead nowhere: {dead:?}");
}

#[test]
fn the_checks_find_violations() {
    let upwards = SourceFile::new(
        "stage-core/src/base/demand.rs",
        "//! x\n\nuse crate::{credit, engine::run};\nuse crate::Demand;",
    );
    let found: Vec<_> = layer_findings(&upwards).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("stage-core/src/base/demand.rs:3: `base` (layer 3) names `engine` (layer 10)")
    );
    assert!(found[1].starts_with("stage-core/src/base/demand.rs:4: `crate::Demand`: name the module"));

    let table = "//! x\npub mod a;\n#[doc(hidden)]\npub mod b {\n    pub use c::D;\n}\npub(crate) use e::{\n    F,\n};\nstruct G;\n";
    let found: Vec<_> = other_items(&SourceFile::new("x/src/mod.rs", table)).iter().map(|f| f.line).collect();
    assert_eq!(found, [10]);

    let unknown = SourceFile::new("stage-core/src/helpers.rs", "//! x");
    assert!(layer_findings(&unknown)[0].remedy.starts_with("`helpers` has no layer"));
}
