//! Opens fetched pieces and caches small files; originals from the cache pass through.

use bytes::Bytes;
use stage_core::{Emitter, Events, ProducerConsumer, StageResult};

use crate::cache::{ContentCache, Gathering};
use crate::record::Record;
use crate::repository::Transfer;
use crate::seal::{Header, MasterKey, Opener, SealError};
use crate::transfer::{Buffer, Failure, Fetched, Opened, Origin, Piece, Table, Work};

/// Turns sealed pieces into clear ones.
#[derive(Debug)]
pub struct Encryption {
    opening: Opening,
    table: Table<OpeningFile>,
}

impl Encryption {
    /// Creates an encryption for file keys that `master` wrapped.
    pub fn new(master: MasterKey, cache: ContentCache) -> Self {
        Self { opening: Opening::new(master, cache), table: Table::default() }
    }
}

impl ProducerConsumer for Encryption {
    type In = Piece<Fetched>;
    type Out = Piece<Opened>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        for piece in events {
            out.emit(self.table.handle(&mut self.opening, piece).await);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Opening {
    master: MasterKey,
    cache: ContentCache,
}

impl Opening {
    pub(super) fn new(master: MasterKey, cache: ContentCache) -> Self {
        Self { master, cache }
    }
}

/// A file that is being opened; `None` for an original.
pub(super) type OpeningFile = Option<Sealed>;

#[derive(Debug)]
pub(super) struct Sealed {
    opener: Opener,
    gathering: Gathering,
}

impl Work for Opening {
    type In = Fetched;
    type Out = Opened;
    type State = OpeningFile;

    async fn begin(
        &mut self,
        transfer: &Transfer,
        origin: Origin<(), Vec<u8>>,
    ) -> Result<(OpeningFile, ()), Failure> {
        let media = &transfer.media;
        match origin {
            Origin::Original(()) => Ok((None, ())),
            Origin::Sealed(header) => {
                let header = Header::read(&self.master, media.id.0, &header)?;
                let gathering = self.cache.gather(media.size);
                Ok((Some(Sealed { opener: Opener::new(header, media.size), gathering }), ()))
            }
        }
    }

    async fn chunk(
        &mut self,
        file: &mut OpeningFile,
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
        transfer: &Transfer,
        file: OpeningFile,
        end: Origin<(), Vec<u8>>,
    ) -> Result<(), Failure> {
        let (Some(sealed), Origin::Sealed(mut trailer)) = (file, end) else { return Ok(()) };
        let media = &transfer.media;
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
