//! Many deliveries that are handled as one.

use std::mem;

use super::reason::Reason;
use super::token::Token;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// The tokens of what was joined, and one count of holders for all of them.
#[derive(Debug)]
pub(super) struct Joined {
    holders: AtomicUsize,
    reason: Mutex<Option<Reason>>,
    parts: Mutex<Vec<Token>>,
}

impl Joined {
    /// With one holder.
    pub(super) fn new(parts: Vec<Token>) -> Arc<Self> {
        Arc::new(Self { holders: AtomicUsize::new(1), reason: Mutex::new(None), parts: Mutex::new(parts) })
    }

    pub(super) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn acknowledge(&self) {
        if self.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let reason = lock(&self.reason).take();
            for token in mem::take(&mut *lock(&self.parts)) {
                match &reason {
                    None => token.acknowledge(),
                    Some(reason) => token.reject(reason.clone()),
                }
            }
        }
    }

    pub(super) fn reject(&self, reason: Option<Reason>) {
        let reason = reason.or_else(|| lock(&self.parts).first().map(Token::why_dropped));
        lock(&self.reason).get_or_insert(reason.unwrap_or(Reason::Dropped));
        self.acknowledge();
    }

    pub(super) fn is_rejected(&self) -> bool {
        lock(&self.reason).is_some()
    }

    pub(super) fn why_dropped(&self) -> Reason {
        lock(&self.parts).first().map_or(Reason::Dropped, Token::why_dropped)
    }
}
