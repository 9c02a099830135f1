//! The saved state of open windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The state of [`OpenWindows`](super::OpenWindows), to be stored with serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved<K: Ord, A>(pub(crate) Kept<BTreeMap<K, A>>);

/// The state of an operator with windows of event time, whose values are of type `V`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept<V> {
    pub(crate) windows: Vec<KeptWindow<V>>,
    pub(crate) ways: Vec<KeptWay>,
    pub(crate) watermark: Option<i64>,
    pub(crate) late: u64,
}

/// An open window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptWindow<V> {
    pub(crate) number: i64,
    pub(crate) value: Option<V>,
    /// The number of events until the next trigger by count.
    pub(crate) until: u64,
    pub(crate) passed: bool,
}

/// The progress of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptWay {
    pub(crate) reached: Option<i64>,
    pub(crate) idle: bool,
    pub(crate) ended: bool,
}

/// A saved state does not belong to the windows that were to restore it.
#[derive(Clone, Copy, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The state has another number of inputs.
    #[error("the state has {found} inputs, the windows have {expected}")]
    Ways {
        /// The number of inputs of the state.
        found: usize,
        /// The number of inputs of the windows.
        expected: usize,
    },
    /// The state contradicts itself.
    #[error("the state is damaged: a window waits for no event before its next trigger")]
    Damaged,
}
