//! The replies of the server, read into entries.

use bytes::Bytes;
use redis::Value;

use crate::entry::{Entry, Fields};

/// An entry with the number of its delivery.
pub(crate) type Numbered = (Entry, u32);

/// The reply of the script that claims.
pub(crate) struct Claimed {
    /// Where the next search begins.
    pub(crate) cursor: String,
    pub(crate) entries: Vec<Numbered>,
    /// Entries that were removed from the stream before they were acknowledged.
    pub(crate) trimmed: Vec<String>,
}

/// Reads the reply of `XREADGROUP` on one stream.
pub(crate) fn read(reply: Value) -> Option<Vec<Numbered>> {
    let streams = match reply {
        Value::Nil => return Some(Vec::new()),
        Value::Array(streams) => streams,
        _ => return None,
    };
    let mut entries = Vec::new();
    for stream in streams {
        let [_, list] = array(stream)?;
        let Value::Array(list) = list else { return None };
        for item in list {
            let [id, fields] = array(item)?;
            entries.push((entry(id, fields)?, 1));
        }
    }
    Some(entries)
}

/// Reads the reply of the script that claims.
pub(crate) fn claimed(reply: Value) -> Option<Claimed> {
    let [cursor, entries, trimmed] = array(reply)?;
    let (Value::Array(entries), Value::Array(trimmed)) = (entries, trimmed) else { return None };
    let numbered = |item| {
        let [id, attempt, fields] = array(item)?;
        let Value::Int(attempt) = attempt else { return None };
        Some((entry(id, fields)?, u32::try_from(attempt).unwrap_or(u32::MAX)))
    };
    Some(Claimed {
        cursor: text(cursor)?,
        entries: entries.into_iter().map(numbered).collect::<Option<_>>()?,
        trimmed: trimmed.into_iter().map(text).collect::<Option<_>>()?,
    })
}

fn entry(id: Value, fields: Value) -> Option<Entry> {
    let Value::Array(parts) = fields else { return None };
    let mut parts = parts.into_iter().map(bytes);
    let mut fields = Vec::with_capacity(parts.len() / 2);
    while let Some(name) = parts.next() {
        fields.push((name?, parts.next()??));
    }
    Some(Entry { id: text(id)?, fields: fields.into_iter().collect::<Fields>() })
}

fn array<const N: usize>(value: Value) -> Option<[Value; N]> {
    match value {
        Value::Array(items) => items.try_into().ok(),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        Value::Int(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?.into()).ok()
}
