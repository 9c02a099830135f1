//! A tower service as a step.
//!
//! ```text
//!   slot:  poll_ready ──▶ ask for 1 ──▶ event ──▶ call ──▶ emit ──┐
//!            ▲                                                    │
//!            └────────────────────────────────────────────────────┘
//! ```
//!
//! Each of the `max_demand` slots of a subscription has a clone of the service, and asks for an event only after its
//! clone is ready. No event waits for a service.

mod carry;
mod stage;

pub use stage::{ServiceStep, service, service_acknowledged};
