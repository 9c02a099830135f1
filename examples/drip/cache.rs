//! The clear content of small files that passed by lately, so that a download of them needs no storage and no key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use moka::sync::Cache;

use crate::repository::MediaId;

/// What a cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all files together.
    pub total: u64,
    /// Bytes of one file; a larger one is not taken.
    pub file: u64,
    /// How long a file stays.
    pub time_to_live: Duration,
}

impl Default for Bounds {
    /// 32 MiB in all, 1 MiB a file, ten minutes.
    fn default() -> Self {
        Self { total: 32 << 20, file: 1 << 20, time_to_live: Duration::from_mins(10) }
    }
}

/// Content by medium; cheap to clone.
#[derive(Debug, Clone)]
pub struct ContentCache {
    content: Cache<MediaId, Bytes>,
    hits: Arc<AtomicU64>,
    file: u64,
}

impl ContentCache {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let content = Cache::builder()
            .max_capacity(bounds.total)
            .weigher(|_, content: &Bytes| u32::try_from(content.len()).unwrap_or(u32::MAX))
            .time_to_live(bounds.time_to_live)
            .build();
        Self { content, hits: Arc::default(), file: bounds.file }
    }

    /// The content of a medium, if it is here.
    pub fn get(&self, id: MediaId) -> Option<Bytes> {
        let found = self.content.get(&id);
        self.hits.fetch_add(u64::from(found.is_some()), Ordering::Relaxed);
        found
    }

    /// Begins to gather a file of `size` bytes, if it is small enough.
    pub fn gather(&self, size: u64) -> Gathering {
        let content = usize::try_from(size).ok().filter(|_| size <= self.file).map(Vec::with_capacity);
        Gathering { content, bound: self.file }
    }

    /// Takes what was gathered of a medium, in the place of what an earlier attempt left of it.
    pub fn put(&self, id: MediaId, gathered: Gathering) {
        match gathered.content {
            Some(content) => self.content.insert(id, content.into()),
            None => self.content.invalidate(&id),
        }
    }

    /// How often something was found.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

/// The content of one file as it passes by; nothing for a file that is, or becomes, too large.
#[derive(Debug)]
pub struct Gathering {
    content: Option<Vec<u8>>,
    bound: u64,
}

impl Gathering {
    /// The next bytes. A file that turns out larger than it was said to be is let go of at once.
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
