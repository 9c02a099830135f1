//! Snapshots of running pipelines, and the analysis of which step limits a pipeline.
//!
//! ```text
//!   Monitor ── snapshot() ──▶ Snapshot ── since(&earlier) ──▶ Activity ── verdict() ──▶ Verdict
//!              reads atomics             between two of them              which step, why, what helps
//! ```
//!
//! A [`Board`] lists pipelines, for pages and exporters that show all of them; a [`Group`] makes a pipeline
//! of stages that were spawned by hand. [`Steering`] pauses a pipeline, changes its windows and rates, and ends
//! it.
//!
//! Reading costs the pipeline nothing: each number is an atomic that its stage writes anyway. Everything
//! except [`Monitor::snapshot`](crate::pipeline::Monitor::snapshot) is a function of plain values.
//!
//! ```
//! use std::time::Duration;
//! use stage_core::{Pipeline, StepOptions, sink};
//! use tokio::time::sleep;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("upload")
//!     .start_fn("files", || Ok(0..1_000_000_u64))
//!     .step_fn("compress", |file| file / 2)
//!     .finish(StepOptions::named("store").count(4), || {
//!         Ok(sink::for_each_async(|_file: u64| async {
//!             sleep(Duration::from_millis(20)).await;
//!             Ok(())
//!         }))
//!     })
//!     .start()
//!     .await?;
//! let monitor = running.monitor();
//! let before = monitor.snapshot();
//! sleep(Duration::from_secs(1)).await;
//! let verdict = monitor.snapshot().since(&before).verdict();
//! assert_eq!(verdict.step(), Some("store"));
//! println!("{verdict}");
//! # running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Numbers
//!
//! Snapshots and the activity between two of them are plain values:
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::stats::StageState;
//! use stage_core::watch::{Activity, CopyActivity, Exit, LinkActivity, LinkSnapshot, Snapshot, StageSnapshot, StepActivity};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("numbers")
//!     .start_fn("numbers", || Ok(0..1_000_u64))
//!     .finish_fn("print", |number| println!("{number}"))
//!     .start()
//!     .await?;
//! let monitor = running.monitor();
//! let before: Snapshot = monitor.snapshot();
//! running.join().await?;
//! let after = monitor.snapshot();
//! let print: &StageSnapshot = &after.stages[1];
//! let link: &LinkSnapshot = &after.links[0];
//! assert_eq!((print.stats.events_in, link.handled, print.is_source), (1_000, 1_000, false));
//! let exits: &[Exit] = &after.exits;
//! assert!(exits.is_empty(), "no stage failed");
//!
//! let activity: Activity = after.since(&before);
//! let print: &StepActivity = activity.step("print").ok_or("it is a step")?;
//! let copy: &CopyActivity = &print.copies[0];
//! assert_eq!((print.events(), print.batches(), print.times()), (copy.events(), copy.batches, copy.times));
//! assert!(print.held() == 0 && print.skew() <= 1.0 && print.share(StageState::Working) <= 1.0);
//! let link: &LinkActivity = &activity.links[0];
//! assert!(link.chunk() <= link.window() && print.batch().is_none_or(|batch| batch >= 1.0));
//! assert!(link.fill() <= 1.0 && link.wait(activity.elapsed).is_none_or(|wait| wait <= activity.elapsed));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Course`] judges a pipeline from snapshot to snapshot:
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::{Pipeline, sink};
//! use stage_core::watch::{Assessment, Bottleneck, Cause, Course, Lint, Persistence, Trend, Verdict};
//! use tokio::time::sleep;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = |_: u64| async {
//!     sleep(Duration::from_millis(20)).await;
//!     Ok(())
//! };
//! let running = Pipeline::builder("upload")
//!     .start_fn("files", || Ok(0..1_000_000_u64))
//!     .finish("store", move || Ok(sink::for_each_async(store)))
//!     .start()
//!     .await?;
//! let (monitor, mut course) = (running.monitor(), Course::new());
//! for _ in 0..4 {
//!     course.add(monitor.snapshot());
//!     sleep(Duration::from_millis(500)).await;
//! }
//! let assessment: &Assessment = course.assessment().ok_or("there are snapshots")?;
//! assert_eq!((assessment.persistence, assessment.trend), (Persistence::Transient, Trend::Unknown));
//! let verdict: &Verdict = &assessment.verdict;
//! let Verdict::Bottleneck(bottleneck) = verdict else { panic!("{verdict}") };
//! let Bottleneck { step, cause, .. } = bottleneck;
//! assert_eq!((&**step, cause), ("store", &Cause::Waiting));
//! assert!(assessment.activity.verdict_after(verdict).is_like(verdict));
//! let lints: Vec<Lint> = assessment.activity.lints();
//! assert!(lints.iter().all(|lint| lint.is_like(lint)));
//! running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # A board
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::watch::{Board, Ending, Entry, InProgress, JobCounts, NameTaken, PipelineState, Restarts, Status};
//! use stage_core::watch::{MetricFamily, MetricKind, MetricSample, MetricValue, OpenMetrics, StepStatus, Watched};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("upload")
//!     .start_fn("files", || Ok(0_u64..))
//!     .finish_fn("store", |_| ())
//!     .start()
//!     .await?;
//! let board = Board::new();
//! board.add("upload", &running)?;
//! let taken: Result<(), NameTaken> = board.add("upload", Watched::from(&running));
//! assert!(taken.is_err());
//!
//! let entry: Entry = board.get("upload").ok_or("it is listed")?;
//! let status: Status = entry.status();
//! let restarts: Restarts = status.restarts;
//! assert_eq!((status.state.name(), restarts.total), ("running", 0));
//! assert_eq!((entry.name(), entry.topology().stages()), ("upload", 2));
//! let store: &StepStatus = &status.steps[1];
//! let at_once: Option<InProgress> = store.at_once;
//! assert_eq!((store.copies, store.paused, at_once), (1, false, None));
//! entry.steering().stop()?;
//! running.join().await?;
//! let state: PipelineState = entry.status().state;
//! assert!(state.is_ended() && state == PipelineState::Ended(Ending::Stopped));
//! assert!(board.remove("upload").is_some() && board.names().is_empty());
//!
//! board.add_queue("jobs", || JobCounts { ready: 3, ..JobCounts::default() })?;
//! assert_eq!(board.queues()[0].1.ready, 3);
//! let mut text = String::new();
//! OpenMetrics::new().per_copy().write(&board, &mut text);
//! assert!(text.contains("jobs"));
//! let families: Vec<MetricFamily> = OpenMetrics::new().families(&board);
//! let family = families.iter().find(|family| !family.samples.is_empty()).ok_or("a queue is listed")?;
//! let ready: &MetricSample = &family.samples[0];
//! assert_eq!((family.kind, ready.value, ready.value.as_f64()), (MetricKind::Gauge, MetricValue::Count(3), 3.0));
//! assert!(board.remove_queue("jobs"));
//! # Ok(())
//! # }
//! ```
//!
//! # Steering
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::policy::{AtOnce, FailurePolicy, each};
//! use stage_core::rate::Rate;
//! use stage_core::{Pipeline, StepOptions};
//!
//! async fn look_up(number: u64) -> Result<u64, stage_core::BoxError> {
//!     Ok(number)
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let at_once = AtOnce::new(4).at_most(1, |number| number % 2);
//! let running = Pipeline::builder("numbers")
//!     .start_fn("numbers", || Ok(0_u64..))
//!     .limited("limit", || Ok(Rate::new(100, Duration::from_secs(1))?))
//!     .step_each_at_once("look_up", at_once, FailurePolicy::skip(), || Ok(each(look_up)))
//!     .finish_fn(StepOptions::named("store").count(1..=4), |_| ())
//!     .start()
//!     .await?;
//! let steering = running.steering();
//! steering.pause()?;
//! steering.resume()?;
//! steering.pause_step("store")?;
//! steering.resume_step("store")?;
//! steering.set_rate("limit", Rate::new(10, Duration::from_secs(1))?)?;
//! steering.set_at_once("look_up", 2..=8)?;
//! steering.set_at_most("look_up", 2)?;
//! steering.set_count("store", 2)?;
//! steering.measure("store")?;
//! steering.stop_measuring("store")?;
//! let status = running.monitor().status();
//! let look_up = status.steps.iter().find(|step| step.step == "look_up").ok_or("it is a step")?;
//! let at_once = look_up.at_once.ok_or("it handles several events at once")?;
//! assert_eq!((at_once.least, at_once.most, at_once.per_key), (2, 8, Some(2)));
//! running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Stages by hand
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::spawn::{StageOptions, producer};
//! use stage_core::stage::FromIter;
//! use stage_core::watch::{Ending, EventTime, Group, GroupBuilder, PipelineState};
//! use stage_core::ExitReason;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await?;
//! let (drained, stopped) = (numbers.clone(), numbers.clone());
//! let builder: GroupBuilder = Group::named("by hand")
//!     .stage(&numbers)
//!     .on_drain(move |_| drained.drain_soon())
//!     .on_stop(move || stopped.stop_soon(ExitReason::Shutdown))
//!     .event_times(|| vec![EventTime::new("numbers", 0)]);
//! let group = builder.watch();
//! group.draining();
//! assert_eq!(group.monitor().status().state, PipelineState::Draining);
//! group.steering().drain(Duration::from_secs(5))?;
//! numbers.ended().await;
//! group.stopping();
//! group.ended(Ending::Drained);
//! assert_eq!(group.monitor().status().event_times.len(), 1);
//! # Ok(())
//! # }
//! ```

