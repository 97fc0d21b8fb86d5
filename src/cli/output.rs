//! What commands print: tables for people, JSON and plain columns for scripts.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

/// The argument of every command that prints a result.
#[derive(Args)]
pub struct Output {
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Form::Table)]
    output: Form,
}

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Aligned columns under a header
    #[value(alias = "text")]
    Table,
    /// Columns separated by tabs, without a header
    Plain,
    /// One JSON value
    Json,
}

impl Output {
    /// The form that was asked for.
    pub fn form(&self) -> Form {
        self.output
    }

    /// Prints the table, or the JSON value that means the same.
    pub fn print(&self, table: &Table, json: impl FnOnce() -> Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.output {
            Form::Table => out.write_all(table.aligned().as_bytes())?,
            Form::Plain => out.write_all(table.plain().as_bytes())?,
            Form::Json => writeln!(out, "{:#}", json())?,
        }
        out.flush()
    }
}

/// Whether somebody can still read standard output. A pipe whose reader has gone would otherwise be noticed only by
/// the next write, which may never come.
pub fn is_read() -> bool {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(1..) => !watched.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP)),
        Ok(0) | Err(_) => true,
    }
}

/// Rows of text under a header.
#[derive(Clone, Debug)]
pub struct Table {
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(header: &'static [&'static str]) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.header.len(), "a row has a cell for each column");
        self.rows.push(cells);
    }

    /// Columns as wide as they have to be. Empty cells show a dash, so that columns can still be counted.
    pub fn aligned(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        line(&mut text, &widths, self.header.iter().copied());
        for row in &self.rows {
            let cells = row.iter().map(|cell| if cell.is_empty() { "-" } else { cell.as_str() });
            line(&mut text, &widths, cells);
        }
        text
    }

    /// Cells separated by tabs.
    pub fn plain(&self) -> String {
        self.rows.iter().map(|row| row.join("\t") + "\n").collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let header = self.header.get(column).map_or(0, |title| title.len());
        cells.max().unwrap_or_default().max(header)
    }
}

fn line<'a>(text: &mut String, widths: &[usize], cells: impl Iterator<Item = &'a str>) {
    let begin = text.len();
    for (cell, width) in cells.zip(widths) {
        if text.len() > begin {
            text.push_str("  ");
        }
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

/// Numbers with commas between them.
pub fn joined(numbers: &[i32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let mut table = Table::new(&["TOPIC", "N"]);
        table.row(vec!["größer".into(), "1".into()]);
        table.row(vec![String::new(), String::new()]);
        assert_eq!(table.aligned(), "TOPIC   N\ngrößer  1\n-       -\n");
        assert_eq!(table.plain(), "größer\t1\n\t\n");
    }
}
