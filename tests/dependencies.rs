//! Checks that the dependencies keep the rules of `deny.toml`: licences, bans, and no C code in the engine.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};
use tests::source::workspace_root;

/// Returns Cargo's resolution for this workspace, without optional features.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("metadata in JSON")
}

fn rules() -> toml::Table {
    let text = fs::read_to_string(workspace_root().join("deny.toml")).expect("deny.toml");
    text.parse().expect("deny.toml is TOML")
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Returns the names of all packages by their ids.
fn names(metadata: &Value) -> BTreeMap<&str, &str> {
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(package, "id"), text(package, "name"))).collect()
}

/// Returns the normal and build dependencies of each package, by name.
fn edges(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let names = names(metadata);
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let shipped = |dependency: &Value| {
        let kinds = dependency["dep_kinds"].as_array().expect("kinds");
        kinds.iter().any(|kind| text(kind, "kind") != "dev")
    };
    let edges = nodes.iter().map(|node| {
        let deps = node["deps"].as_array().expect("deps");
        let needed = deps.iter().filter(|dep| shipped(dep)).map(|dep| names[text(dep, "pkg")]);
        (names[text(node, "id")], needed.collect())
    });
    edges.collect()
}

#[test]
fn every_licence_is_allowed() {
    let rules = rules();
    let allowed: Vec<_> = rules["licenses"]["allow"].as_array().expect("a list").iter().collect();
    let allowed: BTreeSet<_> = allowed.iter().map(|licence| licence.as_str().expect("a licence")).collect();
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "only {} packages were found", packages.len());
    for package in packages {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        let expression = Expression::parse_mode(licence, ParseMode::LAX)
            .unwrap_or_else(|error| panic!("the licence of {name} is no SPDX expression: {error}"));
        let kept = expression.evaluate(|required| allowed.contains(required.to_string().as_str()));
        assert!(kept, "{name} is under {licence}, which deny.toml does not allow");
    }
}

#[test]
fn no_banned_crate_is_used() {
    let rules = rules();
    let metadata = metadata();
    let edges = edges(&metadata);
    for rule in rules["bans"]["deny"].as_array().expect("a list") {
        let banned = rule["crate"].as_str().expect("a name");
        let wrappers: BTreeSet<_> = rule
            .get("wrappers")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        for (user, needed) in &edges {
            let excused = !needed.contains(banned) || wrappers.contains(user);
            assert!(excused, "{user} depends on {banned}, which deny.toml bans");
        }
    }
}

/// Returns the lines of `cargo tree` for a package.
fn tree(package: &str, edges: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["tree", "-p", package, "--edges", edges, "--prefix", "none"])
        .args(["--locked", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    assert!(tree.lines().count() > 10, "no tree: {tree}");
    tree
}

/// Features that a test of the whole workspace leaves out.
const LEFT_OUT: [(&str, &str); 1] = [
    // This feature needs the headers of OpenSSL.
    ("stage-kafka", "tls"),
];

/// The tests behind a feature that nothing selects would be left out without notice.
#[test]
fn a_test_of_the_workspace_selects_every_feature_of_its_libraries() {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["tree", "--workspace", "--edges", "all", "--depth", "1", "--prefix", "none"])
        .args(["--format", "{p}|{f}", "--locked", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let mut selected = BTreeSet::new();
    for (package, features) in tree.lines().filter_map(|line| line.split_once('|')) {
        let name = package.split(' ').next().unwrap_or_default();
        selected.extend(features.trim_end_matches(" (*)").split(',').map(|feature| (name, feature)));
    }
    let metadata = metadata();
    let members = metadata["workspace_members"].as_array().expect("members");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let ours = packages.filter(|package| members.contains(&package["id"]));
    // The umbrella only passes its features on.
    let libraries =
        ours.filter(|package| package["publish"].is_null() && text(package, "name") != "stagewright");
    let missing = libraries
        .flat_map(|package| {
            let features = package["features"].as_object().expect("features");
            features.keys().map(move |feature| (text(package, "name"), feature.as_str()))
        })
        .filter(|feature| !selected.contains(feature) && !LEFT_OUT.contains(feature))
        .collect::<Vec<_>>();
    assert_eq!(missing, [], "select these in the dev-dependencies of tests/Cargo.toml");
}

/// The test kit reads a clock that a test can pause, which costs a fifth of the speed of small batches.
#[test]
fn programs_and_benches_are_built_without_the_test_kit() {
    for package in ["examples", "benches", "stagewright"] {
        let tree = tree(package, "normal,features");
        let kit = tree.lines().find(|line| line.contains("feature \"test-util\""));
        assert_eq!(kit, None, "{package} is built with the test kit");
    }
}

#[test]
fn stage_core_needs_no_c_compiler_and_few_packages() {
    let tree = tree("stage-core", "normal,build");
    let compilers = ["cc ", "cmake ", "bindgen "];
    let found: Vec<_> = tree.lines().filter(|line| compilers.iter().any(|cc| line.starts_with(cc))).collect();
    assert!(found.is_empty(), "stage-core builds C code through {found:?}");
    // A package that occurs again is listed with a star.
    let packages: BTreeSet<_> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(packages.len() <= 30, "stage-core has {} packages: {packages:?}", packages.len());
}

/// Returns the number in "adds N packages to those of `stage-core`".
fn stated_weight(readme: &str) -> Option<usize> {
    let words: Vec<_> = readme.split_whitespace().collect();
    let place = words.windows(7).position(|words| {
        words[0] == "adds"
            && words[2..6] == ["packages", "to", "those", "of"]
            && words[6].starts_with("`stage-core`")
    })?;
    words[place + 1].parse().ok()
}

/// The packages of others that a crate needs at run time, by name and version.
fn packages_of_others(package: &str) -> BTreeSet<String> {
    let tree = tree(package, "normal");
    let of_others = tree.lines().filter(|line| !line.contains(" (/"));
    of_others.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn readmes_of_connectors_state_their_weight() {
    let core = packages_of_others("stage-core");
    let mut weighed = 0;
    for entry in workspace_root().join("connect").read_dir().expect("the connectors") {
        let folder = entry.expect("an entry").path();
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        let Some(stated) = stated_weight(&readme) else { continue };
        let name = format!("stage-{}", folder.file_name().expect("a name").to_string_lossy());
        let added = packages_of_others(&name).difference(&core).count();
        assert_eq!(stated, added, "the README of {name} states another number of packages");
        weighed += 1;
    }
    assert!(weighed > 4, "the READMEs state the weight of {weighed} connectors only");
}
