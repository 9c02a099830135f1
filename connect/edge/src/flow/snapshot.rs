//! The encoded state of a partition.

use std::fmt;

use flow::persist::{KeyedWindows, Saved};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stage_core::BoxError;

use super::fold::{Fold, Place};
use crate::codec::decode_postcard;

/// The version of the encoding.
const FORMAT: u32 = 1;

/// The properties of a program that its states depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateId {
    /// The version of the encoding.
    format: u32,
    /// The version of the values and of the function that folds events into them.
    pub(super) version: u32,
    pub(super) ways: u32,
    /// The properties of the windows.
    pub(super) windows: String,
}

/// The state behind its id.
#[derive(Serialize, Deserialize)]
#[serde(bound(
    serialize = "K: Serialize, A: Serialize",
    deserialize = "K: DeserializeOwned, A: DeserializeOwned"
))]
struct State<K: Ord, A> {
    windows: Saved<K, A>,
    places: Vec<Place>,
    /// The number of the next result.
    results: u64,
}

impl StateId {
    pub(super) fn new(version: u32, ways: u32, windows: String) -> Self {
        Self { format: FORMAT, version, ways, windows }
    }
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, version, ways, windows } = self;
        write!(f, "version {version}, {windows}, {ways} ways, format {format}")
    }
}

impl<T, K, A> Fold<T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Serialize + DeserializeOwned + Send + 'static,
    A: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    pub(super) fn save(&self, id: &StateId) -> Result<Vec<u8>, BoxError> {
        let state =
            State { windows: self.windows.save(), places: self.places.clone(), results: self.results };
        Ok(postcard::to_extend(&state, postcard::to_stdvec(id)?)?)
    }

    /// Reads the state of a program with this id.
    pub(super) fn load(
        bytes: &[u8],
        id: &StateId,
        windows: &KeyedWindows<T, K, A>,
    ) -> Result<Self, BoxError> {
        let (found, state) = postcard::take_from_bytes::<StateId>(bytes)?;
        if found != *id {
            return Err(format!("it has {found}; this program has {id}").into());
        }
        let State { windows: saved, places, results } = decode_postcard(state)?;
        let windows = windows.restore(saved, id.ways as usize)?;
        if places.len() != id.ways as usize {
            return Err(format!("it has places in {} ways", places.len()).into());
        }
        Ok(Self { windows, places, results })
    }
}
