//! Storage of files with rayon: files in parallel, each sealed chunk by chunk and put, all on rayon's
//! threads.

use drip::{buffer::Buffers, seal::MasterKey};
use futures_util::FutureExt;
use object_store::{ObjectStoreExt, local::LocalFileSystem, path::Path};
use rayon::prelude::*;

use super::{
    fixture::{Broken, Done, Input},
    sealing::seal,
};

/// Stores all files.
pub(super) fn run(
    inputs: &[Input],
    master: &MasterKey,
    store: &LocalFileSystem,
) -> Result<Vec<Done>, Broken> {
    let buffers = Buffers::default();
    let one = |input: &Input| {
        let (object, trailer) = seal(input, master, &buffers)?;
        let place = Path::from(input.media.storage_key());
        // Outside a runtime, a local store works synchronously.
        store.put(&place, object).now_or_never().ok_or("the store waits")??;
        Ok((input.media, trailer))
    };
    inputs.par_iter().with_max_len(1).map(one).collect()
}
