//! Which directory is walked, and how far.

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

/// A directory and all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    root: PathBuf,
    reach: Reach,
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Everything,
    OneFileSystem,
}

impl Tree {
    /// The tree below `root`; if that is no directory, it alone.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), reach: Reach::Everything }
    }

    /// Leaves out what is on another file system than the root.
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
        // Nobody walks with more hands than this, and every hand looks for work.
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
    /// The entries of a directory and of all below it, the directory itself too, each with its metadata.
    /// What cannot be read is an error among the entries, and the walk goes on.
    ///
    /// All stages of the layer walk, each in another directory, and do the steps with what they find.
    /// Symbolic links are entries and are not followed, with one exception that is not the walk's: a path
    /// that ends in `/` names what a link leads to.
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
    /// A directory comes before what is in it; else there is none.
    ///
    /// # Errors
    ///
    /// Of the run: a [`ReadError`] if there is nothing at the path.
    pub fn from_directory(tree: impl Into<Tree>) -> Self {
        Self::from_source(tree.into())
    }
}
