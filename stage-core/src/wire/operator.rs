//! The operator's requests to a stage: a pause, a demand window, a rate, events at once, histograms. They outlive its
//! restarts. Beside them, the supervisor's request to a copy of an elastic step to leave.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use super::signal::Signal;
use crate::base::rate::Rate;
use crate::base::stats::StageHistograms;
use crate::credit::demand::Window;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};

/// The state that an operator requested. A stage applies it when it starts and when its mail is marked;
/// applying it again changes nothing.
#[derive(Debug)]
pub(crate) struct OperatorRequests {
    signal: Arc<Signal>,
    paused: AtomicBool,
    /// Whether the stage is a copy that its step does without for now: it leaves, or has left.
    away: AtomicBool,
    /// The requested window; `None` for the declared one.
    window: Mutex<Option<Window>>,
    rates: Mutex<Rates>,
    /// The limit of the events in progress; `None` if the stage handles one at a time.
    limit: Mutex<Option<Arc<dyn AdjustableLimit>>>,
    /// The histograms, once the stage was measured.
    histograms: OnceLock<Arc<StageHistograms>>,
    measured: AtomicBool,
}

/// The rate of a stage, and the one requested.
#[derive(Debug, Default)]
struct Rates {
    /// The rate of the running stage, or of the last one that ran; `None` if the stage has no rate.
    current: Option<Arc<dyn AdjustableRate>>,
    requested: Option<Rate>,
}

/// A rate that can be changed while its stage runs.
pub(crate) trait AdjustableRate: std::fmt::Debug + Send + Sync {
    fn rate(&self) -> Rate;
    fn set(&self, rate: Rate);
    /// Returns a number that differs from those of all other rates that exist at the same time.
    fn id(&self) -> usize;
}

/// A limit of the events in progress, which a stage shares with the other copies of its step.
pub(crate) trait AdjustableLimit: std::fmt::Debug + Send + Sync {
    fn read(&self) -> InProgress;
    /// Sets the bounds, from 1 and not empty.
    fn set_bounds(&self, bounds: RangeInclusive<usize>);
    /// Sets the bounds of a step that has not started; returns the `max_demand` that was its default, and the new one.
    #[cfg(feature = "config")]
    fn declare_bounds(&self, bounds: RangeInclusive<usize>) -> (usize, usize);
    /// Sets the number of events with equal keys, at least 1; does nothing if the stage has no key.
    fn set_per_key(&self, events: usize);
}

/// How many events each copy of a step handles at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct InProgress {
    /// The limit now.
    pub limit: usize,
    /// The least that an adaptive limit falls to.
    pub least: usize,
    /// The most that an adaptive limit grows to. A fixed limit is both `least` and `most`.
    pub most: usize,
    /// The limit for events with equal keys; `None` if the step has no key for that.
    pub per_key: Option<usize>,
}

impl OperatorRequests {
    pub(crate) fn new(signal: &Arc<Signal>) -> Arc<Self> {
        Arc::new(Self {
            signal: Arc::clone(signal),
            paused: AtomicBool::new(false),
            away: AtomicBool::new(false),
            window: Mutex::default(),
            rates: Mutex::default(),
            limit: Mutex::default(),
            histograms: OnceLock::new(),
            measured: AtomicBool::new(false),
        })
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
        self.signal.mark_mail();
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Asks a copy to handle what it was sent and to leave, or notes that it comes back.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Release);
        self.signal.mark_mail();
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn set_window(&self, window: Window) {
        *lock(&self.window) = Some(window);
        self.signal.mark_mail();
    }

    pub(crate) fn window(&self) -> Option<Window> {
        *lock(&self.window)
    }

    /// Begins or ends to record batch sizes and callback times.
    #[inline]
    pub(crate) fn set_measured(&self, measured: bool) {
        if measured {
            self.histograms.get_or_init(Arc::default);
        }
        self.measured.store(measured, Ordering::Release);
        self.signal.mark_mail();
    }

    /// Returns the histograms to record in, if the stage is measured now.
    pub(crate) fn records(&self) -> Option<&Arc<StageHistograms>> {
        if self.measured.load(Ordering::Acquire) { self.histograms.get() } else { None }
    }

    /// Returns the histograms, if the stage was ever measured.
    #[inline]
    pub(crate) fn histograms(&self) -> Option<&Arc<StageHistograms>> {
        self.histograms.get()
    }

    /// Connects the rate of a stage that starts. A rate that the operator requested, or else the `preset` one of a
    /// configuration, applies to it, unless it is the rate that the last run had: that one may have been changed since.
    #[inline]
    pub(crate) fn connect(&self, current: Arc<dyn AdjustableRate>, preset: Option<Rate>) {
        let mut rates = lock(&self.rates);
        let same = rates.current.as_ref().is_some_and(|last| last.id() == current.id());
        if let Some(requested) = rates.requested.or(preset)
            && !same
        {
            current.set(requested);
        }
        rates.current = Some(current);
    }

    /// Sets the rate; returns whether the stage has one.
    #[inline]
    pub(crate) fn set_rate(&self, rate: Rate) -> bool {
        let mut rates = lock(&self.rates);
        let Some(current) = rates.current.clone() else { return false };
        rates.requested = Some(rate);
        drop(rates);
        current.set(rate);
        true
    }

    /// Returns whether an operator set the rate.
    #[inline]
    pub(crate) fn has_set_rate(&self) -> bool {
        lock(&self.rates).requested.is_some()
    }

    /// Returns the current rate, if the stage has one.
    #[inline]
    pub(crate) fn rate(&self) -> Option<Rate> {
        let current = lock(&self.rates).current.clone()?;
        Some(current.rate())
    }

    /// Connects the limit of a stage that starts.
    #[inline]
    pub(crate) fn connect_limit(&self, limit: Arc<dyn AdjustableLimit>) {
        *lock(&self.limit) = Some(limit);
    }

    /// Returns the limit of the events in progress, if the stage has one.
    #[inline]
    pub(crate) fn limit(&self) -> Option<Arc<dyn AdjustableLimit>> {
        lock(&self.limit).clone()
    }
}
