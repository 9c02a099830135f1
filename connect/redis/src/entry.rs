//! Entries of a stream.

use bytes::Bytes;

/// An entry of a stream.
///
/// ```
/// use stage_redis::{Entry, Fields};
///
/// /// Returns the customer of an order.
/// fn customer(order: &Entry) -> Option<&[u8]> {
///     order.fields.get("customer").map(|name| &name[..])
/// }
///
/// // A handler is tested without a server.
/// let fields = Fields::payload("3 apples").with("customer", "17");
/// let order = Entry { id: "1764400000000-0".to_owned(), fields };
/// assert_eq!(customer(&order), Some(&b"17"[..]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id given by the server, such as `1764400000000-0`: milliseconds and a sequence number.
    pub id: String,
    /// The fields with their values.
    pub fields: Fields,
}

/// The fields of an entry, in the order of the server. A name may occur more than once.
///
/// ```
/// use stage_redis::Fields;
///
/// let fields = Fields::new().with("kind", "order").with("payload", "3 apples");
/// assert_eq!(fields.get("kind").unwrap(), "order");
/// assert_eq!(fields.get("price"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    /// Returns no fields. Redis refuses an entry without fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns one field, named `payload`.
    ///
    /// ```
    /// use stage_redis::Fields;
    ///
    /// assert_eq!(Fields::payload("3 apples"), Fields::new().with("payload", "3 apples"));
    /// ```
    pub fn payload(value: impl Into<Bytes>) -> Self {
        Self::new().with("payload", value)
    }

    /// Adds a field at the end.
    #[must_use]
    pub fn with(mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Sets a field, in place of those of this name.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(field, _)| field != name.as_bytes());
        self.0.push((name.to_owned().into(), value.to_owned().into()));
    }

    /// Returns the value of the first field of this name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&Bytes> {
        self.0.iter().find(|(field, _)| field == name.as_ref()).map(|(_, value)| value)
    }

    /// Returns the fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Returns the number of fields.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no field.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Bytes>, V: Into<Bytes>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
