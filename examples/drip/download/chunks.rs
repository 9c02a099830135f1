//! The source of downloads: requests the chunks of each medium in order.

use crate::repository::Transfer;
use crate::seal::CHUNK;
use crate::transfer::{Failure, Next, Source, Wanted};

/// Requests every chunk of a medium.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chunks;

impl Source for Chunks {
    type Shape = Wanted;
    /// Number of chunks still to request.
    type Open = u64;

    fn open(&mut self, transfer: &Transfer) -> Result<(u64, ()), Failure> {
        Ok((transfer.media.size.div_ceil(CHUNK as u64), ()))
    }

    fn next(&mut self, left: &mut u64) -> Result<Next<Wanted>, Failure> {
        match left.checked_sub(1) {
            Some(less) => {
                *left = less;
                Ok(Next::Chunk(()))
            }
            None => Ok(Next::End(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::testing::transfer;

    fn asked(size: u64) -> usize {
        let mut transfer = transfer("a");
        transfer.media.size = size;
        let (mut left, ()) = Chunks.open(&transfer).unwrap();
        std::iter::from_fn(|| matches!(Chunks.next(&mut left).unwrap(), Next::Chunk(())).then_some(()))
            .count()
    }

    #[test]
    fn every_chunk_is_asked_for_once() {
        let chunk = CHUNK as u64;
        let sizes = [0, 1, chunk, chunk + 1, 3 * chunk];
        assert_eq!(sizes.map(asked), [0, 1, 1, 2, 3]);
    }
}
