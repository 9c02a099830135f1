//! Saves and restores the windows of event time of a stage.

use super::open::Open;
use super::operator::ReduceOperator;
use super::{Accumulate, Emit, NoAlarms, Reducer};
use crate::chain::Chain;
use crate::persist::{Kept, KeptWindow, RestoreError};
use crate::window::OpenWindows;

/// Steps with a state, alarms and custom triggers cannot be saved: their types do not fit.
impl<C, R, M> ReduceOperator<C, R, M>
where
    C: Chain<State = ()>,
    R: Accumulate<Alarms = NoAlarms> + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    pub(crate) fn has_ended(&self, edge: usize) -> bool {
        self.marks.has_ended(edge)
    }

    pub(crate) fn all_have_ended(&self) -> bool {
        self.marks.progress().is_none()
    }

    pub(crate) fn late(&self) -> u64 {
        self.marks.late()
    }

    pub(crate) fn came_late(&mut self) {
        self.marks.came_late();
        self.layer.window.late.add(1);
    }

    pub(crate) fn save(&self) -> Kept<R::Acc>
    where
        R::Acc: Clone,
    {
        debug_assert!(self.gaps.is_none(), "empty windows are not emitted: {:?}", self.gaps);
        let windows = self.timed.iter().map(|(number, open)| KeptWindow {
            number,
            value: open.acc.clone(),
            // Without a trigger by count, a window may not count its events.
            until: self.layer.window.every.map_or(u64::MAX, |_| open.until as u64),
            passed: open.passed,
        });
        let (ways, watermark) = self.marks.save();
        Kept { windows: windows.collect(), ways, watermark, late: self.marks.late() }
    }

    /// Restores the state of an operator that has handled nothing.
    pub(crate) fn restore(&mut self, kept: Kept<R::Acc>, ways: usize) -> Result<(), RestoreError> {
        let Kept { windows, ways: of, watermark, late } = kept;
        if of.len() != ways {
            return Err(RestoreError::Ways { found: of.len(), expected: ways });
        }
        if windows.iter().any(|window| window.until == 0) {
            return Err(RestoreError::Damaged);
        }
        self.timed = OpenWindows::new();
        for KeptWindow { number, value, until, passed } in windows {
            let open = self.timed.of(number, || Open::new(&self.layer));
            (open.acc, open.passed) = (value, passed);
            open.until = usize::try_from(until).unwrap_or(usize::MAX);
        }
        self.marks.restore(&of, watermark, late);
        self.finishing = self.all_have_ended();
        Ok(())
    }
}
