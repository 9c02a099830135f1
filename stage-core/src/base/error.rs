//! Error types of stages, and the reasons of its end.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::base::partition_name::PartitionName;

/// Any error that a callback may return.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The result of a callback: `Ok(())` continues, an error ends the stage. If the error is an [`ExitReason`],
/// the stage ends for that reason.
pub type StageResult = Result<(), BoxError>;

/// Writes the message of `error`, followed by the messages of its causes that it does not already contain.
///
/// `main` and `unwrap` print the `Debug` form of an error, so this is the text they show for this crate's
/// errors.
///
/// # Errors
///
/// That of the formatter.
pub fn write_error(error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    f.write_str(&text)
}

/// The reason a stage ended.
///
/// The first two are **normal** ends: a supervisor does not restart a transient stage after them, and a
/// transient subscription does not end its consumer.
///
/// Its `Debug` form is its message, as for every error of this crate; `{:#?}` shows the fields.
///
/// ```
/// use stage_core::ExitReason;
///
/// let full = ExitReason::Custom("the disk is full".into());
/// assert!(!full.is_normal() && ExitReason::Shutdown.is_normal());
/// assert!(full.to_string().contains("the disk is full"));
/// ```
#[derive(Clone, stage_macros::ErrorDebug)]
#[non_exhaustive]
pub enum ExitReason {
    /// The stage had nothing left to do.
    Normal,
    /// The stage was asked to stop.
    Shutdown,
    /// A callback returned this error.
    Error(Arc<dyn Error + Send + Sync>),
    /// A callback panicked with this message.
    Panicked(String),
    /// The task of the stage was cut off before the stage could end by itself.
    Aborted,
    /// The stage never ran, because a stage that it subscribes to does not exist.
    NotFound,
    /// A reason defined by the application.
    Custom(String),
}

/// The kind of an [`ExitReason`], without its payload, for comparisons.
///
/// ```
/// use stage_core::ExitReason;
/// use stage_core::pipeline::ExitKind;
///
/// let counted = [ExitReason::Normal, ExitReason::Aborted, ExitReason::Normal];
/// let normal = counted.iter().filter(|reason| reason.kind() == ExitKind::Normal);
/// assert_eq!(normal.count(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitKind {
    /// [`ExitReason::Normal`]
    Normal,
    /// [`ExitReason::Shutdown`]
    Shutdown,
    /// [`ExitReason::Error`]
    Error,
    /// [`ExitReason::Panicked`]
    Panicked,
    /// [`ExitReason::Aborted`]
    Aborted,
    /// [`ExitReason::NotFound`]
    NotFound,
    /// [`ExitReason::Custom`]
    Custom,
}

impl ExitReason {
    /// Returns the kind of this reason, which can be compared.
    ///
    /// ```
    /// use stage_core::pipeline::ExitKind;
    /// use stage_core::ExitReason;
    ///
    /// assert_eq!(ExitReason::Panicked("index out of bounds".to_owned()).kind(), ExitKind::Panicked);
    /// ```
    pub fn kind(&self) -> ExitKind {
        match self {
            Self::Normal => ExitKind::Normal,
            Self::Shutdown => ExitKind::Shutdown,
            Self::Error(_) => ExitKind::Error,
            Self::Panicked(_) => ExitKind::Panicked,
            Self::Aborted => ExitKind::Aborted,
            Self::NotFound => ExitKind::NotFound,
            Self::Custom(_) => ExitKind::Custom,
        }
    }

    /// Returns whether this is a normal end.
    pub fn is_normal(&self) -> bool {
        match self {
            Self::Normal | Self::Shutdown => true,
            Self::Error(_) | Self::Panicked(_) | Self::Aborted | Self::NotFound | Self::Custom(_) => false,
        }
    }

    /// Returns whether a restart cannot help.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Error(error) if error.is::<Fatal>())
    }

    /// Returns the exit reason for a panic with `payload`, as caught by [`catch_unwind`].
    ///
    /// ```
    /// use stage_core::ExitReason;
    ///
    /// let payload = std::panic::catch_unwind(|| panic!("no ink")).unwrap_err();
    /// assert_eq!(ExitReason::from_panic(&*payload).to_string(), "panicked: no ink");
    /// ```
    ///
    /// [`catch_unwind`]: std::panic::catch_unwind
    pub fn from_panic(payload: &(dyn std::any::Any + Send)) -> Self {
        Self::Panicked(panic_message(payload))
    }
}

/// Returns the message of a panic with `payload`.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned())
}

/// An error that wraps an exit reason becomes that reason: `Err(ExitReason::Normal.into())` ends a stage
/// normally.
impl From<BoxError> for ExitReason {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(reason) => *reason,
            Err(error) => Self::Error(Arc::from(error)),
        }
    }
}

