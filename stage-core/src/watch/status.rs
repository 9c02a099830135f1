//! The status of a pipeline: its state, its restarts, its deliveries, and the settings that can be changed.

use std::time::{Duration, SystemTime};

use crate::ack::Settlement;
use crate::base::copies::Copies;
use crate::base::rate::Rate;
use crate::base::stats::{EventTime, EventTimes, NumbersByName};
use crate::credit::demand::Window;
use crate::credit::tuning::Tuning;
use crate::pipeline::handle::Monitor;
use crate::pipeline::{Link, LinkKind};
use crate::supervise::{Nature, PipelineState, Restarts, StageEntry, step_of};
use crate::sync::Arc;
use crate::wire::operator::{InProgress, OperatorRequests};

/// The status of a pipeline, read by [`Monitor::status`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The state of the pipeline.
    pub state: PipelineState,
    /// The time of its start, by the clock of the machine.
    pub started: SystemTime,
    /// The time since its start, or from its start to its end.
    pub uptime: Duration,
    /// The restarts of its stages.
    pub restarts: Restarts,
    /// The deliveries of its sources by verdict; `None` if no source tracks acknowledgements.
    pub settlement: Option<Settlement>,
    /// The age of the oldest delivery that is neither acknowledged nor rejected.
    pub oldest_open: Option<Duration>,
    /// Its steps with the settings that an operator can change, in the order of the pipeline.
    pub steps: Vec<StepStatus>,
    /// The event time of the partitions of a flow, if it uses event time.
    pub event_times: Vec<EventTime>,
}

/// The settings of a step that an operator can change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[non_exhaustive]
pub struct StepStatus {
    /// The name of the step.
    pub step: String,
    /// Whether its events come from outside the pipeline.
    pub is_source: bool,
    /// The number of its copies that run now.
    pub copies: usize,
    /// The range within which the number of copies in each lane follows the load, or the number that an operator
    /// set; `None` if it cannot change.
    pub count: Option<Copies>,
    /// Whether an operator set the number of copies, or its range.
    pub count_steered: bool,
    /// Whether an operator paused it.
    pub paused: bool,
    /// The `max_demand` of its window; `None` for a source, which asks no stage. If the window is tuned, the
    /// mean of its links now.
    pub max_demand: Option<usize>,
    /// The `min_demand` of its window; `None` for a source.
    pub min_demand: Option<usize>,
    /// Its rate, if it limits the rate of events.
    pub rate: Option<Rate>,
    /// How many events each copy handles at once, if that is more than one.
    pub at_once: Option<InProgress>,
    /// Whether the window is tuned automatically. It is fixed once an operator sets it.
    pub window_tuned: bool,
    /// Whether an operator set the window.
    pub window_steered: bool,
    /// Whether an operator set the rate.
    pub rate_steered: bool,
    /// Whether its batch sizes and callback times are recorded.
    pub measured: bool,
    /// What its first copy that waits for something outside of the pipeline waits for, such as a server that is away.
    pub waiting_for: Option<String>,
}

impl Monitor {
    /// Reads the status of the pipeline. Costs the pipeline nothing.
    #[inline]
    pub fn status(&self) -> Status {
        let mut settlement = Settlement::default();
        for stage in &*self.stages {
            settlement.add(stage.collectors.settlement());
        }
        let acknowledged = self.stages.iter().any(|stage| stage.collectors.is_used());
        let mut steps = self.step_status();
        self.read_windows(&mut steps);
        let state = match self.lifecycle.state() {
            PipelineState::Running if self.is_paused() => PipelineState::Paused,
            state => state,
        };
        Status {
            state,
            started: self.lifecycle.started(),
            uptime: self.lifecycle.uptime(),
            restarts: self.lifecycle.restarts(),
            settlement: acknowledged.then_some(settlement),
            oldest_open: self.stages.iter().filter_map(|stage| stage.collectors.oldest_open()).max(),
            steps,
            event_times: self.event_times.as_ref().map_or_else(Vec::new, EventTimes::read),
        }
    }

