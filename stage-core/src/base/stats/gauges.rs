//! Values that the code of a stage shows beside its statistics.

use std::sync::Weak;
use std::time::Duration;

use crate::sync::{Arc, Mutex, lock};

/// A value that the code of a stage shows, such as the lag of a partition; see
/// [`Emitter::gauges`](crate::Emitter::gauges).
///
/// ```
/// use stage_core::stats::{Gauge, StageStats};
///
/// /// Returns the lag of a partition.
/// fn lag<'a>(stats: &'a StageStats, partition: &str) -> Option<&'a Gauge> {
///     stats.gauges.iter().find(|gauge| gauge.name == "lag" && gauge.of == partition)
/// }
/// assert_eq!(lag(&StageStats::default(), "3"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Gauge {
    /// The name: one word, or several joined by `_`.
    pub name: &'static str,
    /// The part of the stage that it describes, such as a partition; empty for the whole stage.
    pub of: String,
    /// The value.
    pub value: GaugeValue,
}

/// The value of a [`Gauge`].
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::stats::GaugeValue;
///
/// assert_eq!(GaugeValue::from(7), GaugeValue::Count(7));
/// assert_eq!(GaugeValue::from(Duration::from_secs(1)), GaugeValue::Time(Duration::from_secs(1)));
/// assert_eq!(GaugeValue::from("host-7"), GaugeValue::Text("host-7".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum GaugeValue {
    /// A whole number.
    Count(u64),
    /// A time.
    Time(Duration),
    /// A text, such as the owner of a lease.
    Text(String),
}

impl From<u64> for GaugeValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for GaugeValue {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<String> for GaugeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for GaugeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Sets the gauges of a stage. A handle may move to a task of the stage. The gauges exist as long as a handle does, so a
/// stage keeps one, and a restarted stage begins without gauges.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::stats::{Gauge, GaugeValue, Gauges};
/// use stage_core::{BoxError, Consumer, Context, Events, Init, StageResult};
///
/// struct Store(Option<Gauges>);
///
/// impl Consumer for Store {
///     type Event = u32;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         let gauges = cx.gauges();
///         gauges.set("files", 3);
///         gauges.set_of("lag", "partition 1", Duration::from_secs(2));
///         gauges.set_of("lag", "partition 2", Duration::from_secs(9));
///         gauges.set("owner", "host-7");
///         // The partition was given back, and the lease as well.
///         gauges.remove_of("partition 2");
///         gauges.remove("owner");
///         self.0 = Some(gauges);
///         Ok(Init::Ready)
///     }
///
///     async fn handle_events(&mut self, _: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let store = consumer(Store(None), StageOptions::named("store")).await?;
/// let gauges: Vec<Gauge> = store.stats().gauges;
/// let shown: Vec<_> = gauges.iter().map(|gauge| (gauge.name, &*gauge.of, &gauge.value)).collect();
/// let lag = GaugeValue::Time(Duration::from_secs(2));
/// assert_eq!(shown, [("files", "", &GaugeValue::Count(3)), ("lag", "partition 1", &lag)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the gauges end with the last handle"]
pub struct Gauges {
    shown: Arc<Shown>,
}

/// In the order of their names and parts.
type Shown = Mutex<Vec<Gauge>>;

/// The gauges of a stage, as far as it has any.
#[derive(Debug, Default)]
pub(crate) struct ShownGauges {
    shown: Mutex<Weak<Shown>>,
}

impl Gauges {
    /// Sets a gauge of the whole stage.
    pub fn set(&self, name: &'static str, value: impl Into<GaugeValue>) {
        self.set_of(name, "", value);
    }

    /// Sets a gauge of a part of the stage, such as a partition.
    pub fn set_of(&self, name: &'static str, of: impl Into<String>, value: impl Into<GaugeValue>) {
        set(&mut lock(&self.shown), Gauge { name, of: of.into(), value: value.into() });
    }

    /// Removes all gauges of a part, such as a partition that the stage has given back.
    #[inline]
    pub fn remove_of(&self, of: &str) {
        lock(&self.shown).retain(|gauge| gauge.of != of);
    }

    /// Removes all gauges with this name.
    #[inline]
    pub fn remove(&self, name: &str) {
        lock(&self.shown).retain(|gauge| gauge.name != name);
    }
}

#[inline]
fn set(gauges: &mut Vec<Gauge>, gauge: Gauge) {
    let place = gauges.binary_search_by(|known| (known.name, &known.of).cmp(&(gauge.name, &gauge.of)));
    match place {
        Ok(index) => gauges[index] = gauge,
        Err(index) => gauges.insert(index, gauge),
    }
}

impl ShownGauges {
    /// Returns a handle; all handles of a stage set the same gauges.
    #[inline]
    pub(crate) fn handle(&self) -> Gauges {
        let mut shown = lock(&self.shown);
        let all = shown.upgrade().unwrap_or_default();
        *shown = Arc::downgrade(&all);
        Gauges { shown: all }
    }

    /// Returns the gauges, by name and part.
    pub(crate) fn read(&self) -> Vec<Gauge> {
        let Some(shown) = lock(&self.shown).upgrade() else { return Vec::new() };
        lock(&shown).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &ShownGauges) -> Vec<String> {
        of.read().iter().map(|gauge| format!("{} {} {:?}", gauge.name, gauge.of, gauge.value)).collect()
    }

    #[test]
    fn gauges_are_set_by_name_and_part_and_end_with_the_last_handle() {
        let gauges = ShownGauges::default();
        assert!(texts(&gauges).is_empty());
        let handle = gauges.handle();
        let of_a_task = gauges.handle();
        handle.set("partitions", 2);
        of_a_task.set_of("owner", "0", "north");
        of_a_task.set_of("age", "0", Duration::from_secs(3));
        handle.set_of("owner", "1", String::from("south"));
        handle.set("partitions", 3);
        assert_eq!(
            texts(&gauges),
            ["age 0 Time(3s)", "owner 0 Text(\"north\")", "owner 1 Text(\"south\")", "partitions  Count(3)"]
        );
        handle.remove_of("0");
        handle.remove("partitions");
        drop(handle);
        assert_eq!(texts(&gauges), ["owner 1 Text(\"south\")"]);
        drop(of_a_task);
        assert!(texts(&gauges).is_empty());
        let _again = gauges.handle();
        assert!(texts(&gauges).is_empty());
    }
}
