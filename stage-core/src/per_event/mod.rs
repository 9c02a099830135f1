//! A consumer that runs one supervised task per event (GenStage's `ConsumerSupervisor`).
//!
//! ```text
//!              ┌───────────── PerEvent ─────────────┐
//!  events ═══▶ │ recipe(event) ─▶ child ─┐          │
//!              │ recipe(event) ─▶ child ─┤ restart? │ ◀── Children: counts, list, terminate, start
//!  demand ◀═══ │          ask ◀── ended ─┘          │
//!              └────────────────────────────────────┘
//! ```
//!
//! At most `max_demand` children run at once for each subscription. When a child has ended, the stage asks
//! for another event; a restarted child keeps its place. See [`PerEvent`] for the rules and an example.
//!
//! The recipe may skip an event, and knows the [`Child`] that it starts:
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::per_event::{Child, ChildCounts, ChildId, ChildInfo, ChildRestart, ChildState, NoSuchChild};
//! use stage_core::per_event::{PerEvent, Shutdown, StartChildError};
//! use stage_core::spawn::{self, StageOptions};
//! use stage_core::{Backoff, BoxError, ExitReason, Intensity};
//!
//! async fn upload(file: &'static str, child: Child) -> Result<(), BoxError> {
//!     if child.attempt() == 0 {
//!         return Err("no connection".into());
//!     }
//!     println!("{} uploads {file} until it is asked to end", child.id());
//!     child.shutdown().await;
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let uploads = PerEvent::deciding(|file: &str, child| Ok((file != "skip").then(|| upload(file, child))))
//!     .restart(ChildRestart::Transient)
//!     .intensity(Intensity { max_restarts: 10, within: Duration::from_secs(1) })
//!     .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(60)))
//!     .shutdown(Shutdown::After(Duration::from_secs(10)))
//!     .floor(0);
//! let children = uploads.children();
//! let stage = spawn::consumer(uploads, StageOptions::named("uploads")).await?;
//!
//! assert_eq!(children.start("skip")?, None);
//! let child: ChildId = children.start("report")?.ok_or("it is not skipped")?;
//! tokio::time::sleep(Duration::from_secs(5)).await;
//! let info: ChildInfo = children.list()[0];
//! assert_eq!((info.id, info.state, info.restarts), (child, ChildState::Active, 1));
//! children.terminate(child).await?;
//! assert_eq!(children.terminate(child).await, Err(NoSuchChild { id: child }));
//! let counts: ChildCounts = children.counts();
//! assert_eq!((counts.active, counts.skipped, counts.restarts), (0, 1, 1));
//!
//! stage.stop(ExitReason::Shutdown).await;
//! let refused = children.start("late");
//! assert!(matches!(refused, Err(StartChildError::NotRunning { event: "late" })));
//! # Ok(())
//! # }
//! ```

mod child;
mod end;
mod family;
mod floor;
mod handle;
mod options;
mod recipe;
mod stage;

pub use child::{Child, ChildId};
pub use end::ChildEnd;
pub use floor::FloorError;
pub use handle::{ChildCounts, ChildInfo, ChildState, Children, NoSuchChild, StartChildError};
pub use options::{ChildRestart, Shutdown};
pub use stage::PerEvent;
