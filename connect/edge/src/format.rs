//! The encoded forms of a type that a program writes and reads.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use crate::codec::{Codec, Json, Postcard, decode_json, decode_postcard};
use crate::frame::Header;
use crate::schema::SchemaId;
use crate::versions::Readable;

/// The schema and codec with which a program writes events, and the older ones that it reads.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stage_edge::{Format, SchemaId};
///
/// #[derive(Deserialize)]
/// struct OrderV1 { customer: u64 }
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { customer: u64, express: bool }
///
/// let format = Format::<Order>::postcard(SchemaId::new("Order", 2))
///     .reads(1, |old: OrderV1| Order { customer: old.customer, express: false });
/// assert_eq!(format.schema().to_string(), "Order v2");
/// ```
///
/// A program reads other codecs than that in which it writes, and so can move from one to another:
///
/// ```
/// use stage_edge::{Format, Header, Json, Postcard, SchemaId};
///
/// # fn main() -> Result<(), stage_core::BoxError> {
/// let before = Format::<u64>::json(SchemaId::new("Order", 1));
/// let mut event = Vec::new();
/// before.encode(&7, &mut event)?;
/// assert_eq!(event, b"7");
///
/// let now = Format::<u64>::of::<Postcard>(SchemaId::new("Order", 1)).also::<Json>();
/// let header = Header { codec: before.codec(), schema: 1, ..Header::default() };
/// assert_eq!(now.decoder(&header)?(&event)?, 7);
///
/// // The same codecs for another version, which is written in JSON.
/// let next = now.with_schema(SchemaId::new("Order", 2)).written::<Json>();
/// assert!(next.decoder(&header).is_err(), "version 1 is not read any more");
/// # Ok(())
/// # }
/// ```
pub struct Format<T> {
    schema: SchemaId,
    codec: u16,
    encode: fn(&T, &mut Vec<u8>) -> Result<(), BoxError>,
    decoders: Vec<Decoder<T>>,
}

struct Decoder<T> {
    /// The number of the schema; `None` for the one that is written.
    older: Option<u32>,
    codec: u16,
    decode: Decode<T>,
}

type Decode<T> = Arc<dyn Fn(&[u8]) -> Result<T, BoxError> + Send + Sync>;

impl<T: 'static> Format<T> {
    /// Writes and reads events by a codec.
    pub fn of<C: Codec<T>>(schema: SchemaId) -> Self {
        let own = Decoder { older: None, codec: C::ID, decode: Arc::new(C::decode) };
        Self { schema, codec: C::ID, encode: C::encode, decoders: vec![own] }
    }

    /// Writes events in the postcard format; also reads JSON.
    pub fn postcard(schema: SchemaId) -> Self
    where
        T: Serialize + DeserializeOwned,
    {
        Self::of::<Postcard>(schema).also::<Json>()
    }

    /// Writes events in JSON; also reads the postcard format.
    pub fn json(schema: SchemaId) -> Self
    where
        T: Serialize + DeserializeOwned,
    {
        Self::of::<Json>(schema).also::<Postcard>()
    }

    /// Writes events by another codec. Those that are read stay the same.
    #[must_use]
    pub fn written<C: Codec<T>>(mut self) -> Self {
        (self.codec, self.encode) = (C::ID, C::encode);
        self.also::<C>()
    }

    /// Writes events under another schema, and reads that one instead of the present one.
    #[must_use]
    pub fn with_schema(mut self, schema: SchemaId) -> Self {
        self.schema = schema;
        self
    }

    /// Also reads another codec of the same schema.
    #[must_use]
    pub fn also<C: Codec<T>>(mut self) -> Self {
        let decoder = Decoder { older: None, codec: C::ID, decode: Arc::new(C::decode) };
        self.decoders.push(decoder);
        self
    }

    /// Also reads an older schema, in the postcard format and in JSON, and upgrades its events.
    #[must_use]
    pub fn reads<Old: DeserializeOwned>(
        mut self,
        schema: u32,
        upgrade: impl Fn(Old) -> T + Send + Sync + 'static,
    ) -> Self {
        let upgrade = Arc::new(upgrade);
        let of_json = Arc::clone(&upgrade);
        let decode: Decode<T> = Arc::new(move |bytes| decode_postcard(bytes).map(&*upgrade));
        self.decoders.push(Decoder { older: Some(schema), codec: <Postcard as Codec<u8>>::ID, decode });
        let decode: Decode<T> = Arc::new(move |bytes| decode_json(bytes).map(&*of_json));
        self.decoders.push(Decoder { older: Some(schema), codec: <Json as Codec<u8>>::ID, decode });
        self
    }

    /// Returns the schema of the events that are written.
    pub const fn schema(&self) -> &SchemaId {
        &self.schema
    }

    /// Returns the identifier of the codec with which events are written.
    pub const fn codec(&self) -> u16 {
        self.codec
    }

    /// Returns the versions that this program reads, in some codec.
    pub(crate) fn readable(&self) -> Readable {
        let number = |decoder: &Decoder<T>| decoder.older.unwrap_or(self.schema.number);
        Readable { own: self.schema.clone(), numbers: self.decoders.iter().map(number).collect() }
    }

    /// Appends an encoded event.
    ///
    /// # Errors
    ///
    /// If the event cannot be encoded.
    pub fn encode(&self, event: &T, into: &mut Vec<u8>) -> Result<(), BoxError> {
        (self.encode)(event, into)
    }

    /// Returns the decoder for the events of a frame.
    ///
    /// # Errors
    ///
    /// If this program does not read the schema or codec of the frame; the message names both.
    pub fn decoder(&self, header: &Header) -> Result<impl Fn(&[u8]) -> Result<T, BoxError> + '_, BoxError> {
        let own = self.schema.fingerprint;
        let differs = header.fingerprint != own && header.fingerprint != 0 && own != 0;
        if header.schema == self.schema.number && differs {
            let of_frame = SchemaId::new(&*self.schema.name, header.schema).fingerprint(header.fingerprint);
            return Err(format!("the frame holds {of_frame}, this program reads {}", self.schema).into());
        }
        let written = self.schema.number;
        let known = |decoder: &&Decoder<T>| {
            decoder.older.unwrap_or(written) == header.schema && decoder.codec == header.codec
        };
        let Some(decoder) = self.decoders.iter().find(known) else {
            let (schema, codec) = (header.schema, header.codec);
            let read = format!("this program reads {}", self.schema);
            return Err(format!("the frame holds version {schema} in codec {codec}, {read}").into());
        };
        Ok(move |bytes: &[u8]| (decoder.decode)(bytes))
    }
}

