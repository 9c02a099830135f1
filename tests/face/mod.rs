//! Checks of the names that users meet: `docs/design/public-names.md` lists the public ones, and no other name is
//! public; the macro knows every option of steps; every public item has an example.

mod examples;
mod read;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::{fs, io};

use read::Tree;
use tests::source::workspace_root;

/// The list of the public names.
const LIST: &str = "docs/design/public-names.md";

/// The most names at the root of stage-core, without its modules.
const MOST_OF_STAGE_CORE: usize = 40;

/// The most public names of flow, in its root and its modules.
const MOST_OF_FLOW: usize = 70;

/// The public names of a crate. Hidden ones are left out.
struct Surface {
    /// The names of each public module, by its path; the root has an empty path.
    modules: BTreeMap<String, BTreeSet<String>>,
    /// The paths of each item that is public at more than one, apart from a prelude.
    doubled: Vec<Vec<String>>,
}

static STAGE_CORE: LazyLock<Surface> = LazyLock::new(|| surface("stage-core/src").expect("readable sources"));

/// Reads the public names of the crate whose `lib.rs` is in `folder`.
fn surface(folder: &str) -> io::Result<Surface> {
    let tree = Tree::read(folder)?;
    let mut modules = BTreeMap::new();
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open = vec![Vec::new()];
    while let Some(module) = open.pop() {
        let at = module.join("::");
        let mut names = BTreeSet::new();
        for shown in tree.shown(&module)? {
            if shown.is_module {
                open.push([&module[..], &[shown.name]].concat());
                continue;
            }
            if at != "prelude" {
                let path = if at.is_empty() { shown.name.clone() } else { format!("{at}::{}", shown.name) };
                paths.entry(shown.definition).or_default().push(path);
            }
            names.insert(shown.name);
        }
        modules.insert(at, names);
    }
    let doubled = paths.into_values().filter(|paths| paths.len() > 1).collect();
    Ok(Surface { modules, doubled })
}

/// Returns the listed names below the heading of each module: the words in code quotes.
fn listed() -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let text = fs::read_to_string(workspace_root().join(LIST))?;
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut module = None;
    for line in text.lines() {
        let mut quoted = line.split('`').skip(1).step_by(2);
        if line.starts_with('#') {
            module = quoted.next();
        } else if let Some(module) = module {
            listed.entry(module.to_owned()).or_default().extend(quoted.map(str::to_owned));
        }
    }
    Ok(listed)
}

#[track_caller]
fn assert_listed(module: &str, names: &BTreeSet<String>) {
    let all = listed().expect("the list is readable");
    let listed = all.get(module).unwrap_or_else(|| panic!("{LIST} has no heading `{module}`"));
    let more: Vec<_> = names.difference(listed).collect();
    let less: Vec<_> = listed.difference(names).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "`{module}` of {LIST}: public and not listed: {more:?}; listed and not public: {less:?}"
    );
}

#[test]
fn the_root_of_stage_core_shows_the_listed_names() {
    let root = &STAGE_CORE.modules[""];
    assert!(root.len() <= MOST_OF_STAGE_CORE, "{} names, at most {MOST_OF_STAGE_CORE}", root.len());
    assert_listed("stage_core", root);
}

#[test]
fn the_public_modules_of_stage_core_are_listed() {
    let is_top = |module: &str| !module.is_empty() && !module.contains("::");
    let modules = STAGE_CORE.modules.keys().filter(|module| is_top(module)).cloned().collect();
    assert_listed("stage_core::*", &modules);
}

#[test]
fn every_name_of_stage_core_has_one_path() {
    assert!(STAGE_CORE.doubled.is_empty(), "public at several paths: {:?}", STAGE_CORE.doubled);
}

#[test]
fn the_prelude_of_stage_core_shows_names_of_the_root_alone() {
    let more: Vec<_> = STAGE_CORE.modules["prelude"].difference(&STAGE_CORE.modules[""]).collect();
    assert!(more.is_empty(), "not in the root: {more:?}");
}

#[test]
fn flow_shows_the_listed_names() {
    let surface = surface("flow/src").expect("readable sources");
    let count: usize = surface.modules.values().map(BTreeSet::len).sum();
    assert!(count <= MOST_OF_FLOW, "{count} names, at most {MOST_OF_FLOW}");
    for (module, names) in &surface.modules {
        let path = if module.is_empty() { "flow".to_owned() } else { format!("flow::{module}") };
        assert_listed(&path, names);
    }
}

/// The published libraries.
const LIBRARIES: &[&str] = &[
    "stage-core",
    "stage-macros",
    "flow",
    "connect/core",
    "connect/edge",
    "connect/files",
    "connect/http",
    "connect/kafka",
    "connect/nats",
    "connect/objects",
    "connect/parquet",
    "connect/postgres",
    "connect/rabbitmq",
    "connect/redis",
    "connect/sqlite",
    "watch/metrics",
    "watch/otel",
    "watch/panel",
    "watch/top",
];

#[test]
fn every_public_item_has_an_example() {
    let mut without = Vec::new();
    for library in LIBRARIES {
        let items = examples::items(&format!("{library}/src")).expect("readable sources");
        println!("{library}: {} public items", items.all);
        without.extend(items.without.into_iter().map(|path| format!("{library}: `{path}`")));
    }
    assert!(without.is_empty(), "no example uses these items:\n{}", without.join("\n"));
}

/// The options of steps are in two tables: stage-core's, of which `Setting` consists, and the macro's.
#[test]
fn the_macro_has_every_step_option() {
    let read =
        |file: &str| fs::read_to_string(workspace_root().join("stage-macros/src").join(file)).expect(file);
    let (table, words) = (read("step_options.rs"), read("option_words.rs"));
    let fields = table.lines().filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, field, "Count" | "Number" | "Choice" | "Buffer" | "Demand", ..] => Some(field),
        _ => None,
    });
    let fields: Vec<_> = fields.collect();
    assert_eq!(fields, stage_core::config::Setting::ALL.map(stage_core::config::Setting::name));
    for field in fields {
        assert!(
            words.contains(&format!("\"{field}\", \"{field}: ")),
            "option_words.rs has no row for `{field}`"
        );
    }
}
