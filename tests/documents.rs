//! Checks of the documents against the code: the tests that the notes name exist, and the guarantees state the
//! real defaults.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stage_core::spawn::{StageOptions, consumer};
use stage_core::stage::ForEach;
use stage_core::testing::ManualProducer;
use stage_core::{Pipeline, StepOptions, SubscribeOptions, Tuning};
use tests::source::workspace_root;
use tests::suite::test_names_below;

/// The folders that contain tests.
const FOLDERS: &[&str] = &[
    "stage-core/src",
    "stage-core/tests",
    "stage-macros/src",
    "flow/src",
    "flow/tests",
    "connect/http/tests",
    "connect/core/tests",
    "connect/kafka/tests",
    "connect/nats/tests",
    "connect/postgres/tests",
    "connect/rabbitmq/tests",
    "connect/redis/tests",
    "connect/sqlite/src",
    "connect/sqlite/tests",
    "watch/panel/tests",
    "examples/drip",
    "examples/tests",
    "tests",
];

/// Returns the names of all tests.
fn tests() -> BTreeSet<String> {
    FOLDERS.iter().flat_map(|folder| test_names_below(folder)).collect()
}

/// Returns the table rows of a note, each with the names in backticks that could be those of tests.
fn rows(note: &str) -> Vec<(String, Vec<String>)> {
    let path = workspace_root().join("docs/design").join(note);
    let text = fs::read_to_string(path).expect("a note");
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| (row.to_owned(), named(row))).collect()
}

/// Returns the names in backticks that have at least four words.
fn named(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.matches('_').count() >= 3 && !name.contains([' ', ':']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_test_named_by_the_notes_exists() {
    let tests = tests();
    assert!(tests.len() > 500, "only {} tests were found", tests.len());
    for note in ["lifecycle.md", "broadway.md", "operators.md"] {
        let named: Vec<_> = rows(note).into_iter().flat_map(|(_, named)| named).collect();
        assert!(named.len() > 15, "{note}: the table was not found");
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
        assert!(missing.is_empty(), "{note} names tests that are not there: {missing:#?}");
    }
}

#[test]
fn every_feature_of_broadway_has_a_row_with_a_test_or_a_reason() {
    let rows = rows("broadway.md");
    for feature in 1..=38 {
        let begin = format!("| B{feature:02} |");
        let row = rows.iter().find(|(row, _)| row.starts_with(&begin));
        let (row, named) = row.unwrap_or_else(|| panic!("B{feature:02} has no row"));
        assert!(!named.is_empty() || row.contains("not needed"), "neither a test nor a reason: {row}");
    }
}

#[test]
fn every_ready_made_step_has_a_row_with_a_test() {
    let rows = rows("operators.md");
    let module = fs::read_to_string(workspace_root().join("stage-core/src/step/mod.rs")).expect("the steps");
    let exported = module.lines().filter(|line| line.starts_with("pub use "));
    let words =
        exported.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
    let names: BTreeSet<_> =
        words.filter(|word| word.starts_with(char::is_lowercase) && !["pub", "use"].contains(word)).collect();
    assert!(names.len() > 15, "only {names:?} were found");
    // The modules that the steps are exported from, which are no steps themselves.
    let modules = ["prefix", "timeout", "side"];
    for name in names.into_iter().filter(|name| !modules.contains(name)) {
        let quoted = format!("`{name}`");
        let first = |row: &str| row.split('|').nth(1).is_some_and(|cell| cell.contains(&quoted));
        let row = rows.iter().find(|(row, _)| first(row));
        let (row, tests) = row.unwrap_or_else(|| panic!("{name} has no row"));
        assert!(!tests.is_empty(), "no test: {row}");
    }
}

#[test]
fn every_fault_has_a_row_with_a_test() {
    let rows = rows("lifecycle.md");
    let faults: Vec<_> = rows.iter().skip_while(|(row, _)| !row.starts_with("| fault |")).skip(1).collect();
    assert!(faults.len() > 15, "the table was not found");
    for (row, named) in faults {
        assert!(!named.is_empty(), "no test: {row}");
    }
}

/// Returns the default window in the guarantees' row for this entrance, and the `max_demand` and `min_demand` of a fixed
/// one.
fn stated_defaults(entrance: &str) -> (Tuning, usize, usize) {
    let page = fs::read_to_string(workspace_root().join("docs/guarantees.md")).expect("the guarantees");
    let row = page
        .lines()
        .find(|line| line.starts_with(&format!("| {entrance}")))
        .unwrap_or_else(|| panic!("docs/guarantees.md states no defaults for {entrance}"));
    let cells: Vec<_> = row.split('|').map(str::trim).collect();
    let tuning = cells[2].trim_matches('`').parse().expect("a choice of windows");
    (tuning, cells[3].parse().expect("max_demand"), cells[4].parse().expect("min_demand"))
}

#[test]
fn the_guarantees_state_the_default_window_of_a_pipeline() {
    let sink = |defaults| {
        let pipeline = Pipeline::builder("defaults").defaults(defaults).start_fn("numbers", || Ok(0..1));
        pipeline.finish_fn("ignore", |_: i32| ()).topology().step("ignore").expect("a sink").clone()
    };
    let (tuning, max, min) = stated_defaults("`pipeline!`");
    assert_eq!(sink(StepOptions::new()).demand, tuning);
    let fixed = sink(StepOptions::new().demand(Tuning::Fixed));
    assert_eq!((fixed.max_demand, fixed.min_demand), (max, min));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_guarantees_state_the_default_window_of_a_subscription() {
    let sink = consumer(ForEach::new(|_: u32| ()), StageOptions::named("sink")).await.expect("a consumer");
    let (stated, stated_max, stated_min) = stated_defaults("a subscription wired by hand");
    let mut tuned = ManualProducer::<u32>::spawn(StageOptions::named("tuned")).await;
    sink.subscribe(&tuned.producer(), SubscribeOptions::new()).await.expect("a subscription");
    assert_eq!((stated, tuned.next_demand().await), (Tuning::Auto, 16));
    let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
    let options = SubscribeOptions::new().demand(Tuning::Fixed);
    sink.subscribe(&source.producer(), options).await.expect("a subscription");
    assert_eq!(source.next_demand().await, stated_max);
    // The next ask comes when the outstanding demand has fallen to the minimum.
    let handled = u32::try_from(stated_max - stated_min).expect("a small number");
    source.emit(0..handled - 1);
    source.emit([0]);
    assert_eq!(source.next_demand().await, stated_max - stated_min);
}

#[test]
fn the_guarantees_state_the_default_window_of_a_flow() {
    let (tuning, max, min) = stated_defaults("`flow`");
    let options = format!("{:?}", flow::LayerOptions::default());
    // A layer without a window of its own has that of a subscription.
    assert!(options.contains("max_demand: None, min_demand: None, demand: None"), "{options}");
    let window = stage_core::Window::default();
    assert_eq!((Tuning::default(), window.max(), window.min()), (tuning, max, min));
}

/// Returns the pages of Markdown below a folder that are read as files. The documents beside the code of a library are read
/// as documentation of items, whose links rustdoc checks.
fn pages_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut pages = Vec::new();
    for path in entries {
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            let is_code =
                name == "src" && path.parent().is_some_and(|parent| parent.join("Cargo.toml").exists());
            if !name.starts_with('.') && name != "target" && !is_code {
                pages.extend(pages_below(&path));
            }
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
    pages
}

/// Returns the lines of a page outside of its programs, without what is in backticks.
fn prose(page: &Path) -> String {
    let text = fs::read_to_string(page).expect("a page");
    let mut in_program = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_program ^= fence;
        !in_program && !fence
    });
    lines.map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect()
}

/// Returns the anchor that the renderers of Markdown give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|sign| sign.is_alphanumeric() || "-_".contains(*sign)).collect()
}

