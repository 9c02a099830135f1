//! The names of a struct's fields, as serde knows them.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// Returns the names of the fields of a struct; `None` for any other type, or if it has flattened fields.
pub(crate) fn fields_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    // Ends with an error in any case: there is no value to read.
    let _ = T::deserialize(Probe { fields: &mut fields });
    fields
}

/// Notes the fields of the struct that is asked for.
struct Probe<'a> {
    fields: &'a mut Option<&'static [&'static str]>,
}

#[derive(Debug)]
struct NoValue;

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value")
    }
}

impl std::error::Error for NoValue {}

impl Error for NoValue {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = NoValue;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoValue> {
        *self.fields = Some(fields);
        Err(NoValue)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Sale {
        country: String,
        #[serde(rename = "Amount")]
        amount: Option<i64>,
        #[serde(skip)]
        known: bool,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Wrapped(Sale);

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        sale: Sale,
    }

    #[test]
    fn the_fields_of_a_struct_are_those_that_serde_reads() {
        assert_eq!(fields_of::<Sale>(), Some(&["country", "Amount"][..]));
        assert_eq!(fields_of::<Wrapped>(), Some(&["country", "Amount"][..]));
        assert_eq!(fields_of::<Flat>(), None);
        assert_eq!(fields_of::<(u8, u8)>(), None);
    }
}
