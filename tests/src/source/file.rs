//! Source files of a folder, with the code in each of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::strip::{only_code, without_tests};

/// One Rust file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: PathBuf,
    text: String,
    code: String,
}

/// A line and its number, from 1.
pub type Line<'a> = (usize, &'a str);

/// Returns the folder of the workspace.
///
/// # Panics
///
/// If this package is not in a folder of the workspace.
pub fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("a package inside the workspace").to_owned()
}

/// Returns every Rust file below a folder of the workspace, sorted by path; empty if the folder does not
/// exist.
///
/// # Errors
///
/// If a folder or a file cannot be read.
pub fn read_sources(folder: &str) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let root = workspace_root();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)?;
                let path = path.strip_prefix(&root).unwrap_or(&path).to_owned();
                files.push(SourceFile::new(path, text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

impl SourceFile {
    /// Creates a file with this path in the workspace and this content.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = without_tests(&only_code(&text));
        Self { path, text, code }
    }

    /// Returns the path relative to the workspace's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the code: comments, contents of literals and tests are replaced by spaces; lines keep their
    /// positions.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the lines that contain code.
    pub fn code_lines(&self) -> impl Iterator<Item = Line<'_>> {
        let numbered = (1..).zip(self.code.lines());
        numbered.filter(|(_, line)| !line.trim().is_empty())
    }

    /// Returns the file's name.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("")
    }

    /// Returns whether this is the root of a library or a program.
    pub fn is_crate_root(&self) -> bool {
        matches!(self.name(), "lib.rs" | "main.rs")
    }

    /// Returns the modules that lead to this file: none for `src/lib.rs`, `["dispatch", "demand"]` for
    /// `src/dispatch/demand.rs`.
    pub fn module_path(&self) -> Vec<&str> {
        let components = self.path.components().filter_map(|part| part.as_os_str().to_str());
        let mut path: Vec<_> = components.skip_while(|part| *part != "src").skip(1).collect();
        match path.pop() {
            None | Some("lib.rs" | "main.rs" | "mod.rs") => {}
            Some(name) => path.push(name.trim_end_matches(".rs")),
        }
        path
    }

    pub(super) fn module_depth(&self) -> usize {
        self.module_path().len()
    }
}

#[cfg(test)]
mod tests {
    use super::SourceFile;

    #[test]
    fn the_module_path_is_the_path_in_code() {
        let module = |path: &str| SourceFile::new(path, "").module_path().join("::");
        assert_eq!(module("stage-core/src/lib.rs"), "");
        assert_eq!(module("stage-core/src/demand.rs"), "demand");
        assert_eq!(module("stage-core/src/dispatch/mod.rs"), "dispatch");
        assert_eq!(module("stage-core/src/dispatch/demand.rs"), "dispatch::demand");
    }

    #[test]
    fn only_lines_with_code_count() {
        let text = "//! Why?\n\nfn a() {\n    // so\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let file = SourceFile::new("src/a.rs", text);
        let lines: Vec<_> = file.code_lines().collect();
        assert_eq!(lines, [(3, "fn a() {"), (5, "}")]);
    }
}