/// Returns the anchors of a page's headings.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).expect("a page");
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_of_the_documents_leads_to_a_file_and_a_heading() {
    let pages = pages_below(&workspace_root());
    assert!(pages.len() > 60, "only {} pages were found", pages.len());
    let (mut dead, mut links) = (Vec::new(), 0);
    for page in &pages {
        let text = prose(page);
        let inline = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let pictures = ["src=\"", "href=\""].into_iter().flat_map(|key| text.split(key).skip(1));
        let pictures = pictures.filter_map(|rest| rest.split_once('"'));
        for (target, _) in inline.chain(pictures).filter(|(target, _)| !target.contains("://")) {
            links += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let leads = path.exists() && (heading.is_empty() || anchors(&path).contains(heading));
            if !leads {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(links > 100, "only {links} links were found");
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn the_contents_link_every_connector_and_every_view() {
    let contents = fs::read_to_string(workspace_root().join("docs/contents.md")).expect("the contents");
    let mut missing = Vec::new();
    for folder in ["connect", "watch"] {
        let entries = fs::read_dir(workspace_root().join(folder)).expect("the folder");
        let readmes = entries.map(|entry| entry.expect("an entry").path().join("README.md"));
        for readme in readmes.filter(|readme| readme.exists()) {
            let name =
                readme.parent().and_then(|parent| parent.file_name()).expect("a folder").to_string_lossy();
            let link = format!("](../{folder}/{name}/README.md)");
            if !contents.contains(&link) {
                missing.push(link);
            }
        }
    }
    assert!(missing.is_empty(), "docs/contents.md: {missing:?}");
}
