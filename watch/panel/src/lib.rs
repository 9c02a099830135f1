//! A live page of running pipelines, for a browser: the graph with the states of its steps, the fill of its
//! links, the step that limits the pipeline and why, and, where the service allows it, controls.
//!
//! ```text
//!   Board ──▶ sampler (one for all viewers) ──▶ SSE ──▶ page
//!     ▲                                                  │
//!     └── Steering ◀── POST, PUT with the token ◀────────┘
//! ```
//!
//! [`router`] is nested in a service that has an HTTP server; [`serve`] listens on an address of its own. The
//! page is one file without external addresses, so it works offline.
//!
//! ```
//! use stage_core::watch::Board;
//! use stage_core::{Pipeline, source};
//! use stage_panel::Options;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = Pipeline::builder("upload")
//!     .start_fn("numbers", || Ok(0_u64..))
//!     .finish_fn("ignore", |_| ())
//!     .start()
//!     .await?;
//! let board = Board::new();
//! board.add("upload", &running)?;
//! // Prints the address, here on a free port of the loopback interface.
//! let panel = stage_panel::serve(board, Options::new()).await?;
//! assert!(panel.address().ip().is_loopback());
//! # panel.stop().await;
//! # running.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Safety
//!
//! * [`serve`] listens on `127.0.0.1` unless [`Options::listen_on`] names another address.
//! * Requests with a `Host` that is neither a loopback name nor [allowed](Options::allow_host) get status 403,
//!   so that no web page reaches the panel by DNS rebinding. There are no CORS headers.
//! * Controls are off unless [`Options::controls`] allows them, each by itself, and need the token in the header
//!   `X-Stage-Token`, which a form of another site cannot send. Each control is an event of `tracing` at INFO.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod controls;
mod dead_letters;
mod error;
mod guard;
mod live;
mod options;
mod page;
mod routes;
mod sampler;
mod serve;
mod shared;
mod steer;
mod tap;
mod token;
mod view;

pub use controls::Controls;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use options::Options;
pub use routes::{router, router_with};
pub use serve::{Serving, serve};
pub use tap::Tap;
pub use token::Token;
