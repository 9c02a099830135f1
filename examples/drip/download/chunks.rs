//! The source of downloads: requests the chunks of each medium in order.

use stage_core::piecewise::{Cut, CutPieces};

use super::{Lease, Wanted};
use crate::repository::Transfer;
use crate::seal::CHUNK;
use crate::transfer::Failure;

/// Requests every chunk of a medium.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chunks;

impl CutPieces for Chunks {
    type Whole = Lease;
    type Out = Wanted;
    /// Number of chunks still to request.
    type Open = u64;
    type Error = Failure;

    async fn open(&mut self, lease: &Lease) -> Result<(u64, ()), Failure> {
        Ok((chunks(&lease.transfer), ()))
    }

    async fn next(&mut self, _: &Lease, left: &mut u64) -> Result<Cut<Wanted>, Failure> {
        Ok(next(left))
    }
}

fn chunks(transfer: &Transfer) -> u64 {
    transfer.media.size.div_ceil(CHUNK as u64)
}

fn next(left: &mut u64) -> Cut<Wanted> {
    match left.checked_sub(1) {
        Some(less) => {
            *left = less;
            Cut::Next(())
        }
        None => Cut::End(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::transfer;

    fn asked(size: u64) -> usize {
        let mut transfer = transfer("a");
        transfer.media.size = size;
        let mut left = chunks(&transfer);
        std::iter::from_fn(|| matches!(next(&mut left), Cut::Next(())).then_some(())).count()
    }

    #[test]
    fn every_chunk_is_asked_for_once() {
        let chunk = CHUNK as u64;
        let sizes = [0, 1, chunk, chunk + 1, 3 * chunk];
        assert_eq!(sizes.map(asked), [0, 1, 1, 2, 3]);
    }
}
