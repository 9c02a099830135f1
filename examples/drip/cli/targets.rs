//! Assigns each medium its file below the download folder.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::download::marked;
use crate::repository::{Media, NewDownload};

/// Assigns every medium a separate file below one folder.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    folder: &'a Path,
    /// Names of the uploads' root folders below `folder`; empty if there is only one root.
    roots: HashMap<PathBuf, OsString>,
    taken: HashSet<PathBuf>,
}

impl<'a> Targets<'a> {
    /// Creates targets for media that were uploaded with these root folders. Several roots keep their names;
    /// equal names get numbers.
    pub(super) fn new(folder: &'a Path, roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let (mut named, mut used) = (HashMap::new(), HashSet::new());
        for root in roots {
            if named.contains_key(&root) {
                continue;
            }
            let own = root.file_name().unwrap_or("root".as_ref());
            let mut name = own.to_owned();
            let mut number = 1;
            while !used.insert(name.clone()) {
                number += 1;
                name = marked(Path::new(own), &number.to_string()).into_os_string();
            }
            named.insert(root, name);
        }
        let roots = if named.len() > 1 { named } else { HashMap::new() };
        Self { folder, roots, taken: HashSet::new() }
    }

    /// Returns the download of a medium: its relative path, with its id in the name if another medium has
    /// that path.
    pub(super) fn download(&mut self, media: &Media) -> NewDownload {
        let mut relative = below(&media.relative_path);
        if let Some(name) = media.root.as_ref().and_then(|root| self.roots.get(root)) {
            relative = Path::new(name).join(relative);
        }
        if !self.taken.insert(relative.clone()) {
            relative = marked(&relative, &media.id.0.simple().to_string());
        }
        NewDownload { media: media.id, folder: self.folder.to_owned(), target: self.folder.join(relative) }
    }
}

/// Keeps only the components that lead further down: a path from the database must not lead outside of the
/// folder.
fn below(path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    let path: PathBuf = parts.collect();
    if path.as_os_str().is_empty() { "unnamed".into() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::transfer;

    fn target(targets: &mut Targets<'_>, root: Option<&str>, relative: &str) -> PathBuf {
        let mut media = transfer("a").media;
        media.relative_path = relative.into();
        media.root = root.map(PathBuf::from);
        targets.download(&media).target
    }

    fn of_roots(roots: &[&str]) -> Targets<'static> {
        Targets::new(Path::new("/to"), roots.iter().map(PathBuf::from))
    }

    #[test]
    fn media_keep_their_relative_paths_and_never_share_one() {
        let mut targets = of_roots(&["/src"]);
        assert_eq!(target(&mut targets, Some("/src"), "sub/a.txt"), Path::new("/to/sub/a.txt"));
        assert_eq!(target(&mut targets, Some("/src"), "a.txt"), Path::new("/to/a.txt"));
        let third = target(&mut targets, None, "a.txt");
        let name = third.file_name().unwrap().to_str().unwrap();
        assert!(
            name.starts_with("a~") && third.extension().is_some_and(|extension| extension == "txt"),
            "{name}"
        );
    }

    #[test]
    fn several_folders_keep_their_names_and_those_of_one_name_get_numbers() {
        let mut targets = of_roots(&["/one/src", "/two/src", "/"]);
        assert_eq!(target(&mut targets, Some("/one/src"), "a"), Path::new("/to/src/a"));
        assert_eq!(target(&mut targets, Some("/two/src"), "a"), Path::new("/to/src~2/a"));
        assert_eq!(target(&mut targets, Some("/"), "a"), Path::new("/to/root/a"));
        assert_eq!(target(&mut targets, None, "a"), Path::new("/to/a"));
    }

    #[test]
    fn a_path_out_of_the_database_never_leads_out_of_the_folder() {
        let mut targets = of_roots(&["/one/..", "/two/src"]);
        assert_eq!(target(&mut targets, None, "../../etc/passwd"), Path::new("/to/etc/passwd"));
        assert_eq!(target(&mut targets, Some("/one/.."), "/etc/shadow"), Path::new("/to/root/etc/shadow"));
        assert_eq!(target(&mut targets, None, ".."), Path::new("/to/unnamed"));
    }
}
