//! Writes rows in one statement.

use std::fmt::Write as _;
use std::pin::pin;
use std::sync::Arc;

use stage_connect::{ConnectError, MessageId};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{Error, Statement};

use super::array::Array;
use super::row::Row;
use super::table::Conflict;
use crate::link::Link;
use crate::server::Server;

/// A table and the columns to write.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) conflict: Conflict,
    /// The column for the ids of messages.
    pub(super) ids: Option<String>,
}

/// The values of one row.
pub(super) type Values<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// An open connection, with its statement.
#[derive(Debug)]
pub(super) struct Writer {
    link: Link,
    statement: Statement,
    /// The types of the columns for `COPY`; none for `INSERT`.
    copied: Option<Vec<Type>>,
}

impl Writer {
    pub(super) async fn open(
        server: &Server,
        target: &Target,
        object: &Arc<str>,
    ) -> Result<Self, ConnectError> {
        let link = server.connect(Arc::clone(object)).await?;
        let types = types(&link, target, object).await?;
        let text = match target.conflict {
            Conflict::Refuse => target.copy(),
            Conflict::Update | Conflict::Ignore => target.insert(&types),
        };
        let statement = link.statement(&text.into()).await?;
        let is_array = |ty: &&Type| matches!(ty.kind(), Kind::Array(element) if matches!(element.kind(), Kind::Array(_)));
        if statement.params().iter().any(|ty| is_array(&ty)) {
            return Err(ConnectError::fatal(
                object,
                "a column has an array type",
                "insert such rows without `update_on`, `ignore_on` and `ids`",
            ));
        }
        let copied = match target.conflict {
            Conflict::Refuse => Some(column_types(&link, target).await?),
            Conflict::Update | Conflict::Ignore => None,
        };
        Ok(Self { link, statement, copied })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Writes all of the rows or none.
    pub(super) async fn write(&self, rows: &[(&str, Values<'_>)]) -> Result<(), Error> {
        match &self.copied {
            Some(types) => self.copy(types, rows).await,
            None => self.insert(rows).await,
        }
    }

    async fn copy(&self, types: &[Type], rows: &[(&str, Values<'_>)]) -> Result<(), Error> {
        let sink = self.link.client().copy_in(&self.statement).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, types));
        for (_, values) in rows {
            writer.as_mut().write(values).await?;
        }
        writer.as_mut().finish().await.map(drop)
    }

    async fn insert(&self, rows: &[(&str, Values<'_>)]) -> Result<(), Error> {
        let columns = rows.first().map_or(0, |(_, values)| values.len());
        let mut arrays: Vec<_> = (0..columns)
            .map(|column| Array(rows.iter().map(|(_, values)| values[column]).collect()))
            .collect();
        if self.statement.params().len() > columns {
            arrays.push(Array(rows.iter().map(|(id, _)| id as &(dyn ToSql + Sync)).collect()));
        }
        let parameters: Vec<_> = arrays.iter().map(|array| array as &(dyn ToSql + Sync)).collect();
        self.link.client().execute(&self.statement, &parameters).await.map(drop)
    }
}

/// Returns the values of messages, with a check of their number.
pub(super) fn rows<'a, M: Row>(
    messages: &'a [(MessageId, M)],
    target: &Target,
    object: &str,
) -> Result<Vec<(&'a str, Values<'a>)>, ConnectError> {
    let row = |(id, message): &'a (MessageId, M)| {
        let values = message.values();
        if values.len() == target.columns.len() {
            Ok((id.as_str(), values))
        } else {
            let (found, expected) = (values.len(), target.columns.len());
            let what = format!("a row has {found} values, and the sink {expected} columns");
            Err(ConnectError::fatal(object, what, "return a value for each column from `Row::values`"))
        }
    };
    messages.iter().map(row).collect()
}

/// Returns the names of the types of all columns that are written.
async fn types(link: &Link, target: &Target, object: &str) -> Result<Vec<String>, ConnectError> {
    let attributes = "
        SELECT attname::text, format_type(atttypid, -1) FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
    let rows = link.client().query(attributes, &[&target.quoted_table()]).await;
    let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    let known: Result<Vec<(String, String)>, _> = rows.and_then(|rows| rows.iter().map(read).collect());
    let known = link.told("cannot read the columns", known)?;
    if known.is_empty() {
        return Err(ConnectError::fatal(
            object,
            "there is no such table",
            "create it, or name it with its schema",
        ));
    }
    let ty = |column: &String| {
        if let Some((_, ty)) = known.iter().find(|(name, _)| name == column) {
            Ok(ty.clone())
        } else {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            let remedy = format!("the columns are {}", names.join(", "));
            Err(ConnectError::fatal(object, format_args!("there is no column `{column}`"), remedy))
        }
    };
    target.all_columns().chain(&target.keys).map(ty).collect()
}

async fn column_types(link: &Link, target: &Target) -> Result<Vec<Type>, ConnectError> {
    let text = format!("SELECT {} FROM {}", target.list(), target.quoted_table());
    let statement = link.statement(&text.into()).await?;
    Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
}

impl Target {
    fn all_columns(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().chain(&self.ids)
    }

    fn list(&self) -> String {
        list(self.all_columns())
    }

    fn quoted_table(&self) -> String {
        self.table.split('.').map(quoted).collect::<Vec<_>>().join(".")
    }

    fn copy(&self) -> String {
        format!("COPY {} ({}) FROM STDIN BINARY", self.quoted_table(), self.list())
    }

    /// The rows are sorted by their keys, so that two sinks lock them in the same order. A key that is null equals no
    /// other.
    fn insert(&self, types: &[String]) -> String {
        let (table, columns, keys) = (self.quoted_table(), self.list(), list(&self.keys));
        let arrays: Vec<_> = self
            .all_columns()
            .zip(types)
            .enumerate()
            .map(|(index, (_, ty))| format!("${}::{ty}[]", index + 1))
            .collect();
        let null =
            self.keys.iter().map(|key| format!("{} IS NULL", quoted(key))).collect::<Vec<_>>().join(" OR ");
        let (order, action) = match self.conflict {
            Conflict::Update => ("DESC", self.overwrite()),
            Conflict::Refuse | Conflict::Ignore => ("ASC", "NOTHING".to_owned()),
        };
        let same = format!("{keys}, CASE WHEN {null} THEN \"stage place\" END");
        format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM (
                 SELECT DISTINCT ON ({same}) * FROM unnest({}) WITH ORDINALITY AS new ({columns}, \"stage place\")
                 ORDER BY {same}, \"stage place\" {order}
             ) AS new ON CONFLICT ({keys}) DO {action}",
            arrays.join(", ")
        )
    }

    fn overwrite(&self) -> String {
        let mut action = String::from("UPDATE SET ");
        let others: Vec<_> = self.all_columns().filter(|column| !self.keys.contains(column)).collect();
        if others.is_empty() {
            return "NOTHING".to_owned();
        }
        for (index, column) in others.into_iter().map(|column| quoted(column)).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let _ = write!(action, "{comma}{column} = excluded.{column}");
        }
        action
    }
}

fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(conflict: Conflict, keys: &[&str]) -> Target {
        let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let (table, columns) = ("shop.orders".to_owned(), strings(&["number", "ite\"m"]));
        Target { table, columns, keys: strings(keys), conflict, ids: None }
    }

    #[test]
    fn names_are_quoted() {
        let copy = target(Conflict::Refuse, &[]).copy();
        assert_eq!(copy, r#"COPY "shop"."orders" ("number", "ite""m") FROM STDIN BINARY"#);
    }

    #[test]
    fn the_columns_beside_the_key_are_overwritten() {
        let insert = target(Conflict::Update, &["number"]).insert(&["bigint".to_owned(), "text".to_owned()]);
        assert!(insert.contains("unnest($1::bigint[], $2::text[])"), "{insert}");
        assert!(insert.ends_with(r#"DO UPDATE SET "ite""m" = excluded."ite""m""#), "{insert}");
        let insert = target(Conflict::Update, &["number", "ite\"m"]).insert(&[String::new(), String::new()]);
        assert!(insert.ends_with("DO NOTHING"), "{insert}");
    }
}
