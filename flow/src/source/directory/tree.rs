//! The options of a walk: the root directory, and the file systems to include.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stage_core::BoxError;

use super::super::{NoStamp, ReadError, Source};
use super::entry::{Entry, WalkError};
use super::frontier::{Ancestor, Frontier, Pending, identity};
use super::part::TreePart;
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Fused;

/// A directory and everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    root: PathBuf,
    reach: Reach,
}

/// The file systems that a walk includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Everything,
    OneFileSystem,
}

impl Tree {
    /// The tree below `root`; if `root` is not a directory, it alone.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), reach: Reach::Everything }
    }

    /// Excludes entries on file systems other than that of the root.
    pub fn one_file_system(mut self) -> Self {
        self.reach = Reach::OneFileSystem;
        self
    }
}

impl<P: AsRef<Path>> From<P> for Tree {
    fn from(root: P) -> Self {
        Self::new(root.as_ref())
    }
}

impl Source for Tree {
    type Item = Result<Entry, WalkError>;
    type Part = TreePart;

    fn parts(&self, most: usize) -> Result<Vec<TreePart>, BoxError> {
        let opened = fs::symlink_metadata(&self.root);
        let metadata = opened.map_err(|source| ReadError::Open { path: self.root.clone(), source })?;
        let device = match self.reach {
            Reach::Everything => None,
            Reach::OneFileSystem => identity(&metadata).map(|(device, _)| device),
        };
        let frontier = Frontier::new(metadata.is_dir().then(|| self.pending(&metadata)));
        let mut root = Some(Entry { path: self.root.clone(), metadata, depth: 0 });
        let part = |_| TreePart::new(Arc::clone(&frontier), device, root.take());
        // A bound on the number of parts: each of them looks for directories to read.
        Ok((0..most.clamp(1, 1024)).map(part).collect())
    }

    fn name(&self) -> String {
        format!("walk {}", self.root.display())
    }
}

impl Tree {
    fn pending(&self, metadata: &Metadata) -> Pending {
        Pending { path: self.root.clone(), depth: 0, line: Ancestor::of(metadata, None) }
    }
}

impl Flow<Start<Fused<Tree, NoStamp>>> {
    /// Creates a flow of the entries of a directory and everything below it, including the directory itself,
    /// each with its metadata. A failure to read something is an error among the entries, and the walk
    /// continues.
    ///
    /// All stages of the layer walk at once, each in a different directory, and run the steps on the entries
    /// they find. Symbolic links are entries and are not followed, with one exception, which the operating
    /// system makes: a path that ends in `/` names the target of a link.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::source::Tree;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let root = folder.path();
    /// std::fs::create_dir_all(root.join("a/b"))?;
    /// std::fs::write(root.join("a/b/file"), "12345")?;
    /// let files = Flow::from_directory(Tree::new(root).one_file_system())
    ///     .filter_map(Result::ok)
    ///     .filter(|entry| entry.metadata.is_file())
    ///     .map(|entry| (entry.path, entry.metadata.len(), entry.depth));
    /// let files: Vec<_> = files.collect().await?;
    /// assert_eq!(files, [(root.join("a/b/file"), 5, 3)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Ordering
    ///
    /// A directory comes before its entries; there is no other guarantee.
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`] if nothing exists at the path.
    pub fn from_directory(tree: impl Into<Tree>) -> Self {
        Self::from_source(tree.into())
    }
}
