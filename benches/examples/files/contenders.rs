//! Contenders of the files workload: drip, rayon and tokio, each result checked against the files.

use std::{
    cell::OnceCell,
    error::Error,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use benches::{
    catalogue::Scale,
    workload::{Contender, Peer, Unit, Workload, as_figure},
};
use tokio::runtime::Runtime;

use crate::{
    fixture::{Broken, Done, Fixture, in_memory, on_disk},
    rayon_chunks, tokio_vec, us,
};

const MIB: usize = 1024 * 1024;

/// The files, written at first use.
#[derive(Debug)]
struct Place {
    files: usize,
    size: usize,
    folder: PathBuf,
    made: OnceCell<Fixture>,
}

impl Place {
    fn fixture(&self) -> Result<&Fixture, Broken> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let fixture = Fixture::write(self.files, self.size, &self.folder)?;
        Ok(self.made.get_or_init(|| fixture))
    }

    /// Stores all files `times` times, and checks each result.
    fn rounds(
        &self,
        times: u64,
        store: impl Fn(&Fixture) -> Result<Vec<Done>, Broken>,
    ) -> Result<Duration, Broken> {
        let fixture = self.fixture()?;
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let began = Instant::now();
            let done = store(fixture)?;
            took += began.elapsed();
            fixture.check(done)?;
            fixture.clear()?;
        }
        Ok(took)
    }
}

/// Returns `files/disk` and, if there is a folder in memory, `files/tmpfs`.
pub(crate) fn workloads(scale: Scale) -> Vec<Workload> {
    let files = match scale {
        Scale::Full => 400,
        Scale::Tenth => 40,
    };
    let disk = workload("disk", files, 4 * MIB, on_disk());
    let tmpfs = in_memory().map(|folder| workload("tmpfs", files, 4 * MIB, folder));
    [disk].into_iter().chain(tmpfs).collect()
}

fn workload(name: &str, files: usize, size: usize, folder: PathBuf) -> Workload {
    let place = Rc::new(Place { files, size, folder, made: OnceCell::new() });
    let by = |name, store: fn(&Runtime, &Fixture) -> Result<Vec<Done>, Broken>| {
        let place = Rc::clone(&place);
        Contender::new(name, move |runtime, times| {
            let took = place.rounds(times, |fixture| store(runtime, fixture));
            took.map_err(|broken| broken as Box<dyn Error>)
        })
    };
    let peer = |contender| Peer { contender, at_least: Some(0.9) };
    Workload {
        name: format!("files/{name}"),
        unit: Unit::Rate("bytes/s", as_figure((files * size) as u64)),
        least: 1,
        us: by("us", |runtime, fixture| {
            let Fixture { inputs, master, .. } = fixture;
            let storage = fixture.storage()?;
            runtime.block_on(us::run(inputs, master, &storage))
        }),
        peers: vec![
            peer(by("rayon-chunks", |_, fixture| {
                let Fixture { inputs, master, .. } = fixture;
                fixture.sync(rayon_chunks::run(inputs, master, &fixture.store()?)?)
            })),
            peer(by("tokio-vec", |runtime, fixture| {
                let Fixture { inputs, master, .. } = fixture;
                let store = Arc::new(fixture.store()?);
                fixture.sync(runtime.block_on(tokio_vec::run(inputs, master, &store))?)
            })),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use benches::runtime::runtime;

    #[test]
    fn every_contender_stores_every_file_whole() {
        let runtime = runtime().unwrap();
        // The size is neither a whole number of chunks nor of parts.
        let workload = workload("test", 9, MIB + 4321, std::env::temp_dir());
        workload.us.round(&runtime, 2).unwrap();
        for peer in &workload.peers {
            peer.contender.round(&runtime, 2).unwrap();
        }
    }
}
