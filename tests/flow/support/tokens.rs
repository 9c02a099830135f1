//! Events that are counted while they live, to find leaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of living tokens, and its maximum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    living: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// A number that is counted while it lives.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) number: u64,
    tokens: Tokens,
}

impl Tokens {
    pub(crate) fn make(&self, number: u64) -> Token {
        let living = self.living.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(living, Ordering::SeqCst);
        Token { number, tokens: self.clone() }
    }

    pub(crate) fn living(&self) -> usize {
        self.living.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.tokens.living.fetch_sub(1, Ordering::SeqCst);
    }
}
