//! The links of the book lead somewhere, and every chapter is compiled.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src")
}

fn chapters() -> BTreeMap<String, String> {
    let files = folder().read_dir().expect("the book").map(|entry| entry.expect("a readable folder").path());
    let pages = files.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("a readable chapter"))
    };
    pages.map(read).collect()
}

/// Returns the anchor that mdBook gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|sign| sign.is_alphanumeric() || "-_".contains(*sign)).collect()
}

/// Returns the targets of the links in a text.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_of_the_book() {
    let chapters = chapters();
    let mut dead = Vec::new();
    for (name, text) in &chapters {
        for link in links(text) {
            let (page, heading) = link.split_once('#').unwrap_or((link, ""));
            let page = if page.is_empty() { name } else { page };
            let headings = chapters.get(page).map(|text| {
                let headings = text.lines().filter(|line| line.starts_with('#'));
                headings.map(|line| anchor(line.trim_start_matches('#'))).collect::<Vec<_>>()
            });
            if headings.is_none_or(|all| !heading.is_empty() && !all.iter().any(|one| one == heading)) {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_chapter_is_in_the_summary_and_compiled() {
    let chapters = chapters();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let library = std::fs::read_to_string(library).expect("the library");
    for name in chapters.keys().filter(|name| *name != "SUMMARY.md") {
        assert!(chapters["SUMMARY.md"].contains(&format!("({name})")), "{name} is not in the summary");
        assert!(library.contains(&format!("/{name}\"")), "the programs of {name} are not compiled");
    }
}
