//! Lazy, partitioned, parallel queries on stage-core.
//!
//! A [`Flow`] is a description: the origin of events, and the steps applied to them. It does nothing until it
//! is run, and can be run any number of times. It then compiles to the stages of `stage-core`: the steps
//! between two exchanges are one loop inside one stage, each layer has as many stages as there are cores, and
//! demand flows up through all of them.
//!
//! ```
//! use std::collections::HashMap;
//! use flow::Flow;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), flow::FlowError> {
//! let lines = ["the quick brown fox", "the lazy dog", "the end"];
//! let words = Flow::from_items(lines)
//!     .flat_map(|line| line.split(' ').collect::<Vec<_>>())
//!     .partition(|word| *word)
//!     .reduce(HashMap::new, |counts, word| *counts.entry(word).or_insert(0_u32) += 1)
//!     .emit();
//! let counts: HashMap<&str, u32> = words.collect().await?;
//! assert_eq!(counts["the"], 3);
//! # Ok(())
//! # }
//! ```
//!
//! Every event is handled by one stage; events with equal keys of a [partition](Flow::partition) go to the
//! same stage. Between the stages of a layer there is no order; events that one stage sends to another arrive
//! in order.
//!
//! # Functions over flows
//!
//! A function names the parts of a flow that it needs:
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::time::{Time, Timed, Untimed};
//! use flow::{Chain, EventTime, Flow, FlowError, FlowIter, IterFlow, LayerFlow, OfEventTime, Origin, Outline};
//! use flow::{Refused, Sliding, Window};
//!
//! /// Numbers events from 1, whether or not they carry time.
//! fn numbered<C: Chain>(events: Flow<C>) -> LayerFlow<Untimed, (u64, C::Out)> {
//!     let counted = events.stages(1).emit_and_reduce(|| 0, |count, event| {
//!         *count += 1;
//!         [(*count, event)]
//!     });
//!     counted.emit_nothing()
//! }
//!
//! /// Windows of a second.
//! fn of_a_second<K: OfEventTime>(window: fn(Duration) -> Window<K>) -> Window<K> {
//!     window(Duration::from_secs(1))
//! }
//!
//! /// Whether the events of an origin carry time.
//! fn is_timed<O: Origin<Time = M>, M: Time>(_: &O, carries: M) -> String {
//!     format!("{carries:?}")
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fixed: Window<EventTime> = of_a_second(Window::fixed);
//! let sliding: Window<Sliding> = of_a_second(|duration| Window::sliding(duration, 2 * duration));
//! assert_ne!(format!("{fixed:?}"), format!("{sliding:?}"));
//!
//! let words: IterFlow<_> = Flow::from_items(["one", "two"]);
//! let plan: Outline = words.explain();
//! assert!(plan.to_mermaid().starts_with("flowchart LR") && !plan.layers().is_empty());
//! let events: FlowIter<Untimed, (u64, &str)> = numbered(words).iter();
//! assert_eq!(events.collect::<Result<Vec<_>, _>>()?, [(1, "one"), (2, "two")]);
//!
//! let refused = Flow::from_items([1]).stages(0).collect_blocking::<Vec<_>>();
//! let Err(FlowError::Refused(refused)) = refused else { panic!("a layer needs a stage") };
//! let Refused { option, value, .. } = refused;
//! assert_eq!((option, &*value), ("stages", "0"));
//! # Ok(())
//! # }
//! ```
//!
//! A running flow ends with a report:
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::{Flow, FlowReport, Late, Next, Place, Profile, RunningFlow, StartOptions, TriggerName, Window, WindowId, Workers};
//!
//! /// Emits the window after each batch.
//! fn each_batch(batch: Vec<i64>) -> Next<i64> {
//!     match batch.is_empty() {
//!         true => Next::Reduce(batch),
//!         false => Next::Fire { name: "batch".into(), before: batch, after: Vec::new() },
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = StartOptions::new().workers(Workers::Current);
//! let running: RunningFlow = Flow::from_items(0..10_u64).start_with(options).await?;
//! let report: FlowReport = running.flow_ref().join().await?;
//! let profile: Profile = report.profile;
//! assert_eq!(profile.events, 10);
//!
//! let (sender, missed) = std::sync::mpsc::channel::<Late<i64>>();
//! let counts = Flow::from_items([0_i64, 2_000, 500])
//!     .event_time(|at| *at, Duration::MAX)
//!     .stages(1)
//!     .window(Window::fixed(Duration::from_secs(1)))
//!     .late(move |late| sender.send(late).unwrap_or_default())
//!     .trigger(|| (), |(), batch| each_batch(batch))
//!     .reduce(|| 0, |count, _| *count += 1)
//!     .on_trigger(|count, trigger| ([(trigger.window, trigger.name.clone(), trigger.place)], count));
//! let first = (WindowId::Fixed(0), TriggerName::Custom("batch".into()), Place { index: 0, of: 1 });
//! assert!(counts.collect::<Vec<_>>().await?.contains(&first));
//! drop(counts);
//! assert_eq!(missed.iter().map(|late| late.event).collect::<Vec<_>>(), [500]);
//! # Ok(())
//! # }
//! ```
//!
//! # Names
//!
//! | names | subject |
//! |---|---|
//! | [`Flow`], [`IterFlow`], [`LayerFlow`] | queries |
//! | [`Chain`], [`Origin`], [`Reduced`], [`Reducer`], [`Combining`], [`Partials`] | unfinished queries: bounds of functions over flows, reducers, values by key |
//! | [`Window`], [`EventTime`], [`Sliding`], [`OfEventTime`], [`WindowId`], [`Trigger`], [`TriggerName`], [`Next`], [`Late`], [`Alarms`], [`Sessions`], [`Session`] | windows, and when results are emitted |
//! | [`FlowStream`], [`FlowIter`], [`RunningFlow`], [`FlowRef`], [`FlowReport`] | results and runs |
//! | [`LayerOptions`], [`Place`], [`StartOptions`], [`Workers`] | options |
//! | [`Outline`], [`Profile`], [`LayerProfile`], [`Tally`], [`Recent`] | plans, measurements, counters, bounded maps |
//! | [`FlowError`], [`Refused`] | errors |
//! | [`join`], [`source`], [`sink`], [`stages`], [`time`] | kinds of joins, sources and their formats, files as results, stages of stage-core in a flow, event time |
//!
//! The types of steps and layers have no public names. A function that takes or returns a flow states the type
//! of its events:
//!
//! ```
//! use flow::{Chain, Flow};
//!
//! fn long_words(lines: Flow<impl Chain<Out = String>>) -> Flow<impl Chain<Out = String>> {
//!     let words = lines.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
//!     words.filter(|word| word.len() > 4)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), flow::FlowError> {
//! let lines = Flow::from_items(["the quick fox".to_owned()]);
//! assert_eq!(long_words(lines).collect::<Vec<_>>().await?, ["quick"]);
//! # Ok(())
//! # }
//! ```
//!
//! [`Flow::boxed`] gives a flow a type that a field can have, at the cost of an exchange.
//!
//! # Features
//!
//! * `crossbeam`: channels of threads without a runtime as sources.
//! * `csv`, `json`: files of comma-separated values, and of JSON lines, into serde types.
//! * `gzip`, `zstd`: files packed by gzip, and by zstd.
//! * `persist`: windows whose state can be saved and restored, for crates that connect machines.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod blocking;
mod chain;
mod collects;
mod combining;
mod deadlines;
mod error;
mod exchange;
mod exec;
mod flow;
mod for_each;
mod grouping;
pub mod join;
mod options;
mod origins;
mod output;
mod paths;
#[cfg(feature = "persist")]
#[doc(hidden)]
pub mod persist;
mod plan;
mod profile;
mod recent;
mod reduce;
mod reduced;
mod refused;
mod running;
mod session;
mod sharing;
pub mod sink;
mod sorted;
pub mod source;
pub mod stages;
mod stats;
mod steps;
mod sync;
pub mod time;
mod window;
mod windowed;

pub use blocking::FlowIter;
pub use chain::Chain;
pub use combining::Combining;
pub use error::FlowError;
pub use exec::Workers;
pub use flow::{Flow, IterFlow, LayerFlow};
pub use options::LayerOptions;
pub use output::FlowStream;
#[doc(hidden)]
pub use paths::step;
pub use plan::{Origin, Outline, Place};
pub use profile::{LayerProfile, Profile};
pub use recent::Recent;
pub use reduce::{Alarms, Partials, Reducer};
pub use reduced::Reduced;
pub use refused::Refused;
pub use running::{FlowRef, FlowReport, RunningFlow, StartOptions};
pub use session::{Session, Sessions};
pub use stats::Tally;
pub use window::{EventTime, Late, Next, OfEventTime, Sliding, Trigger, TriggerName, Window, WindowId};
