//! The properties of an edge.

use std::fmt;
use std::time::Duration;

use stage_connect::ConnectError;

use crate::schema::SchemaId;

const MAX_PARTITIONS: u32 = 1024;
/// The maximum size of a frame, and of an event, in bytes.
pub(crate) const MAX_FRAME: usize = 512 * 1024;
const MIN_LEASE: Duration = Duration::from_secs(2);
/// What is wrong where a server without partitions is to have some.
pub(crate) const NO_PARTITIONS: &str = "this server has no partitions, so its edges are pools without keys";
/// The remedy.
pub(crate) const POOL_INSTEAD: &str =
    "leave out `by` and `partitions`, or use a server with partitions, such as NATS JetStream";

/// The properties of an edge, which all processes that share it agree on.
///
/// ```
/// use std::time::Duration;
/// use stage_edge::EdgeSpec;
///
/// let spec = EdgeSpec::new("shop", "orders").partitions(8).lease(Duration::from_secs(4));
/// spec.check()?;
/// let error = spec.partitions(5000).check().unwrap_err();
/// assert_eq!(error.to_string(), "edge `orders`: `partitions` is 5000; it must be from 1 to 1024");
/// # Ok::<(), stage_edge::SpecError>(())
/// ```
///
/// All properties, of which most edges need few:
///
/// ```
/// use std::time::Duration;
///
/// use stage_edge::{EdgeSpec, SchemaId, SpecError};
///
/// # fn main() -> Result<(), SpecError> {
/// let orders = EdgeSpec::new("shop", "orders")
///     .partitions(32)
///     .schema(SchemaId::new("Order", 3))
///     .setup(true)
///     .attempts(3)
///     .whole_frames(true)
///     .once(true);
/// // A server that is far away: larger frames, more of them, and more patience.
/// let orders = orders
///     .frame_bytes(256 * 1024)
///     .linger(Duration::from_millis(20))
///     .frames_kept(256)
///     .frames_in_flight(1)
///     .lease(Duration::from_secs(20))
///     .ack_wait(Duration::from_secs(60))
///     .window(Duration::from_secs(1_800));
/// orders.check()?;
///
/// let mails = EdgeSpec::new("shop", "mails").pool_window(16);
/// assert!(mails.is_pool());
/// let error: SpecError = mails.attempts(0).check().unwrap_err();
/// assert!(error.to_string().contains("`attempts` is 0"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct EdgeSpec {
    /// The application, whose edges share dead letters and notes.
    pub app: String,
    /// The name of the edge in the application.
    pub name: String,
    /// The number of partitions; `None` for a pool, which all processes share without an order.
    pub partitions: Option<u32>,
    /// The maximum number of frames that the server holds per partition. Default: 64.
    pub frames_kept: u32,
    /// The maximum number of frames of a partition that its owner has in hand. Default: 1, so that a frame waits until
    /// the one before it is settled. A flow has `frames_kept` in hand, and settles them with
    /// one snapshot.
    pub frames_in_flight: u32,
    /// The maximum number of frames of a pool in flight, of all processes together. Default: 64.
    pub pool_window: u32,
    /// The size in bytes at which a frame is sent. Default: 64 KiB.
    pub frame_bytes: usize,
    /// The time after which a frame is sent though it is not full. Default: 1 ms.
    pub linger: Duration,
    /// The time after which a process that is silent loses its partitions. Default: 6 s.
    pub lease: Duration,
    /// The time after which the server delivers a frame again that is neither settled nor extended. Default: 30 s.
    pub ack_wait: Duration,
    /// The number of attempts before an event is a dead letter. Default: 5.
    pub attempts: u32,
    /// The time for which the server recognises a repeated frame by its id. Default: 10 min.
    pub window: Duration,
    /// The version of the events.
    pub schema: SchemaId,
    /// Whether [`Edge::open`](crate::Edge::open) creates missing objects. Default: false.
    pub setup: bool,
    /// Whether the events that are made of one frame of the edge before are stored once. Default: false.
    pub once: bool,
    /// Whether a frame is handed out again as a whole. Default: false.
    pub whole_frames: bool,
}

