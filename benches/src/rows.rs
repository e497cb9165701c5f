//! What was measured, to be looked up.

use crate::contender::{BARE, Contender, Table};
use crate::measure::Samples;

/// One line of a table.
pub struct Row {
    pub table: Table,
    pub name: String,
    pub promises: String,
    pub threads: usize,
    pub samples: Samples,
    pub allocations: Allocations,
}

/// What one call allocates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocations {
    pub count: f64,
    pub bytes: f64,
}

impl Allocations {
    /// Reads a line that the program `allocations` wrote.
    pub fn parse(line: &str) -> Option<Self> {
        let (count, bytes) = line.split_once(' ')?;
        Some(Self {
            count: count.parse().ok()?,
            bytes: bytes.parse().ok()?,
        })
    }
}

impl Row {
    pub fn new(contender: &Contender, samples: Samples, allocations: Allocations) -> Self {
        Self {
            table: contender.table,
            name: contender.name.clone(),
            promises: contender.promises.clone(),
            threads: contender.threads,
            samples,
            allocations,
        }
    }
}

/// All rows.
pub struct Rows(pub Vec<Row>);

impl Rows {
    pub fn of(&self, table: Table) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(move |row| row.table == table)
    }

    pub fn find(&self, table: Table, name: &str, threads: usize) -> Option<&Row> {
        self.of(table)
            .find(|row| row.name == name && row.threads == threads)
    }

    pub fn median(&self, table: Table, name: &str, threads: usize) -> f64 {
        self.find(table, name, threads)
            .map_or(f64::NAN, |row| row.samples.median())
    }

    /// Nanoseconds beyond the bare call on as many threads, round by round.
    pub fn beyond(&self, row: &Row) -> Option<f64> {
        let bare = self.find(row.table, BARE, row.threads)?;
        Some(row.samples.beyond(&bare.samples).median())
    }

    pub fn beyond_named(&self, table: Table, name: &str, threads: usize) -> f64 {
        self.find(table, name, threads)
            .and_then(|row| self.beyond(row))
            .unwrap_or(f64::NAN)
    }

    pub fn allocations(&self, table: Table, name: &str) -> f64 {
        self.find(table, name, 1)
            .map_or(f64::NAN, |row| row.allocations.count)
    }
}