// Every function here is `#[inline]`: the program that calls it compiles it. A program that shows itself nowhere would
// otherwise compile all of them, as it does everything else in this crate that is not generic.

mod activity;
mod board;
mod copies;
mod course;
mod group;
mod hand_made;
mod judge;
mod link_activity;
mod lint;
mod lints;
mod metrics;
mod observe;
mod queues;
mod snapshot;
mod status;
mod steering;
mod steering_error;
mod step_activity;
mod verdict;

pub use activity::Activity;
pub use board::{Board, Entry, NameTaken, Watched};
pub use course::{Assessment, Course, Persistence, Trend};
pub use group::{Group, GroupBuilder};
pub use link_activity::LinkActivity;
pub use lint::Lint;
pub use metrics::{
    MetricFamily, MetricKind, MetricSample, MetricValue, OPENMETRICS_CONTENT_TYPE, OpenMetrics, openmetrics,
};
pub use queues::JobCounts;
pub use snapshot::{LinkSnapshot, Snapshot, StageSnapshot};
pub use status::{Status, StepStatus};

pub use crate::wire::operator::InProgress;
pub use steering::Steering;
pub use steering_error::SteeringError;
pub use step_activity::{CopyActivity, StepActivity};
pub use verdict::{Bottleneck, Cause, Verdict};

pub use crate::base::stats::EventTime;
pub use crate::supervise::{Ending, Exit, PipelineState, Restarts};
