//! A process that was killed amid the messages.

/// A kill, by its place among the lines of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crash {
    pub(super) cause: Cause,
    /// The number of lines when it happened.
    pub(super) at: usize,
    /// The number of lines when the server was back.
    pub(super) back: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The client with this number was killed.
    Client(u32),
    Server,
}
