//! Columns of text that line up.

use std::fmt::{self, Write};

/// Which side of its column a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under a head.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (name.to_owned(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// One row more.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.chain([&self.columns[column].0]).map(|cell| cell.chars().count()).max();
        widest.unwrap_or_default()
    }

    fn line<'a>(&self, f: &mut fmt::Formatter<'_>, cells: impl Iterator<Item = &'a String>) -> fmt::Result {
        let mut line = String::new();
        for (column, cell) in cells.enumerate().take(self.columns.len()) {
            let width = self.width(column);
            let gap = if column > 0 { "  " } else { "" };
            match self.columns[column].1 {
                Align::Left => write!(line, "{gap}{cell:<width$}"),
                Align::Right => write!(line, "{gap}{cell:>width$}"),
            }?;
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, self.columns.iter().map(|(name, _)| name))?;
        self.rows.iter().try_for_each(|row| self.line(f, row.iter()))
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
}
