//! One of the parts that walk a tree together.

use std::fs::{self, DirEntry, ReadDir};
use std::ops::ControlFlow::{Break, Continue};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;

use stage_core::BoxError;

use super::super::part::{Each, read_each};
use super::super::{More, Part, Taker};
use super::entry::{Entry, WalkError};
use super::frontier::{Ancestor, Busy, Frontier, Pending, Work, identity};

/// Reads one directory of the shared queue after another.
#[derive(Debug)]
pub struct TreePart {
    frontier: Arc<Frontier>,
    /// The file system to stay on.
    device: Option<u64>,
    /// The root, which is not an entry of any directory that is read.
    root: Option<Entry>,
    listing: Option<Listing>,
}

/// A directory that is being read.
#[derive(Debug)]
struct Listing {
    entries: ReadDir,
    path: PathBuf,
    depth: usize,
    line: Arc<Ancestor>,
    _busy: Busy,
}

impl TreePart {
    pub(super) fn new(frontier: Arc<Frontier>, device: Option<u64>, root: Option<Entry>) -> Self {
        Self { frontier, device, root, listing: None }
    }

    /// Advances to the next entry; pending while only other parts have some.
    fn next(&mut self) -> Poll<Option<Result<Entry, WalkError>>> {
        if let Some(root) = self.root.take() {
            return Poll::Ready(Some(Ok(root)));
        }
        loop {
            let Some(listing) = &mut self.listing else {
                match self.frontier.take() {
                    Work::Wait => return Poll::Pending,
                    Work::Over => return Poll::Ready(None),
                    Work::Read(pending, busy) => match begin(pending, busy) {
                        Ok(listing) => self.listing = Some(listing),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    },
                }
                continue;
            };
            match listing.entries.next() {
                None => self.listing = None,
                Some(Err(source)) => {
                    let path = listing.path.clone();
                    return Poll::Ready(Some(Err(WalkError::Directory { path, source })));
                }
                Some(Ok(entry)) => {
                    let (depth, line) = (listing.depth + 1, Arc::clone(&listing.line));
                    if let Some(item) = self.look(&entry, depth, &line).transpose() {
                        return Poll::Ready(Some(item));
                    }
                }
            }
        }
    }

    /// Returns an entry of the directory that is being read; `None` if the entry is excluded.
    fn look(&self, entry: &DirEntry, depth: usize, line: &Arc<Ancestor>) -> Result<Option<Entry>, WalkError> {
        let path = entry.path();
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(source) => return Err(WalkError::Entry { path, source }),
        };
        if self.device.is_some() && identity(&metadata).map(|(device, _)| device) != self.device {
            return Ok(None);
        }
        if metadata.is_dir() {
            let line = Ancestor::of(&metadata, Some(Arc::clone(line)));
            if line.is_its_own() {
                return Err(WalkError::Cycle { path });
            }
            self.frontier.add(Pending { path: path.clone(), depth, line });
        }
        Ok(Some(Entry { path, metadata, depth }))
    }
}

fn begin(pending: Pending, busy: Busy) -> Result<Listing, WalkError> {
    let Pending { path, depth, line } = pending;
    match fs::read_dir(&path) {
        Ok(entries) => Ok(Listing { entries, path, depth, line, _busy: busy }),
        Err(source) => Err(WalkError::Directory { path, source }),
    }
}

impl Part for TreePart {
    type Item = Result<Entry, WalkError>;

    fn read(&mut self, most: usize, each: &mut impl FnMut(Self::Item)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<Self::Item>) -> Result<More, BoxError> {
        read_each(most, taker, || {
            Ok(match self.next() {
                Poll::Ready(Some(item)) => Continue(item),
                Poll::Pending => Break(More::Yes),
                Poll::Ready(None) => Break(More::No),
            })
        })
    }
}
