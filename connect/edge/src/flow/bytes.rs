//! The encoded form of an event with its time, and of the progress of a way.

use stage_core::BoxError;

use crate::frame::Header;

/// Marks the codec of a frame whose events have times.
const TIMED: u16 = 1 << 15;
/// The bytes before each event: its time and its watermark.
const TIMES: usize = 16;

/// The times of an event, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) at: i64,
    /// The watermark of the way behind this event; `i64::MIN` if there is none yet.
    pub(super) watermark: i64,
}

impl Times {
    pub(super) fn write(self, into: &mut Vec<u8>) {
        into.extend(self.at.to_le_bytes());
        into.extend(self.watermark.to_le_bytes());
    }

    /// Reads the times, and returns the event behind them.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), BoxError> {
        let (times, event) = bytes.split_first_chunk::<TIMES>().ok_or("the event has no time")?;
        let long = |at: usize| i64::from_le_bytes(std::array::from_fn(|byte| times[at + byte]));
        Ok((Self { at: long(0), watermark: long(8) }, event))
    }
}

pub(super) const fn timed(codec: u16) -> u16 {
    codec | TIMED
}

/// Returns the header of the events behind their times.
pub(super) fn untimed(header: &Header) -> Result<Header, BoxError> {
    if header.codec & TIMED == 0 {
        return Err("the frame was not sent by a way of a flow".into());
    }
    Ok(Header { codec: header.codec & !TIMED, ..*header })
}

/// Returns the number that stands for an event time in a header; the order stays.
pub(super) const fn to_header(time: i64) -> u64 {
    time.cast_unsigned() ^ (1 << 63)
}

pub(super) const fn of_header(reached: u64) -> i64 {
    (reached ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_were_written_and_keep_their_order() {
        let mut bytes = Vec::new();
        let times = Times { at: -5, watermark: i64::MIN };
        times.write(&mut bytes);
        bytes.extend(b"event");
        assert_eq!(Times::read(&bytes).unwrap(), (times, &b"event"[..]));
        assert_eq!(Times::read(&bytes[..15]).unwrap_err().to_string(), "the event has no time");
        let sorted = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(sorted.map(to_header).is_sorted());
        assert_eq!(sorted.map(|time| of_header(to_header(time))), sorted);
    }
}
