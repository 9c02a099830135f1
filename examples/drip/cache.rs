//! A cache of the clear content of small, recent files: a download of one of them needs neither storage nor
//! key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;

use crate::repository::MediaId;

/// Limits of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum bytes of all files together.
    pub total: u64,
    /// Maximum bytes of one file; larger files are not cached.
    pub file: u64,
    /// How long a file stays cached.
    pub time_to_live: Duration,
}

impl Default for Bounds {
    /// 32 MiB in total, 1 MiB per file, ten minutes.
    fn default() -> Self {
        Self { total: 32 << 20, file: 1 << 20, time_to_live: Duration::from_mins(10) }
    }
}

/// Cached content by medium; cheap to clone.
#[derive(Debug, Clone)]
pub struct ContentCache {
    content: Cache<MediaId, Bytes>,
    hits: Arc<AtomicU64>,
    file: u64,
}

impl ContentCache {
    /// Creates an empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let content = Cache::builder()
            .max_capacity(bounds.total)
            .weigher(|_, content: &Bytes| u32::try_from(content.len()).unwrap_or(u32::MAX))
            .time_to_live(bounds.time_to_live)
            .build();
        Self { content, hits: Arc::default(), file: bounds.file }
    }

    /// Returns the content of a medium if it is cached.
    pub fn get(&self, id: MediaId) -> Option<Bytes> {
        let found = self.content.get(&id);
        self.hits.fetch_add(u64::from(found.is_some()), Ordering::Relaxed);
        found
    }

    /// Starts to gather a file of `size` bytes, if it is small enough.
    pub fn gather(&self, size: u64) -> Gathering {
        let content = usize::try_from(size).ok().filter(|_| size <= self.file).map(Vec::with_capacity);
        Gathering { content, bound: self.file }
    }

    /// Stores the gathered content of a medium, replacing that of an earlier attempt.
    pub fn put(&self, id: MediaId, gathered: Gathering) {
        match gathered.content {
            Some(content) => self.content.insert(id, content.into()),
            None => self.content.invalidate(&id),
        }
    }

    /// Number of lookups that found an entry.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

/// The content of one file, gathered as it passes by; empty for a file that is, or turns out to be, too
/// large.
#[derive(Debug)]
pub struct Gathering {
    content: Option<Vec<u8>>,
    bound: u64,
}

impl Gathering {
    /// Appends the next bytes. Content that outgrows the announced size is dropped at once.
    pub fn add(&mut self, bytes: &[u8]) {
        let bound = self.bound;
        self.content = self.content.take().filter(|content| (content.len() + bytes.len()) as u64 <= bound);
        if let Some(content) = &mut self.content {
            content.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> ContentCache {
        ContentCache::new(Bounds { total: 100, file: 10, time_to_live: Duration::from_mins(10) })
    }

    fn put(cache: &ContentCache, content: &[u8]) -> MediaId {
        let id = MediaId::new();
        let mut gathering = cache.gather(content.len() as u64);
        gathering.add(content);
        cache.put(id, gathering);
        id
    }

    #[test]
    fn a_small_file_is_found_again_and_counted() {
        let cache = cache();
        let id = put(&cache, b"content");
        assert_eq!(cache.get(id).as_deref(), Some(b"content".as_slice()));
        assert_eq!(cache.get(MediaId::new()), None);
        assert_eq!(cache.hits(), 1);
    }

    #[test]
    fn an_empty_file_is_content_too() {
        let cache = cache();
        let id = put(&cache, b"");
        assert_eq!(cache.get(id).as_deref(), Some(b"".as_slice()));
    }

    #[test]
    fn a_file_above_the_bound_is_neither_gathered_nor_taken() {
        let cache = cache();
        let id = put(&cache, &[1; 11]);
        assert_eq!(cache.get(id), None);
    }

    #[test]
    fn a_file_that_grew_above_the_bound_is_not_taken() {
        let cache = cache();
        let id = MediaId::new();
        let mut gathering = cache.gather(5);
        gathering.add(&[1; 7]);
        gathering.add(&[1; 7]);
        gathering.add(&[1; 1]);
        assert_eq!(gathering.content, None, "nothing is kept of it");
        cache.put(id, gathering);
        assert_eq!(cache.get(id), None);
    }

    #[test]
    fn a_later_attempt_that_is_not_taken_leaves_nothing_of_an_earlier_one() {
        let cache = cache();
        let id = put(&cache, b"first");
        cache.put(id, cache.gather(11));
        assert_eq!(cache.get(id), None);
    }

    #[test]
    fn all_files_together_stay_below_the_bound() {
        let cache = cache();
        let ids: Vec<_> = (0..50).map(|_| put(&cache, &[1; 10])).collect();
        cache.content.run_pending_tasks();
        let kept = ids.iter().filter(|id| cache.get(**id).is_some()).count();
        assert!(kept <= 10, "{kept} files of 10 bytes in 100");
    }
}
