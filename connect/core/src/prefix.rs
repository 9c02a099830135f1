//! Dispositions in the order of their positions, for servers that take everything up to a position.

use std::time::Duration;

use stage_core::ack::Offsets;

use crate::disposition::Disposition;

/// Orders the dispositions of one run of positions, which begins at 0 and has no gaps.
///
/// 1. Dispositions leave in the order of positions, each once, and none before all earlier ones.
/// 2. Only `Accept` and `Dead` leave. Any other disposition stops the run: its message, and all behind it, must be
///    pulled again.
#[derive(Debug)]
pub(crate) struct Prefix<R> {
    offsets: Offsets<Judged<R>>,
}

#[derive(Debug)]
struct Judged<R> {
    receipt: R,
    disposition: Disposition,
    /// The number of attempts that failed.
    failed: u32,
}

/// The message that stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// The least time until it is pulled again.
    pub(crate) after: Duration,
    /// The number of its attempts that failed.
    pub(crate) failed: u32,
}

impl<R> Prefix<R> {
    pub(crate) const fn new() -> Self {
        Self { offsets: Offsets::new() }
    }

    /// Adds the disposition of a position, in its `attempt`, counted from 1.
    pub(crate) fn judge(&mut self, position: u64, receipt: R, attempt: u32, disposition: Disposition) {
        let failed = match disposition {
            Disposition::Release => attempt.saturating_sub(1),
            Disposition::Accept | Disposition::Retry { .. } | Disposition::Dead { .. } => attempt,
        };
        let first = self.offsets.settle(position, Judged { receipt, disposition, failed });
        debug_assert!(first, "judged twice");
    }

    /// Takes the leading dispositions.
    pub(crate) fn take(&mut self) -> Vec<(R, Disposition)> {
        let mut leading = Vec::new();
        while let Some(Judged { disposition: Disposition::Accept | Disposition::Dead { .. }, .. }) =
            self.offsets.first()
        {
            let judged = self.offsets.advance();
            leading.extend(judged.map(|Judged { receipt, disposition, .. }| (receipt, disposition)));
        }
        leading
    }

    /// Returns the message that stopped the run, once everything before it has left.
    pub(crate) fn repeat(&self) -> Option<Repeat> {
        let Judged { disposition, failed, .. } = self.offsets.first()?;
        let after = match disposition {
            Disposition::Release => Duration::ZERO,
            Disposition::Retry { after } => *after,
            Disposition::Accept | Disposition::Dead { .. } => return None,
        };
        Some(Repeat { after, failed: *failed })
    }

    /// Returns the number of positions that have a disposition.
    pub(crate) fn judged(&self) -> u64 {
        let judged = self.offsets.window() - self.offsets.outstanding();
        self.offsets.watermark() + judged as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn disposition() -> impl Strategy<Value = Disposition> {
        prop_oneof![
            6 => Just(Disposition::Accept),
            1 => Just(Disposition::Dead { cause: "no ink".to_owned() }),
            1 => Just(Disposition::Release),
            1 => (0..5_u64).prop_map(|seconds| Disposition::Retry { after: Duration::from_secs(seconds) }),
        ]
    }

    fn leaves(disposition: &Disposition) -> bool {
        matches!(disposition, Disposition::Accept | Disposition::Dead { .. })
    }

    /// Dispositions by position, and the order in which they become known.
    fn history() -> impl Strategy<Value = (Vec<Disposition>, Vec<u64>)> {
        prop::collection::vec(disposition(), 0..40).prop_flat_map(|all| {
            let order: Vec<_> = (0..all.len() as u64).collect();
            (Just(all), Just(order).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn what_has_left_is_the_longest_prefix_that_is_judged_and_need_not_be_repeated((all, order) in history()) {
            let mut prefix = Prefix::new();
            let (mut left, mut known) = (Vec::new(), std::collections::BTreeSet::new());
            for (count, position) in order.into_iter().enumerate() {
                prefix.judge(position, position, 1, all[usize::try_from(position).unwrap()].clone());
                known.insert(position);
                left.extend(prefix.take());
                let expected: Vec<_> = (0..)
                    .zip(&all)
                    .take_while(|(at, disposition)| known.contains(at) && leaves(disposition))
                    .map(|(at, disposition)| (at, disposition.clone()))
                    .collect();
                prop_assert_eq!(&left, &expected);
                prop_assert_eq!(prefix.judged(), count as u64 + 1);
                let stopped = all.get(left.len()).filter(|it| !leaves(it) && known.contains(&(left.len() as u64)));
                prop_assert_eq!(prefix.repeat().is_some(), stopped.is_some());
            }
        }
    }

    #[test]
    fn a_released_message_has_no_further_failure_and_a_retried_one_has() {
        for (disposition, after, failed) in
            [(Disposition::Release, 0, 1), (Disposition::Retry { after: Duration::from_secs(3) }, 3, 2)]
        {
            let mut prefix = Prefix::new();
            prefix.judge(0, (), 2, disposition);
            assert!(prefix.take().is_empty());
            assert_eq!(prefix.repeat(), Some(Repeat { after: Duration::from_secs(after), failed }));
        }
    }
}
