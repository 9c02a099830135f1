//! A list of pipelines, for pages and exporters that show all of them.

use tokio::time::Instant;

use super::group::Group;
use super::queues::Queues;
use super::status::Status;
use super::steering::Steering;
use crate::pipeline::Topology;
use crate::pipeline::handle::{Monitor, Running};
use crate::sync::{Arc, Mutex, lock};

/// The maximum number of ended pipelines that a board keeps.
const ENDED: usize = 64;

/// A list of pipelines by name. Clones share the same list.
///
/// A pipeline that has ended stays on the board until it is [removed](Self::remove). Of those that have ended,
/// a board keeps the last 64: [`add`](Self::add) removes the one that ended first if there are more.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::watch::Board;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = || {
///     Pipeline::builder("upload").start_fn("files", || Ok(0_u64..)).finish_fn("store", |_| ()).start()
/// };
/// let running = pipeline().await?;
/// let board = Board::new();
/// board.add("upload", &running)?;
/// assert!(board.add("upload", &running).is_err(), "the name is taken");
/// let entry = board.get("upload").ok_or("listed")?;
/// assert_eq!(entry.status().state.to_string(), "running");
/// entry.steering().stop()?;
/// running.join().await?;
/// assert_eq!(entry.status().state.to_string(), "stopped");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// In the alphabetical order of the names.
    entries: Arc<Mutex<Vec<Entry>>>,
    pub(super) queues: Queues,
}

/// A pipeline on a [`Board`]. Cheap to clone; stays valid after it is removed from the board.
#[derive(Clone, Debug)]
pub struct Entry {
    name: Arc<str>,
    watched: Watched,
}

/// A pipeline, a supervisor or a group of stages, to be listed on a [`Board`].
#[derive(Clone, Debug)]
pub struct Watched {
    monitor: Monitor,
}

impl Watched {
    /// Returns the reader of the pipeline's statistics.
    #[inline]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the control of the pipeline.
    #[inline]
    pub fn steering(&self) -> Steering {
        Steering::of(&self.monitor)
    }
}

/// The name of a pipeline or of a queue is already on the board.
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("the name `{name}` is already on the board; remove it first, even if its pipeline has ended")]
pub struct NameTaken {
    /// The name.
    pub name: String,
}

impl Board {
    /// Creates an empty board.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a pipeline under a name, which need not be the name of its declaration.
    ///
    /// # Errors
    ///
    /// Returns [`NameTaken`] if the name is listed, even if that pipeline has ended.
    pub fn add(&self, name: impl Into<String>, pipeline: impl Into<Watched>) -> Result<(), NameTaken> {
        let (name, watched) = (name.into(), pipeline.into());
        let mut entries = lock(&self.entries);
        let Err(index) = find(&entries, &name) else {
            return Err(NameTaken { name });
        };
        entries.insert(index, Entry { name: name.into(), watched });
        forget_oldest(&mut entries);
        Ok(())
    }

    /// Removes a pipeline, which runs on; returns it, or `None` if the name is not listed.
    #[inline]
    pub fn remove(&self, name: &str) -> Option<Entry> {
        let mut entries = lock(&self.entries);
        let index = find(&entries, name).ok()?;
        Some(entries.remove(index))
    }

    /// Returns the pipeline with this name.
    #[inline]
    pub fn get(&self, name: &str) -> Option<Entry> {
        let entries = lock(&self.entries);
        find(&entries, name).ok().map(|index| entries[index].clone())
    }

    /// Returns all names, in alphabetical order.
    #[inline]
    pub fn names(&self) -> Vec<String> {
        lock(&self.entries).iter().map(|entry| entry.name.to_string()).collect()
    }

    /// Returns all pipelines, in the alphabetical order of their names.
    #[inline]
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }
}

/// Removes ended pipelines until at most [`ENDED`] are left, the one that ended first before the others.
#[inline]
fn forget_oldest(entries: &mut Vec<Entry>) {
    let mut ended: Vec<(Instant, Arc<str>)> = Vec::new();
    for entry in &*entries {
        ended.extend(entry.watched.monitor.lifecycle.ended_at().map(|at| (at, Arc::clone(&entry.name))));
    }
    while ended.len() > ENDED
        && let Some(oldest) = (0..ended.len()).min_by(|one, other| ended[*one].cmp(&ended[*other]))
    {
        let (_, name) = ended.swap_remove(oldest);
        entries.retain(|entry| entry.name != name);
    }
}

/// Returns the index of the pipeline with this name, or the one at which it belongs.
#[inline]
fn find(entries: &[Entry], name: &str) -> Result<usize, usize> {
    entries.binary_search_by(|entry| (*entry.name).cmp(name))
}

impl Entry {
    /// Returns the name under which it is listed.
    #[inline]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the structure of the pipeline, with the options that were effective at its start.
    #[inline]
    pub fn topology(&self) -> &Topology {
        self.monitor().topology()
    }

    /// Returns the reader of the pipeline's statistics.
    #[inline]
    pub fn monitor(&self) -> &Monitor {
        self.watched.monitor()
    }

    /// Returns the control of the pipeline.
    #[inline]
    pub fn steering(&self) -> Steering {
        self.watched.steering()
    }

    /// Reads the status of the pipeline.
    #[inline]
    pub fn status(&self) -> Status {
        self.monitor().status()
    }
}

impl From<&Running> for Watched {
    #[inline]
    fn from(running: &Running) -> Self {
        Self { monitor: running.monitor() }
    }
}

impl From<&Group> for Watched {
    #[inline]
    fn from(group: &Group) -> Self {
        Self { monitor: group.monitor().clone() }
    }
}
