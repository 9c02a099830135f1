//! Messages as rows of a table.

use tokio_postgres::types::ToSql;

/// A message that is stored as one row. Implemented for tuples of up to eight values.
///
/// ```
/// use stage_postgres::{Row, ToSql};
///
/// struct Order {
///     number: i64,
///     item: String,
///     note: Option<String>,
/// }
///
/// impl Row for Order {
///     fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
///         vec![&self.number, &self.item, &self.note]
///     }
/// }
/// ```
pub trait Row: Send + Sync + 'static {
    /// Returns the values in the order of the sink's columns.
    fn values(&self) -> Vec<&(dyn ToSql + Sync)>;
}

macro_rules! row_of_tuple {
    ($($value:ident)+) => {
        impl<$($value: ToSql + Send + Sync + 'static),+> Row for ($($value,)+) {
            fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
                #[allow(non_snake_case, reason = "the names of the types")]
                let ($($value,)+) = self;
                vec![$($value),+]
            }
        }
    };
}

row_of_tuple!(A);
row_of_tuple!(A B);
row_of_tuple!(A B C);
row_of_tuple!(A B C D);
row_of_tuple!(A B C D E);
row_of_tuple!(A B C D E F);
row_of_tuple!(A B C D E F G);
row_of_tuple!(A B C D E F G H);