/// Serialises as the text of the message.
#[cfg(feature = "serde")]
impl serde::Serialize for ExitReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Error for ExitReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Error(error) => Some(&**error),
            _ => None,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("finished"),
            Self::Shutdown => f.write_str("was stopped"),
            Self::Error(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Aborted => f.write_str("was cut off"),
            Self::NotFound => f.write_str("found nothing to subscribe to"),
            Self::Custom(reason) => f.write_str(reason),
        }
    }
}

/// An error that a restart cannot fix: a stage that ends with it ends its pipeline.
///
/// ```
/// use stage_core::{Fatal, StageResult};
///
/// fn check(password: &str) -> StageResult {
///     if password.is_empty() { Err(Fatal::new("there is no password").into()) } else { Ok(()) }
/// }
/// assert_eq!(check("").unwrap_err().to_string(), "there is no password");
/// ```
#[derive(stage_macros::ErrorDebug, stage_macros::Error)]
#[error(transparent)]
pub struct Fatal(BoxError);

impl Fatal {
    /// Wraps `cause` as an error that ends the pipeline.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}

/// The reason a producer refused a subscription. The subscriber receives it; the producer keeps running.
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, PartitionDispatcher, SubscriptionKey};
/// use stage_core::subscribe::SubscribeError;
/// use stage_core::testing::Supply;
///
/// let mut supply = Supply::new(PartitionDispatcher::numbered(2, |event: &usize| Some(event % 2))?);
/// supply.subscribe(SubscriptionKey::new(0), DispatchOptions::new().partition(0))?;
/// let taken = supply.subscribe(SubscriptionKey::new(1), DispatchOptions::new().partition(0));
/// assert_eq!(taken, Err(SubscribeError::PartitionTaken { partition: 0.into() }));
/// let none = supply.subscribe(SubscriptionKey::new(1), DispatchOptions::new());
/// assert_eq!(none, Err(SubscribeError::NoPartition));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The partition does not exist.
    #[error("partition {partition} does not exist; there are {partitions}")]
    UnknownPartition {
        /// The requested partition.
        partition: PartitionName,
        /// The partitions that exist.
        partitions: String,
    },
    /// The stage is already subscribed, and a broadcast serves each stage only once.
    #[error("the stage is already subscribed to this broadcast")]
    AlreadySubscribed,
    /// Another stage is already subscribed to the partition.
    #[error("partition {partition} already has a subscriber")]
    PartitionTaken {
        /// The requested partition.
        partition: PartitionName,
    },
    /// The window of the subscription is invalid.
    #[error(transparent)]
    Window(#[from] crate::credit::demand::WindowError),
    /// The stage that should have subscribed has ended.
    #[error("the stage `{stage}` cannot subscribe: it {reason}")]
    Ended {
        /// The stage that should have subscribed.
        stage: String,
        /// The reason it ended.
        reason: String,
    },
    /// The stage that should have subscribed takes events of another type.
    #[error("the stage takes `{takes}`, and cannot subscribe to `{producer}`, which emits `{emits}`")]
    OtherEvents {
        /// The producer.
        producer: String,
        /// The event type of the producer.
        emits: &'static str,
        /// The event type of the stage.
        takes: &'static str,
    },
    /// A partition dispatcher requires the subscriber to name its partition.
    #[error("a subscription to a partitioned stage must name its partition")]
    NoPartition,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::option_error::OptionError;
    use crate::credit::demand::WindowError;

    #[derive(stage_macros::Error, stage_macros::ErrorDebug)]
    #[error("cannot read the list")]
    struct Unreadable {
        source: std::io::Error,
    }

    fn unreadable() -> Unreadable {
        Unreadable { source: std::io::Error::other("the disk is gone") }
    }

    #[test]
    fn debug_of_an_error_is_its_message_and_its_causes() {
        assert_eq!(format!("{:?}", unreadable()), "cannot read the list: the disk is gone");
        let boxed: BoxError = unreadable().into();
        assert_eq!(format!("{boxed:?}"), "cannot read the list: the disk is gone");
        let reason = ExitReason::from(boxed);
        assert_eq!(format!("{reason:?}"), "failed: cannot read the list: the disk is gone");
        assert_eq!(format!("{:?}", Fatal::new("no password")), "no password");
    }

    #[test]
    fn a_cause_within_the_message_is_not_repeated() {
        let error = OptionError::Window { step: "seal".to_owned(), source: WindowError::MaxDemand };
        assert_eq!(format!("{error:?}"), "step `seal`: max_demand must be at least 1, got 0");
    }

    #[test]
    fn alternate_debug_of_an_error_shows_its_fields() {
        let error = OptionError::Count { step: "seal".to_owned() };
        assert_eq!(format!("{error:#?}"), "Count {\n    step: \"seal\",\n}");
        assert_eq!(format!("{:#?}", ExitReason::Panicked("oh".to_owned())), "Panicked(\n    \"oh\",\n)");
        assert_eq!(format!("{:#?}", ExitReason::Normal), "Normal");
    }
}
