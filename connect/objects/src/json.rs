//! Lines of JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use stage_core::BoxError;

use crate::decode::Decode;

/// Decodes lines of JSON; blank lines are skipped.
///
/// See the example of [`Objects`](crate::Objects).
pub struct Json<T> {
    pub(crate) makes: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + 'static> Decode for Json<T> {
    type Item = T;
    type Header = ();

    fn header(&self, _: &[u8]) {}

    fn decode(&self, line: &[u8], _: Option<&()>) -> Result<Option<T>, BoxError> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(line).map(Some).map_err(|error| {
            let said = error.to_string();
            // The error's line number is that within the line, always 1, so it is removed.
            said.rfind(" at line ").map_or(said.as_str(), |end| &said[..end]).into()
        })
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self { makes: PhantomData }
    }
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").finish_non_exhaustive()
    }
}
