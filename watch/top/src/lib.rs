//! Running pipelines in a terminal, read from the address of a panel.
//!
//! ```text
//!   client ── ticks ──▶ App ── draw ──▶ terminal
//!     ▲                  │
//!     └──── Control ◀────┘ keys
//! ```
//!
//! The program is `stage-top`; this library is its parts.
//!
//! A screen without a terminal, for given news of a panel:
//!
//! ```
//! use std::time::Duration;
//!
//! use ratatui::Terminal;
//! use ratatui::backend::TestBackend;
//! use ratatui::crossterm::event::KeyCode;
//! use serde_json::{from_value, json};
//! use stage_top::{Action, App, Control, Link, News, Step, StepWindow, Tick, Verdict, Windows, draw};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let step: Step = from_value(json!({
//!     "name": "encrypt", "source": false, "paused": false, "times": [970, 0, 0, 0, 30], "in": 890.0, "out": 890.0,
//!     "batch": 48.3, "discarded": 0, "restarts": 0, "copies": [],
//! }))?;
//! let link: Link = from_value(json!({ "to": "encrypt", "in_flight": 812.0, "room": 1_000, "wait": 0.912 }))?;
//! let mut verdict = Verdict::default();
//! verdict.text = "`encrypt` is the bottleneck.".to_owned();
//! let mut tick = Tick::default();
//! (tick.steps, tick.links, tick.verdict) = (vec![step], vec![link], verdict);
//! let window: StepWindow = from_value(json!({ "name": "encrypt", "min_demand": 500, "max_demand": 1_000 }))?;
//! let mut windows = Windows::default();
//! windows.steps.push(window);
//!
//! let mut app = App::default();
//! app.hear(News::Pipelines(vec!["upload".to_owned()]));
//! app.hear(News::Windows(windows));
//! app.hear(News::Tick(Box::new(tick)));
//! app.pass(Duration::from_secs(1));
//! let mut terminal = Terminal::new(TestBackend::new(120, 10))?;
//! terminal.draw(|frame| draw(frame, &app))?;
//!
//! // A key may ask for a request to the panel, here a pause.
//! let Action::Control(Control { method, path, .. }) = app.press(KeyCode::Char('p')) else {
//!     return Err("a pause is a control".into());
//! };
//! assert_eq!((method, path.join("/")), ("POST", "steps/encrypt/pause".to_owned()));
//! # Ok(())
//! # }
//! ```
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