impl EdgeSpec {
    /// Returns the properties of a pool; set [`partitions`](Self::partitions) for an order by key. Names consist of
    /// letters, digits, `-` and `_`.
    pub fn new(app: impl Into<String>, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            app: app.into(),
            schema: SchemaId::new(name.clone(), 1),
            name,
            partitions: None,
            frames_kept: 64,
            frames_in_flight: 1,
            pool_window: 64,
            frame_bytes: 64 * 1024,
            linger: Duration::from_millis(1),
            lease: Duration::from_secs(6),
            ack_wait: Duration::from_secs(30),
            attempts: 5,
            window: Duration::from_secs(600),
            setup: false,
            once: false,
            whole_frames: false,
        }
    }

    /// Sets the number of partitions, 1 to 1024. It cannot change while the edge has frames.
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// Sets the maximum number of frames that the server holds per partition, 1 to 1,000,000.
    pub fn frames_kept(mut self, frames: u32) -> Self {
        self.frames_kept = frames;
        self
    }

    /// Sets the maximum number of frames of a partition that its owner has in hand, 1 to 1,000,000.
    pub fn frames_in_flight(mut self, frames: u32) -> Self {
        self.frames_in_flight = frames;
        self
    }

    /// Sets the maximum number of frames of a pool in flight, of all processes together, at least 1.
    pub fn pool_window(mut self, frames: u32) -> Self {
        self.pool_window = frames;
        self
    }

    /// Sets the size at which a frame is sent, 1 byte to 512 KiB. A frame has at least one event.
    pub fn frame_bytes(mut self, bytes: usize) -> Self {
        self.frame_bytes = bytes;
        self
    }

    /// Sets the time after which a frame is sent though it is not full, at most 1 minute.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets the time after which a silent process loses its partitions, 2 s to 1 hour.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the time after which the server delivers a frame again that is neither settled nor extended, 1 s to 1 hour.
    pub fn ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait;
        self
    }

    /// Sets the number of attempts before an event is a dead letter, at least 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the time for which the server recognises a repeated frame by its id, at least
    /// 10 × ([`lease`](Self::lease) + [`ack_wait`](Self::ack_wait)).
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets the version of the events.
    pub fn schema(mut self, schema: SchemaId) -> Self {
        self.schema = schema;
        self
    }

    /// Sets whether [`Edge::open`](crate::Edge::open) creates missing objects, which needs more rights.
    pub fn setup(mut self, setup: bool) -> Self {
        self.setup = setup;
        self
    }

    /// Sets whether the sink stores the events once that the steps make of each frame of the edge before, also after the
    /// end of a process. That edge needs [`whole_frames`](Self::whole_frames). Each frame of it becomes at least one frame in each
    /// partition for which it has events, stored when all its events were handled or have arrived at the sink.
    ///
    /// # Guarantees
    ///
    /// The steps between must make the same events of the same frame, in the same order for each key. Where they do not, the
    /// events that differ are stored in addition. The server recognizes a repetition within its [`window`](Self::window): events may be
    /// stored again if a process is stopped for longer, or ends after a partition was full for longer. So may those of a frame
    /// of which an event fails in all of its [`attempts`](Self::attempts), or is refused by the server, after a part was stored.
    /// The sink refuses events that several frames have in common, as a step makes them that joins events.
    pub fn once(mut self, once: bool) -> Self {
        self.once = once;
        self
    }

    /// Sets whether a frame of which an event failed, or that was in the hands of a process that ended, is handed out again as
    /// a whole, in at most [`attempts`](Self::attempts), before its events are handed out one at a time. The events that the steps
    /// make of it then have an [origin](stage_core::ack::Origin), which a later edge needs to store them [once](Self::once).
    pub fn whole_frames(mut self, whole_frames: bool) -> Self {
        self.whole_frames = whole_frames;
        self
    }

    /// Returns whether the edge has no partitions.
    pub fn is_pool(&self) -> bool {
        self.partitions.is_none()
    }

    /// Returns the number of entrances: the partitions, or the one of a pool.
    pub fn entrances(&self) -> u32 {
        self.partitions.unwrap_or(1)
    }

    /// Checks the properties against their ranges.
    ///
    /// # Errors
    ///
    /// [`SpecError`] names the first property out of range.
    pub fn check(&self) -> Result<(), SpecError> {
        let wrong = |option: &'static str, value: String, range: String| {
            Err(SpecError { edge: self.name.clone(), option, value, range })
        };
        for (option, name) in [("app", &self.app), ("name", &self.name)] {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
                return wrong(option, format!("{name:?}"), "1 to 64 letters, digits, `-` or `_`".into());
            }
        }
        let numbers = [
            ("partitions", u64::from(self.entrances()), 1, u64::from(MAX_PARTITIONS)),
            ("frames_kept", u64::from(self.frames_kept), 1, 1_000_000),
            ("frames_in_flight", u64::from(self.frames_in_flight), 1, 1_000_000),
            ("pool_window", u64::from(self.pool_window), 1, 1_000_000),
            ("frame_bytes", self.frame_bytes as u64, 1, MAX_FRAME as u64),
            ("attempts", u64::from(self.attempts), 1, u64::from(u32::MAX)),
            ("schema", u64::from(self.schema.number), 1, u64::from(u32::MAX)),
        ];
        for (option, value, least, most) in numbers {
            if value < least || value > most {
                return wrong(option, value.to_string(), format!("from {least} to {most}"));
            }
        }
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        let least_window = (self.lease.saturating_add(self.ack_wait)).saturating_mul(10);
        let times = [
            ("linger", self.linger, Duration::ZERO, Duration::from_secs(60)),
            ("lease", self.lease, MIN_LEASE, hour),
            ("ack_wait", self.ack_wait, second, hour),
            ("window", self.window, least_window, Duration::MAX),
        ];
        for (option, value, least, most) in times {
            if value < least || value > most {
                let range = if most == Duration::MAX {
                    format!("at least {least:?}")
                } else {
                    format!("from {least:?} to {most:?}")
                };
                return wrong(option, format!("{value:?}"), range);
            }
        }
        Ok(())
    }

    /// Checks the properties for a server without partitions, such as a queue; `server` is its name.
    ///
    /// # Errors
    ///
    /// A fatal [`ConnectError`] if a property is out of range, or the edge has partitions.
    ///
    /// ```
    /// use stage_edge::EdgeSpec;
    ///
    /// let spec = EdgeSpec::new("shop", "orders");
    /// spec.check_pool("sqlite:shop.db")?;
    /// let error = spec.partitions(8).check_pool("sqlite:shop.db").unwrap_err();
    /// assert!(error.to_string().starts_with("sqlite:shop.db edge `orders`: this server has no partitions"));
    /// # Ok::<(), stage_connect::ConnectError>(())
    /// ```
    pub fn check_pool(&self, server: impl fmt::Display) -> Result<(), ConnectError> {
        let at = format!("{server} edge `{}`", self.name);
        self.check().map_err(|error| ConnectError::fatal(&at, error, "change the options of the edge"))?;
        if self.is_pool() { Ok(()) } else { Err(ConnectError::fatal(at, NO_PARTITIONS, POOL_INSTEAD)) }
    }
}

