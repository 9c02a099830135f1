//! The key of a subscription: a small number that its producer assigned.

/// Identifies a subscription to its producer's dispatcher.
///
/// The numbers are small and reused, so a dispatcher may index a `Vec` by them. A key is reused only after
/// its subscription was cancelled or finished.
///
/// ```
/// use stage_core::dispatch::SubscriptionKey;
///
/// let mut credit = vec![0; 3];
/// let key = SubscriptionKey::new(2);
/// credit[key.number()] += 10;
/// assert_eq!(credit, [0, 0, 10]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionKey(pub(crate) usize);

impl SubscriptionKey {
    /// Creates the key with this number, for tests of a dispatcher.
    pub const fn new(number: usize) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> usize {
        self.0
    }
}
