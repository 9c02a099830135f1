//! The deliveries of a channel that are not settled.

use std::collections::BTreeSet;

/// The tags of the deliveries of a channel that are not settled. The server numbers deliveries without gaps.
///
/// An acknowledgement of many settles every delivery up to its tag, so a tag that was passed over stays here for ever:
/// a delivery that nobody has seen is not acknowledged with others.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    open: BTreeSet<u64>,
    /// The highest tag that was received.
    last: u64,
}

/// The acknowledgements that settle some deliveries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The tag up to which all are acknowledged.
    pub(crate) up_to: Option<u64>,
    /// The tags that are acknowledged by themselves.
    pub(crate) single: Vec<u64>,
}

impl Tags {
    /// Notes a delivery.
    pub(crate) fn receive(&mut self, tag: u64) {
        self.open.extend(self.last + 1..=tag);
        self.last = self.last.max(tag);
    }

    pub(crate) fn is_open(&self, tag: u64) -> bool {
        self.open.contains(&tag)
    }

    /// Notes that a delivery is settled; returns false if it was before.
    pub(crate) fn settle(&mut self, tag: u64) -> bool {
        self.open.remove(&tag)
    }

    /// Settles deliveries by as few acknowledgements as possible. Those that are settled are left out.
    pub(crate) fn acknowledge(&mut self, tags: impl IntoIterator<Item = u64>) -> Acknowledged {
        let accepted: BTreeSet<u64> = tags.into_iter().filter(|tag| self.open.contains(tag)).collect();
        let leading = self.open.iter().zip(&accepted).take_while(|(open, tag)| open == tag).count();
        for tag in &accepted {
            self.open.remove(tag);
        }
        let mut tags = accepted.into_iter();
        Acknowledged { up_to: tags.by_ref().take(leading).last(), single: tags.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(last: u64) -> Tags {
        let mut tags = Tags::default();
        (1..=last).for_each(|tag| tags.receive(tag));
        tags
    }

    #[test]
    fn leading_deliveries_are_acknowledged_at_once() {
        let mut tags = tags(9);
        let acknowledged = tags.acknowledge([3, 1, 2, 7, 5]);
        assert_eq!(acknowledged, Acknowledged { up_to: Some(3), single: vec![5, 7] });
        assert_eq!(tags.acknowledge([1, 3, 7]), Acknowledged::default());
        assert!(tags.settle(4) && !tags.settle(4));
        assert_eq!(tags.acknowledge([6, 9]), Acknowledged { up_to: Some(6), single: vec![9] });
        assert!(tags.is_open(8) && !tags.is_open(9));
    }

    #[test]
    fn a_delivery_that_nobody_has_seen_is_not_acknowledged_with_others() {
        let mut tags = tags(2);
        tags.receive(4);
        assert_eq!(tags.acknowledge([1, 2, 4]), Acknowledged { up_to: Some(2), single: vec![4] });
        tags.receive(5);
        assert_eq!(tags.acknowledge([5]), Acknowledged { up_to: None, single: vec![5] });
    }
}
