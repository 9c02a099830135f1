//! Holders that settle together: several of one delivery, or one of many deliveries.

use std::fmt;
use std::mem;

use super::inbox::Inbox;
use super::looked::Looked;
use super::origin::Arrivals;
use super::reason::Reason;
use super::token::Token;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock};

/// Some tokens with one count of holders. When the last holder settles, the tokens are settled.
pub(super) struct TokenGroup {
    holders: AtomicUsize,
    kind: GroupKind,
    /// Set with the first reason, and never reset.
    rejected: AtomicBool,
    /// The first reason given.
    reason: Mutex<Option<Reason>>,
    tokens: Mutex<Vec<Token>>,
    /// Determines the reason for a dropped token; `None` if no token is tracked.
    inbox: Option<Arc<Inbox>>,
    /// Runs before a handler first looks at the event.
    first_look: Option<FirstLook>,
    /// The name of the whole of which the holders are pieces, if it has one, and those that have arrived.
    arrivals: Option<Box<Arrivals>>,
}

/// Whether the holders are the pieces of a whole, which are not handled after one of them was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupKind {
    Copies,
    Pieces,
}

/// Work to be done before the first look, until it is done.
type FirstLook = Mutex<Option<Box<dyn FnOnce() + Send>>>;

impl TokenGroup {
    fn new(
        kind: GroupKind,
        tokens: Vec<Token>,
        inbox: Option<Arc<Inbox>>,
        first_look: Option<FirstLook>,
        arrivals: Option<Box<Arrivals>>,
    ) -> Arc<Self> {
        let (holders, rejected) = (AtomicUsize::new(1), AtomicBool::new(false));
        let (reason, tokens) = (Mutex::new(None), Mutex::new(tokens));
        Arc::new(Self { holders, kind, rejected, reason, tokens, inbox, first_look, arrivals })
    }

    /// Creates the group of a single delivery. The first holder has its slot, and [keeps](Self::keep) it here
    /// when it settles.
    pub(super) fn of_one(inbox: &Arc<Inbox>) -> Arc<Self> {
        Self::new(GroupKind::Copies, Vec::new(), Some(Arc::clone(inbox)), None, None)
    }

    /// Creates a group of many deliveries with one holder.
    pub(super) fn of_many(tokens: Vec<Token>) -> Arc<Self> {
        let inbox = tokens.iter().find_map(Token::inbox);
        Self::new(GroupKind::Copies, tokens, inbox, None, None)
    }

    /// Creates the group of the pieces of a whole; its one holder makes them.
    pub(super) fn of_pieces(token: Token, name: Option<Arc<str>>) -> Arc<Self> {
        let inbox = token.inbox();
        let arrivals = name.map(|name| Box::new(Arrivals::new(name)));
        Self::new(GroupKind::Pieces, vec![token], inbox, None, arrivals)
    }

    /// Same as [`of_many`](Self::of_many); `look` runs before a handler first looks at the event.
    pub(super) fn watched(tokens: Vec<Token>, look: impl FnOnce() + Send + 'static) -> Arc<Self> {
        let inbox = tokens.iter().find_map(Token::inbox);
        Self::new(GroupKind::Copies, tokens, inbox, Some(Mutex::new(Some(Box::new(look)))), None)
    }

    /// Records that a handler looks at the event. Returns after the work of the first look is done, so that
    /// no handler overtakes it.
    #[inline]
    pub(super) fn look(&self) {
        if let Some(first_look) = &self.first_look {
            run_once(first_look);
        }
    }

    pub(super) fn inbox(&self) -> Option<Arc<Inbox>> {
        self.inbox.clone()
    }

    /// Adds a token to settle with the last holder. Called by a holder.
    pub(super) fn keep(&self, token: Token) {
        lock(&self.tokens).push(token);
    }

    /// Adds holders. Called by a holder.
    pub(super) fn hold(&self, holders: usize) {
        self.holders.fetch_add(holders, Ordering::Relaxed);
    }

    /// Records that this number of holders, at least one, acknowledged.
    pub(super) fn acknowledge(&self, holders: usize) {
        if self.holders.fetch_sub(holders, Ordering::AcqRel) == holders {
            let reason = lock(&self.reason).take();
            let tokens = mem::take(&mut *lock(&self.tokens));
            match reason {
                None => Token::acknowledge_all(tokens),
                Some(reason) => tokens.into_iter().for_each(|token| token.reject(reason.clone())),
            }
        } else if let Some(arrivals) = &self.arrivals {
            arrivals.settled();
        }
    }

    pub(super) fn holders(&self) -> usize {
        self.holders.load(Ordering::Acquire)
    }

    pub(super) fn arrivals(&self) -> Option<&Arrivals> {
        self.arrivals.as_deref()
    }

    /// Records that one holder rejected. The first reason counts, but one from a holder that tried takes
    /// precedence over `Untried`.
    pub(super) fn reject(&self, reason: Reason) {
        reason.or_first(&mut lock(&self.reason));
        self.rejected.store(true, Ordering::Release);
        self.acknowledge(1);
    }

    #[inline]
    pub(super) fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Acquire)
    }

    pub(super) const fn kind(&self) -> GroupKind {
        self.kind
    }

    /// Returns the rejection reason of a holder's token that is being dropped.
    pub(super) fn why_dropped(&self, looked: &Looked) -> Reason {
        self.inbox.as_ref().map_or_else(|| looked.why_dropped(), |inbox| inbox.why_dropped(looked))
    }
}

/// Not inlined, so that the tokens of other deliveries stay in registers.
#[cold]
#[inline(never)]
fn run_once(first_look: &FirstLook) {
    let mut first_look = lock(first_look);
    if let Some(look) = first_look.take() {
        look();
    }
}

/// Omits the tokens, because they may lead back to the group.
impl fmt::Debug for TokenGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenGroup").field("holders", &self.holders).finish_non_exhaustive()
    }
}
