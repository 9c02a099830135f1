//! A column of many rows as one parameter.

use std::error::Error;

use bytes::BytesMut;
use postgres_protocol::types::{ArrayDimension, array_to_sql};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, WrongType, to_sql_checked};

/// The values of one column, as an array of the server.
#[derive(Debug)]
pub(super) struct Array<'a>(pub(super) Vec<&'a (dyn ToSql + Sync)>);

impl ToSql for Array<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Kind::Array(element) = ty.kind() else {
            return Err(Box::new(WrongType::new::<Self>(ty.clone())));
        };
        let dimension = ArrayDimension { len: i32::try_from(self.0.len())?, lower_bound: 1 };
        array_to_sql(
            Some(dimension),
            element.oid(),
            self.0.iter(),
            |value, out| {
                Ok(match value.to_sql_checked(element, out)? {
                    IsNull::Yes => postgres_protocol::IsNull::Yes,
                    IsNull::No => postgres_protocol::IsNull::No,
                })
            },
            out,
        )?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}
