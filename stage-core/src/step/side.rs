//! Events of two types in one input.

use super::lines::Line;

/// An event of one of two inputs: a step takes events of one type, so the inputs of [`zip`](super::zip) and
/// [`zip_latest`](super::zip_latest) are wrapped by `Side::Left` and `Side::Right`.
///
/// ```
/// use stage_core::step::{self, Side};
/// use stage_core::Pipeline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("pairs")
///     .start_fn("numbers", || Ok([1, 2, 3].map(Side::<u32, &str>::Left)))
///     .and_start_fn("names", || Ok(["one", "two"].map(Side::Right)))
///     .step("zip", || Ok(step::zip()))
///     .finish_fn("print", |(number, name): (u32, &str)| println!("{number}: {name}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[3].events_in, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side<L, R> {
    /// An event of the left input.
    Left(L),
    /// An event of the right input.
    Right(R),
}

/// Which producers send the events of which side. A producer is known by its first event.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    open: Vec<Feed>,
    /// Whether any producer has ended. Until then, others may still arrive.
    any_ended: bool,
    /// Number of producers that failed and may return.
    failed: usize,
}

#[derive(Debug)]
struct Feed {
    line: Line,
    left: bool,
    right: bool,
}

impl Feeds {
    #[inline]
    pub(super) fn open(&mut self, line: Line) {
        self.failed = self.failed.saturating_sub(1);
        self.open.push(Feed { line, left: false, right: false });
    }

    #[inline]
    pub(super) fn close(&mut self, line: Line, ended: bool) {
        self.open.retain(|feed| feed.line != line);
        if ended {
            self.any_ended = true;
        } else {
            self.failed += 1;
        }
    }

    /// Notes that an event of this side came by `line`.
    pub(super) fn sent<L, R>(&mut self, line: Line, side: &Side<L, R>) {
        for feed in self.open.iter_mut().filter(|feed| feed.line == line) {
            match side {
                Side::Left(_) => feed.left = true,
                Side::Right(_) => feed.right = true,
            }
        }
    }

    /// Returns whether a producer may still send events of the left, and of the right side: one that has sent any, or
    /// none at all.
    #[inline]
    pub(super) fn may_send(&self) -> (bool, bool) {
        if !self.any_ended || self.failed > 0 {
            return (true, true);
        }
        let any = |sends: fn(&Feed) -> bool| self.open.iter().any(sends);
        (any(|feed| feed.left || !feed.right), any(|feed| feed.right || !feed.left))
    }
}
