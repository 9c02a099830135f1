//! Which subscription: a small number that its producer gave it.

/// One subscription, as its producer knows it.
///
/// The numbers are small and used again: a dispatcher may index a `Vec` by them. A key is not used for
/// another subscription before the first one was cancelled or finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionKey(pub(crate) usize);

impl SubscriptionKey {
    /// The key with this number; for tests of a dispatcher.
    pub const fn new(number: usize) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> usize {
        self.0
    }
}
