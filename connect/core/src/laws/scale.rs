//! The size of the laws.

use std::env;
use std::time::Duration;

/// The size of the laws that kill processes, and the length of a pause.
///
/// The variable `LAWS_SIZE` sets it: `full` runs the laws as they are promised, which takes minutes for each server;
/// without it, they are short enough for every change.
///
/// ```
/// use stage_connect::laws::Scale;
///
/// // For a server within the process of the test.
/// let scale = Scale::from_env().without_server_kills();
/// assert_eq!(scale.server_kills, 0);
/// if scale.is_full() {
///     println!("{} messages pass, which takes minutes", scale.messages);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The number of messages that pass.
    pub messages: u32,
    /// The number of clients that are killed amid them.
    pub client_kills: u32,
    /// The number of times that the server is killed amid them.
    pub server_kills: u32,
    /// The shortest pause of a handler.
    pub(super) pause: Duration,
    /// The longest drain during a poll; `None` allows for a busy machine.
    pub(super) drain: Option<Duration>,
}

impl Scale {
    const SHORT: Self =
        Self { messages: 5_000, client_kills: 3, server_kills: 2, pause: Duration::ZERO, drain: None };

    const FULL: Self = Self {
        messages: 100_000,
        client_kills: 20,
        server_kills: 5,
        pause: Duration::from_secs(120),
        drain: Some(Duration::from_secs(1)),
    };

    /// Returns the size that the environment asks for.
    ///
    /// # Panics
    ///
    /// If `LAWS_SIZE` is set to something else than `full` or `short`.
    pub fn from_env() -> Self {
        match env::var("LAWS_SIZE").as_deref() {
            Err(_) | Ok("short") => Self::SHORT,
            Ok("full") => Self::FULL,
            Ok(other) => panic!("LAWS_SIZE is `full` or `short`, not `{other}`"),
        }
    }

    /// Returns whether this is the full size.
    pub fn is_full(self) -> bool {
        self.messages == Self::FULL.messages
    }

    /// Returns the same size for a server that has no process of its own to kill.
    #[must_use]
    pub const fn without_server_kills(mut self) -> Self {
        self.server_kills = 0;
        self
    }
}
