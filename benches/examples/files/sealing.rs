//! Sealing for the peers: chunk by chunk, in the order of the file, by drip's own functions.

use std::{
    fs::File,
    io::{self, Read},
};

use bytes::Bytes;
use drip::{
    buffer::Buffers,
    seal::{CHUNK, Header, MasterKey, Sealer, Trailer},
};
use object_store::PutPayload;

use super::fixture::{Broken, Input};

/// Reads and seals a file. Returns its object and its trailer.
pub(super) fn seal(
    input: &Input,
    master: &MasterKey,
    buffers: &Buffers,
) -> Result<(PutPayload, Trailer), Broken> {
    let header = Header::new(master, input.media.0)?;
    let mut object = vec![Bytes::copy_from_slice(header.bytes())];
    let mut sealer = Sealer::new(header);
    let mut file = File::open(&input.path)?;
    loop {
        let mut chunk = buffers.take();
        if read(&mut file, &mut chunk)? == 0 {
            break;
        }
        sealer.seal(&mut chunk)?;
        object.push(chunk.into_bytes());
    }
    let (trailer, end) = sealer.finish(&[])?;
    object.push(end.into());
    Ok((PutPayload::from_iter(object), trailer))
}

fn read(file: &mut File, chunk: &mut Vec<u8>) -> io::Result<usize> {
    file.take(CHUNK as u64).read_to_end(chunk)
}
