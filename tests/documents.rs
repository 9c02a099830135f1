//! Checks of the documents against the code: the tests that the notes name exist, and the guarantees state the
//! real defaults.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;

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

/// The pages whose links lead to other files.
const PAGES: &[&str] =
    &["README.md", "CONTRIBUTING.md", "docs/README.md", "docs/contents.md", "docs/guarantees.md"];

#[test]
fn the_links_of_the_first_pages_lead_to_files() {
    let mut dead = Vec::new();
    for page in PAGES {
        let path = workspace_root().join(page);
        let text = fs::read_to_string(&path).expect("the page");
        let links =
            text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let files = links.map(|target| target.split('#').next().unwrap_or(target));
        let folder = path.parent().expect("a page is in a folder");
        let missing = files
            .filter(|file| !file.is_empty() && !file.contains("://") && !folder.join(file).exists())
            .map(|file| format!("{page}: {file}"));
        dead.extend(missing);
    }
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
