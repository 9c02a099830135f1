//! A queue of the pieces of some files, shared by the parts that read them, in the order of the files.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::records::Piece;
use crate::sync::lock;

/// The minimum size of a piece in bytes: opening a file costs little compared with reading this much.
const LEAST: u64 = 1 << 20;
/// The number of pieces of a large file that each part would read if all were equally fast.
const PIECES: u64 = 16;

/// The pieces that no part has taken yet.
#[derive(Clone, Debug)]
pub(super) struct SharedPieces(Arc<Mutex<VecDeque<Piece>>>);

impl SharedPieces {
    /// Queues the pieces of all parts, split further so that faster parts can take more of them. If there is
    /// only one part, its pieces are not split.
    pub(super) fn new(parts: Vec<Vec<Piece>>) -> Self {
        let whole = parts.len() < 2;
        let pieces = parts.into_iter().flatten();
        let cut = pieces.flat_map(|piece| if whole { vec![piece] } else { cut(piece) });
        Self(Arc::new(Mutex::new(cut.collect())))
    }

    /// Returns the next piece; `None` when all have been taken.
    pub(super) fn take(&self) -> Option<Piece> {
        lock(&self.0).pop_front()
    }
}

/// Splits a piece into several, if it is large. A piece of unknown size, such as a pipe, is not split.
fn cut(piece: Piece) -> Vec<Piece> {
    let bytes = piece.range.end.saturating_sub(piece.range.start);
    let pieces = (bytes / LEAST).clamp(1, PIECES);
    if piece.range.end == u64::MAX || pieces == 1 {
        return vec![piece];
    }
    let at = |number: u64| piece.range.start + bytes / pieces * number + (bytes % pieces).min(number);
    (0..pieces).map(|number| Piece { range: at(number)..at(number + 1), ..piece.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(range: std::ops::Range<u64>) -> Piece {
        Piece { path: "file".into(), range, size: None }
    }

    #[test]
    fn large_pieces_are_cut_without_gaps_and_small_ones_and_pipes_are_not() {
        let large = 5..5 + 40 * LEAST + 7;
        let pieces = cut(piece(large.clone()));
        assert_eq!(pieces.len(), 16);
        assert!(pieces.windows(2).all(|two| two[0].range.end == two[1].range.start));
        assert_eq!((pieces[0].range.start, pieces[15].range.end), (large.start, large.end));
        for whole in [0..0, 3..LEAST, 0..u64::MAX] {
            assert_eq!(cut(piece(whole.clone())), [piece(whole)]);
        }
    }

    #[test]
    fn pieces_are_taken_in_order_and_one_part_has_them_whole() {
        let large = piece(0..20 * LEAST);
        let whole = SharedPieces::new(vec![vec![large.clone()]]);
        assert_eq!((whole.take(), whole.take()), (Some(large), None));
        let halves = [piece(0..2 * LEAST), piece(2 * LEAST..4 * LEAST)];
        let shared = SharedPieces::new(halves.map(|half| vec![half]).into());
        let taken: Vec<_> =
            std::iter::from_fn(|| shared.take().map(|piece| piece.range.start / LEAST)).collect();
        assert_eq!(taken, [0, 1, 2, 3]);
    }
}