impl<T> Clone for Format<T> {
    fn clone(&self) -> Self {
        let decoders = self.decoders.iter().map(Decoder::clone).collect();
        Self { schema: self.schema.clone(), codec: self.codec, encode: self.encode, decoders }
    }
}

impl<T> Clone for Decoder<T> {
    fn clone(&self) -> Self {
        Self { older: self.older, codec: self.codec, decode: Arc::clone(&self.decode) }
    }
}

impl<T> fmt::Debug for Format<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read: Vec<_> = self.decoders.iter().map(|decoder| (decoder.older, decoder.codec)).collect();
        f.debug_struct("Format").field("schema", &self.schema).field("reads", &read).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(schema: u32, codec: u16, fingerprint: u64) -> Header {
        Header { codec, schema, fingerprint, ..Header::default() }
    }

    fn refusal(format: &Format<u64>, header: &Header) -> String {
        format.decoder(header).err().expect("a refusal").to_string()
    }

    #[test]
    fn an_older_schema_is_upgraded_in_both_codecs() {
        let format =
            Format::<u64>::postcard(SchemaId::new("Total", 2)).reads(1, |old: u8| u64::from(old) * 100);
        for (schema, codec, bytes, expected) in
            [(1, 1, &b"\x07"[..], 700), (1, 2, b"7", 700), (2, 1, b"\x07", 7), (2, 2, b"7", 7)]
        {
            let header = header(schema, codec, 0);
            assert_eq!(format.decoder(&header).unwrap()(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn an_unknown_schema_is_refused_with_both_names() {
        let format = Format::<u64>::postcard(SchemaId::new("Total", 2).fingerprint(0xa));
        let other = "the frame holds version 3 in codec 1, this program reads Total v2 (fingerprint 000000000000000a)";
        assert_eq!(refusal(&format, &header(3, 1, 0)), other);
        let other = "the frame holds Total v2 (fingerprint 000000000000000b), this program reads Total v2 (fingerprint 000000000000000a)";
        assert_eq!(refusal(&format, &header(2, 1, 0xb)), other);
        assert!(format.decoder(&header(2, 1, 0)).is_ok());
    }

    #[test]
    fn bytes_behind_an_event_are_an_error() {
        let format = Format::<u64>::postcard(SchemaId::new("Total", 1));
        let decode = format.decoder(&header(1, 1, 0)).unwrap();
        assert_eq!(decode(b"\x07\x08").unwrap_err().to_string(), "1 bytes follow the event");
        assert!(decode(b"").is_err());
    }
}