    /// Returns the stages at the head of the pipeline: those that no other step of it feeds.
    #[inline]
    pub(super) fn heads(&self) -> impl Iterator<Item = &Arc<StageEntry>> {
        let feeds = |link: &Link, step: &str| link.to == step && link.kind != LinkKind::Across;
        let is_fed = move |step: &str| self.topology.links.iter().any(|link| feeds(link, step));
        self.stages.iter().filter(move |stage| matches!(stage.nature, Nature::Stage) && !is_fed(&stage.step))
    }

    /// Returns whether there are heads and all of them are paused.
    #[inline]
    fn is_paused(&self) -> bool {
        let mut heads = self.heads().filter_map(|stage| stage.control.requests()).peekable();
        heads.peek().is_some() && heads.all(OperatorRequests::is_paused)
    }

    /// Returns the numbers of all links, by the step that they lead to.
    #[inline]
    fn links_by_step(&self) -> NumbersByName {
        let mut all = NumbersByName::default();
        for stage in &*self.stages {
            for (consumer, numbers) in stage.counters.links.read().iter() {
                all.add(step_of(consumer), numbers);
            }
        }
        all
    }

    /// Sets the windows that may have changed to those of their links: the tuned ones, and those of stages spawned by
    /// hand, which no declaration describes.
    #[inline]
    fn read_windows(&self, steps: &mut [StepStatus]) {
        let by_hand = self.topology.options().is_empty();
        let may_change = |step: &&mut StepStatus| step.window_tuned || (by_hand && !step.window_steered);
        let mut changing = steps.iter_mut().filter(may_change).peekable();
        if changing.peek().is_none() {
            return;
        }
        let links = self.links_by_step();
        for step in changing {
            let Some((_, numbers)) = links.iter().find(|(name, _)| **name == *step.step) else { continue };
            let mean = |sum: u64| usize::try_from(sum.checked_div(numbers.links)?).ok();
            if let (Some(max), Some(min)) = (mean(numbers.max), mean(numbers.min)) {
                (step.max_demand, step.min_demand) = (Some(max), Some(min));
            }
        }
    }

    #[inline]
    fn step_status(&self) -> Vec<StepStatus> {
        let mut steps: Vec<StepStatus> = Vec::new();
        for stage in &*self.stages {
            if let (Nature::Stage, Some(requests)) = (&stage.nature, stage.control.requests()) {
                match steps.iter_mut().find(|step| step.step == *stage.step) {
                    Some(step) => {
                        step.copies += usize::from(stage.is_up());
                        step.paused &= requests.is_paused();
                        step.waiting_for = step.waiting_for.take().or_else(|| stage.waiting_for());
                    }
                    None => steps.push(self.first_copy(stage)),
                }
            }
        }
        steps
    }

    /// Returns the status of a step as its first copy has it.
    #[inline]
    fn first_copy(&self, stage: &Arc<StageEntry>) -> StepStatus {
        let requests = stage.control.requests();
        let declared = || {
            let step = self.topology.step(&stage.step)?;
            Window::new(step.max_demand, step.min_demand).ok()
        };
        let window = if stage.is_source() {
            None
        } else {
            requests.and_then(OperatorRequests::window).or_else(declared)
        };
        StepStatus {
            step: stage.step.to_string(),
            is_source: stage.is_source(),
            copies: usize::from(stage.is_up()),
            count: stage.elastic.as_ref().map(|elastic| elastic.range()),
            count_steered: stage
                .elastic
                .as_ref()
                .is_some_and(|elastic| elastic.range() != elastic.declared()),
            paused: requests.is_some_and(OperatorRequests::is_paused),
            max_demand: window.map(Window::max),
            min_demand: window.map(Window::min),
            measured: requests.is_some_and(|requests| requests.records().is_some()),
            rate: requests.and_then(OperatorRequests::rate),
            at_once: requests.and_then(OperatorRequests::limit).map(|limit| limit.read()),
            window_tuned: window.is_some()
                && requests.is_none_or(|requests| requests.window().is_none())
                && self.topology.step(&stage.step).is_some_and(|step| step.demand != Tuning::Fixed),
            window_steered: requests.is_some_and(|requests| requests.window().is_some()),
            rate_steered: requests.is_some_and(OperatorRequests::has_set_rate),
            waiting_for: stage.waiting_for(),
        }
    }
}
