//! The encoded form of an event.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_core::BoxError;

/// Encodes and decodes events. The identifier is part of each frame.
///
/// [`Postcard`] and [`Json`] cover types with serde's traits; other formats implement this trait, with an identifier of
/// at least 256.
///
/// ```
/// use stage_core::BoxError;
/// use stage_edge::{Codec, Format, SchemaId};
///
/// /// An order as its number in eight bytes.
/// struct EightBytes;
///
/// impl Codec<u64> for EightBytes {
///     const ID: u16 = 256;
///
///     fn encode(order: &u64, into: &mut Vec<u8>) -> Result<(), BoxError> {
///         into.extend(order.to_le_bytes());
///         Ok(())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<u64, BoxError> {
///         Ok(u64::from_le_bytes(bytes.try_into()?))
///     }
/// }
///
/// let format = Format::<u64>::of::<EightBytes>(SchemaId::new("Order", 1));
/// assert_eq!(format.codec(), 256);
/// ```
pub trait Codec<T>: 'static {
    /// Identifies the format.
    const ID: u16;

    /// Appends the encoded event.
    ///
    /// # Errors
    ///
    /// If the event cannot be encoded.
    fn encode(event: &T, into: &mut Vec<u8>) -> Result<(), BoxError>;

    /// Decodes an event from all of `bytes`. Bytes from elsewhere must not cause a panic.
    ///
    /// # Errors
    ///
    /// If the bytes are not an event.
    fn decode(bytes: &[u8]) -> Result<T, BoxError>;
}

/// The postcard format: compact, without names of fields, so each change of a type is a new version of its schema.
///
/// See the example of [`Format`](crate::Format).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard;

/// JSON: readable, with the names of fields.
///
/// See the example of [`Format`](crate::Format).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json;

impl<T: Serialize + DeserializeOwned> Codec<T> for Postcard {
    const ID: u16 = 1;

    fn encode(event: &T, into: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(postcard::to_io(event, into).map(|_| ())?)
    }

    fn decode(bytes: &[u8]) -> Result<T, BoxError> {
        decode_postcard(bytes)
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
    const ID: u16 = 2;

    fn encode(event: &T, into: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(serde_json::to_writer(into, event)?)
    }

    fn decode(bytes: &[u8]) -> Result<T, BoxError> {
        decode_json(bytes)
    }
}

pub(crate) fn decode_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BoxError> {
    let (event, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() { Ok(event) } else { Err(format!("{} bytes follow the event", rest.len()).into()) }
}

pub(crate) fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BoxError> {
    Ok(serde_json::from_slice(bytes)?)
}
