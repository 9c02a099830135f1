//! Opens fetched pieces and caches small files; originals from the cache pass through.

use bytes::Bytes;
use stage_core::piecewise::HandlePieces;

use super::{Fetched, Lease, Opened, Origin};
use crate::buffer::Buffer;
use crate::cache::{ContentCache, Gathering};
use crate::record::Record;
use crate::seal::{Header, MasterKey, Opener, SealError};
use crate::transfer::Failure;

/// Turns sealed pieces into clear ones.
#[derive(Debug)]
pub struct Encryption {
    master: MasterKey,
    cache: ContentCache,
}

impl Encryption {
    /// Creates an encryption for file keys that `master` wrapped.
    pub fn new(master: MasterKey, cache: ContentCache) -> Self {
        Self { master, cache }
    }
}

/// A sealed file that is being opened.
#[derive(Debug)]
pub struct OpeningFile {
    opener: Opener,
    gathering: Gathering,
}

impl HandlePieces for Encryption {
    type Whole = Lease;
    type In = Fetched;
    type Out = Opened;
    /// `None` for an original.
    type State = Option<OpeningFile>;
    type Error = Failure;

    async fn begin(
        &mut self,
        lease: &Lease,
        origin: Origin<(), Vec<u8>>,
    ) -> Result<(Option<OpeningFile>, ()), Failure> {
        let media = &lease.transfer.media;
        match origin {
            Origin::Original(()) => Ok((None, ())),
            Origin::Sealed(header) => {
                let header = Header::read(&self.master, media.id.0, &header)?;
                let gathering = self.cache.gather(media.size);
                Ok((Some(OpeningFile { opener: Opener::new(header, media.size), gathering }), ()))
            }
        }
    }

    async fn next(
        &mut self,
        _: &Lease,
        file: &mut Option<OpeningFile>,
        chunk: Origin<Bytes, Buffer>,
    ) -> Result<Bytes, Failure> {
        match (file, chunk) {
            (_, Origin::Original(bytes)) => Ok(bytes),
            (Some(sealed), Origin::Sealed(mut frame)) => {
                sealed.opener.open(&mut frame)?;
                sealed.gathering.add(&frame);
                Ok(frame.into_bytes())
            }
            (None, Origin::Sealed(_)) => {
                Err(Failure::passing("received a sealed chunk of a file that began unsealed"))
            }
        }
    }

    async fn end(
        &mut self,
        lease: &Lease,
        file: Option<OpeningFile>,
        end: Origin<(), Vec<u8>>,
    ) -> Result<(), Failure> {
        let (Some(sealed), Origin::Sealed(mut trailer)) = (file, end) else { return Ok(()) };
        let media = &lease.transfer.media;
        let (trailer, record) = sealed.opener.finish(&mut trailer)?;
        if media.checksum != Some(trailer.checksum) {
            return Err(Failure::permanent(
                "the stored object is authentic, but it is not the recorded upload",
            ));
        }
        if let Some(record) = record {
            let record = Record::from_bytes(&record).ok_or(SealError::Record)?;
            if let Some(difference) = record.difference(media) {
                return Err(Failure::permanent(difference));
            }
        }
        self.cache.put(media.id, sealed.gathering);
        Ok(())
    }
}
