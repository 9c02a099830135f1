//! Running pipelines in a terminal, read from the address of a panel.
//!
//! ```text
//!   client ── ticks ──▶ App ── draw ──▶ terminal
//!     ▲                  │
//!     └──── Control ◀────┘ keys
//! ```
//!
//! The program is `stage-top`; this library is its parts.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod app;
mod client;
mod draw;
mod show;
mod tick;

pub use app::{Action, App, Control};
pub use client::{Address, AddressError, Client, News};
pub use draw::draw;
pub use tick::{Copied, Link, Step, StepWindow, Tick, Verdict, Windows};
