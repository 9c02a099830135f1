//! What has several holders, or is many deliveries that are handled as one.

use std::fmt;
use std::mem;

use super::inbox::Inbox;
use super::looked::Looked;
use super::reason::Reason;
use super::token::Token;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// Some tokens, and one count of holders for all of them. When the last holder has settled, the tokens are.
pub(super) struct Group {
    holders: AtomicUsize,
    /// The first reason that was given.
    reason: Mutex<Option<Reason>>,
    tokens: Mutex<Vec<Token>>,
    /// Knows what a dropped token means; none if nobody is told of any of them.
    inbox: Option<Arc<Inbox>>,
}

impl Group {
    fn new(tokens: Vec<Token>, inbox: Option<Arc<Inbox>>) -> Arc<Self> {
        let (reason, tokens) = (Mutex::new(None), Mutex::new(tokens));
        Arc::new(Self { holders: AtomicUsize::new(1), reason, tokens, inbox })
    }

    /// Of the delivery whose first holder has its slot, and [keeps](Self::keep) it here when he lets go.
    pub(super) fn of_one(inbox: &Arc<Inbox>) -> Arc<Self> {
        Self::new(Vec::new(), Some(Arc::clone(inbox)))
    }

    /// Of many, with one holder.
    pub(super) fn of_many(tokens: Vec<Token>) -> Arc<Self> {
        let inbox = tokens.iter().find_map(Token::inbox).cloned();
        Self::new(tokens, inbox)
    }

    pub(super) const fn inbox(&self) -> Option<&Arc<Inbox>> {
        self.inbox.as_ref()
    }

    /// This token is settled with the last holder, too. Called by a holder.
    pub(super) fn keep(&self, token: Token) {
        lock(&self.tokens).push(token);
    }

    /// One holder more. Called by a holder.
    pub(super) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    /// One holder did its part.
    pub(super) fn acknowledge(&self) {
        if self.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let reason = lock(&self.reason).take();
            let tokens = mem::take(&mut *lock(&self.tokens));
            match reason {
                None => Token::acknowledge_all(tokens),
                Some(reason) => tokens.into_iter().for_each(|token| token.reject(reason.clone())),
            }
        }
    }

    /// One holder did not do its part. The first reason counts, but that of a holder that tried before that of one
    /// that did not.
    pub(super) fn reject(&self, reason: Reason) {
        {
            let mut first = lock(&self.reason);
            if matches!(*first, None | Some(Reason::Untried)) {
                *first = Some(reason);
            }
        }
        self.acknowledge();
    }

    pub(super) fn is_rejected(&self) -> bool {
        lock(&self.reason).is_some()
    }

    /// The reason for the rejection of a holder's token that is dropped now.
    pub(super) fn why_dropped(&self, looked: &Looked) -> Reason {
        self.inbox.as_ref().map_or_else(|| looked.why_dropped(), |inbox| inbox.why_dropped(looked))
    }
}

/// The tokens may lead back to it.
impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("holders", &self.holders).finish_non_exhaustive()
    }
}
