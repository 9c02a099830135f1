//! Every library has what a published package needs.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use tests::source::read_sources;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folders of the libraries, which are all packages that may be published.
fn libraries() -> Vec<PathBuf> {
    let inside = |folder: &str| {
        let entries = root().join(folder).read_dir().expect("the folder exists");
        entries.map(|entry| entry.expect("a readable folder").path()).collect::<Vec<_>>()
    };
    let mut found = vec![root().join("stage-core"), root().join("stage-macros"), root().join("flow")];
    found.push(root().join("stagewright"));
    found.extend(["connect", "watch"].into_iter().flat_map(inside));
    found.retain(|folder| folder.join("Cargo.toml").exists());
    found
}

fn manifest(folder: &Path) -> toml::Table {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    text.parse().expect("a manifest is TOML")
}

fn strings<'a>(package: &'a toml::Table, key: &str) -> Vec<&'a str> {
    let list = package.get(key).and_then(|value| value.as_array()).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|word| word.as_str()).collect()
}

#[test]
fn every_library_has_the_metadata_of_a_published_package() {
    let mut missing = Vec::new();
    for folder in libraries() {
        let manifest = manifest(&folder);
        let package = manifest["package"].as_table().expect("a package");
        let name = package["name"].as_str().expect("a name");
        let mut lacks = |what: &str| missing.push(format!("{name}: {what}"));
        if package.contains_key("publish") {
            lacks("`publish` is set, so the package is private");
        }
        if package.get("description").and_then(|text| text.as_str()).is_none_or(|text| text.len() < 20) {
            lacks("no description");
        }
        let keywords = strings(package, "keywords");
        if !(1..=5).contains(&keywords.len()) || keywords.iter().any(|word| word.len() > 20) {
            lacks("one to five keywords of at most 20 letters");
        }
        if strings(package, "categories").is_empty() {
            lacks("no categories");
        }
        if !package.contains_key("repository") {
            lacks("no repository");
        }
        let readme = package.get("readme").and_then(|path| path.as_str()).unwrap_or("README.md");
        if !folder.join(readme).exists() {
            lacks("no readme");
        }
        let docs = manifest["package"].get("metadata").and_then(|metadata| metadata.get("docs"));
        match docs.and_then(|docs| docs.get("rs")).and_then(|docs| docs.as_table()) {
            Some(docs) => {
                let has_all = docs.get("all-features").and_then(toml::Value::as_bool) == Some(true);
                if !has_all || strings(docs, "rustdoc-args") != ["--cfg", "docsrs"] {
                    lacks("[package.metadata.docs.rs] leaves out features, or their marks (`--cfg docsrs`)");
                }
            }
            None => lacks("no [package.metadata.docs.rs]"),
        }
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let of_root = std::fs::read(root().join(licence)).expect("the licence of the project");
            if std::fs::read(folder.join(licence)).ok().as_ref() != Some(&of_root) {
                lacks(&format!("{licence} is missing or differs from the one in the root"));
            }
        }
        if let Ok(text) = std::fs::read_to_string(folder.join("src/lib.rs"))
            && !text.contains("#![cfg_attr(docsrs, feature(doc_cfg))]")
        {
            lacks("features are not marked in the documentation (`doc_cfg`)");
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The folders of the packages that are never published.
const PRIVATE: [&str; 6] = ["examples", "benches", "tests", "tests/book", "tests/umbrella", "tests/renamed"];

#[test]
fn the_documentation_of_a_library_lists_its_features() {
    let mut missing = Vec::new();
    for folder in libraries() {
        let (manifest, lib) = (manifest(&folder), folder.join("src/lib.rs"));
        let (Some(features), Ok(text)) = (manifest.get("features"), std::fs::read_to_string(lib)) else {
            continue;
        };
        let docs = text.lines().filter_map(|line| line.strip_prefix("//!"));
        let listed: Vec<_> = docs.skip_while(|line| line.trim() != "# Features").collect();
        let names = features.as_table().expect("features have names").keys();
        for name in names.filter(|name| *name != "default") {
            if !listed.iter().any(|line| line.contains(&format!("`{name}`"))) {
                missing.push(format!("{}: `{name}`", folder.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not below `# Features` of the crate's documentation:\n{}",
        missing.join("\n")
    );
}

#[test]
fn programs_benches_and_suites_stay_private() {
    for folder in PRIVATE {
        let manifest = manifest(&root().join(folder));
        let publish = &manifest["package"]["publish"];
        assert!(
            publish.as_bool() == Some(false) || publish.get("workspace").is_some(),
            "{folder} would be published"
        );
    }
    let root = manifest(&root());
    assert_eq!(root["workspace"]["package"]["publish"].as_bool(), Some(false));
}

/// Cargo makes packages of private members, too, and looks for their dependencies among the published ones. A dependency for
/// development without a version is left out.
#[test]
fn no_package_needs_a_private_one() {
    let private: Vec<_> = PRIVATE.into_iter().map(|folder| manifest(&root().join(folder))).collect();
    let names: Vec<_> =
        private.iter().map(|manifest| manifest["package"]["name"].as_str().expect("a name")).collect();
    let libraries: Vec<_> = libraries().iter().map(|folder| manifest(folder)).collect();
    for manifest in private.iter().chain(&libraries) {
        for section in ["dependencies", "build-dependencies"] {
            let needed = manifest.get(section).and_then(|section| section.as_table());
            let found = needed
                .into_iter()
                .flat_map(|needed| needed.keys())
                .find(|name| names.contains(&name.as_str()));
            assert_eq!(
                found,
                None,
                "{}: {section}",
                manifest["package"]["name"].as_str().unwrap_or_default()
            );
        }
    }
    let root = manifest(&root());
    let shared = root["workspace"]["dependencies"].as_table().expect("the shared dependencies");
    for (name, dependency) in shared.iter().filter(|(name, _)| names.contains(&name.as_str())) {
        assert!(dependency.get("version").is_none(), "{name} has a version, so packages keep it");
    }
}

/// A `main` that returns an error prints its `Debug` form.
#[test]
fn the_debug_form_of_every_public_error_is_its_message() {
    let mut wrong = Vec::new();
    for folder in libraries() {
        let folder = folder.strip_prefix(root()).expect("a library below the root").join("src");
        for file in read_sources(&folder.to_string_lossy()).expect("readable sources") {
            let mut lines = file.text().lines();
            while let Some(line) = lines.next() {
                let derives = ["thiserror::Error", "stage_macros::Error,", "stage_macros::Error)"];
                let is_error =
                    line.starts_with("#[derive(") && derives.iter().any(|derive| line.contains(derive));
                let mut words = line.split(|letter: char| !letter.is_alphanumeric());
                if is_error && words.any(|word| word == "Debug") {
                    let item = lines.find(|line| line.contains("enum ") || line.contains("struct "));
                    wrong.extend(item.filter(|item| item.starts_with("pub ")).map(str::to_owned));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "derive `ErrorDebug` for {wrong:#?}");
}
