//! A value that a configuration can set before a stage is built.

use crate::sync::{Arc, Mutex, lock};

/// A value that replaces the one of a declaration, if it is set.
#[derive(Debug)]
pub(crate) struct Preset<T>(Arc<Mutex<Option<T>>>);

impl<T: Copy> Preset<T> {
    pub(crate) fn get(&self) -> Option<T> {
        *lock(&self.0)
    }

    #[cfg(feature = "config")]
    pub(crate) fn set(&self, value: T) {
        *lock(&self.0) = Some(value);
    }
}

impl<T> Default for Preset<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Preset<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
