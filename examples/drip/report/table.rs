//! Text tables with aligned columns.

use std::fmt::{self, Write};

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Rows of cells under a header, each column as wide as its widest cell.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (name.to_owned(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Appends a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Computes the widths of the columns in one pass over the rows.
    fn columns(&self) -> Columns {
        let mut widths = vec![0; self.columns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let columns = self.columns.iter().zip(widths);
        Columns::new(columns.map(|((name, align), width)| (name.as_str(), *align, width)))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        f.write_str(&columns.head())?;
        self.rows.iter().try_for_each(|row| f.write_str(&columns.line(row)))
    }
}

/// The columns of a table whose rows are not all known yet. A cell wider than its column shifts the rest of
/// its line.
#[derive(Debug, Clone)]
pub struct Columns {
    columns: Vec<(String, Align, usize)>,
}

impl Columns {
    /// Creates columns with these names and widths in characters; each is at least as wide as its name.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align, usize)>) -> Self {
        let wide = |(name, align, width): (&str, Align, usize)| {
            (name.to_owned(), align, width.max(name.chars().count()))
        };
        Self { columns: columns.into_iter().map(wide).collect() }
    }

    /// Formats the header line.
    pub fn head(&self) -> String {
        self.line(self.columns.iter().map(|(name, ..)| name))
    }

    /// Formats a row.
    pub fn line(&self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
        let mut line = String::new();
        for (place, ((_, align, width), cell)) in self.columns.iter().zip(cells).enumerate() {
            let (cell, gap) = (cell.as_ref(), if place > 0 { "  " } else { "" });
            // Writing to a `String` cannot fail.
            let _ = match align {
                Align::Left => write!(line, "{gap}{cell:<width$}"),
                Align::Right => write!(line, "{gap}{cell:>width$}"),
            };
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("stage", Align::Left), ("events", Align::Right)]);
        table.row(["starter".into(), "1,000".into()]);
        table.row(["notifier".into(), "7".into()]);
        assert_eq!(table.to_string(), "stage     events\nstarter    1,000\nnotifier       7\n");
    }

    #[test]
    fn a_table_of_200_000_rows_takes_a_moment() {
        let mut table = Table::new([("id", Align::Left), ("size", Align::Right)]);
        for number in 0..200_000_u32 {
            table.row([number.to_string(), "1".into()]);
        }
        let begun = std::time::Instant::now();
        assert_eq!(table.to_string().lines().count(), 200_001);
        // A table with quadratic cost would take hours.
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn rows_that_are_not_known_yet_line_up_in_columns_of_given_widths() {
        let columns =
            Columns::new([("id", Align::Left, 4), ("size", Align::Right, 0), ("path", Align::Left, 0)]);
        assert_eq!(columns.head(), "id    size  path\n");
        assert_eq!(columns.line(["ab", "7", "c"]), "ab       7  c\n");
        assert_eq!(columns.line(["wider", "12345", "c"]), "wider  12345  c\n");
    }
}
