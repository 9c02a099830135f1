//! The minimum of a set of numbers, updated one at a time.

use crate::dispatch::SubscriptionKey;

/// A tournament tree with the minimum at its root: an update takes one step per level.
#[derive(Debug, Default)]
pub(crate) struct Lowest {
    /// The root is at index 1, the leaves are in the second half.
    tree: Vec<u64>,
}

/// Marks an unused leaf.
const NONE: u64 = u64::MAX;

impl Lowest {
    /// Returns the lowest number, if there is any.
    pub(crate) fn get(&self) -> Option<u64> {
        self.tree.get(1).copied().filter(|lowest| *lowest != NONE)
    }

    pub(crate) fn set(&mut self, key: SubscriptionKey, number: u64) {
        while key.0 >= self.tree.len() / 2 {
            self.grow();
        }
        let mut node = self.tree.len() / 2 + key.0;
        self.tree[node] = number;
        while node > 1 {
            node /= 2;
            self.tree[node] = self.tree[2 * node].min(self.tree[2 * node + 1]);
        }
    }

    pub(crate) fn remove(&mut self, key: SubscriptionKey) {
        self.set(key, NONE);
    }

    fn grow(&mut self) {
        let leaves = self.tree.len() / 2;
        let room = (2 * leaves).max(2);
        let mut tree = vec![NONE; 2 * room];
        tree[room..room + leaves].copy_from_slice(&self.tree[leaves..]);
        for node in (1..room).rev() {
            tree[node] = tree[2 * node].min(tree[2 * node + 1]);
        }
        self.tree = tree;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_follows_every_change() {
        let mut lowest = Lowest::default();
        assert_eq!(lowest.get(), None);
        for (key, number) in [(5, 50), (0, 70), (9, 60), (1, 40)] {
            lowest.set(SubscriptionKey(key), number);
        }
        assert_eq!(lowest.get(), Some(40));
        lowest.set(SubscriptionKey(1), 55);
        assert_eq!(lowest.get(), Some(50));
        lowest.remove(SubscriptionKey(5));
        assert_eq!(lowest.get(), Some(55));
    }
}