/// A property of an edge that is out of range.
///
/// See the example of [`EdgeSpec`].
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[error("edge `{edge}`: `{option}` is {value}; it must be {range}")]
pub struct SpecError {
    edge: String,
    option: &'static str,
    value: String,
    range: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(spec: &EdgeSpec) -> String {
        spec.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_in_range() {
        EdgeSpec::new("shop", "orders").check().unwrap();
        EdgeSpec::new("shop", "orders").partitions(1024).check().unwrap();
    }

    #[test]
    fn each_property_out_of_range_is_named_with_its_range() {
        let spec = EdgeSpec::new("shop", "orders");
        let second = Duration::from_secs(1);
        assert_eq!(
            refusal(&spec.clone().partitions(0)),
            "edge `orders`: `partitions` is 0; it must be from 1 to 1024"
        );
        assert_eq!(
            refusal(&spec.clone().lease(second)),
            "edge `orders`: `lease` is 1s; it must be from 2s to 3600s"
        );
        let window = refusal(&spec.clone().window(second));
        assert_eq!(window, "edge `orders`: `window` is 1s; it must be at least 360s");
        assert!(refusal(&EdgeSpec::new("my shop", "orders")).contains("`app` is \"my shop\""));
        assert!(refusal(&spec.clone().attempts(0)).contains("`attempts` is 0"));
        assert!(refusal(&spec.frame_bytes(1 << 20)).contains("`frame_bytes` is 1048576"));
    }
}
