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
