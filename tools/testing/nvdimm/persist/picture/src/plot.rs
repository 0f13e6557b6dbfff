// SPDX-License-Identifier: GPL-2.0

//! Computes which state each place shows: lines become rows, times become columns. A place with
//! several lines or states shows the worst, so that no lost line is hidden.

use crate::timeline::{Change, Scenario, State};

/// A place in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub state: State,
    pub origin: u64,
}

/// Neighbouring cells that look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub cell: Cell,
    pub row: usize,
    pub rows: usize,
    pub column: usize,
    pub columns: usize,
}

/// The rows of a panel, in the order of the lines.
pub struct Plot {
    pub lines: Vec<u64>,
    /// How many lines share a row.
    pub per_row: usize,
    pub rows: usize,
    pub columns: usize,
    cells: Vec<Option<Cell>>,
}

impl Plot {
    /// Plots these lines in at most `most` rows.
    pub fn new(scenario: &Scenario, lines: Vec<u64>, most: usize, columns: usize) -> Self {
        let per_row = lines.len().div_ceil(most).max(1);
        let rows = lines.len().div_ceil(per_row);
        let mut plot = Self {
            lines,
            per_row,
            rows,
            columns,
            cells: vec![None; rows * columns],
        };
        for (n, line) in plot.lines.clone().iter().enumerate() {
            let changes = scenario.lines.get(line).map_or(&[][..], Vec::as_slice);
            plot.show(n / per_row, changes, scenario.end);
        }
        plot
    }

    /// The row of a line.
    pub fn row(&self, line: u64) -> Option<usize> {
        let at = self.lines.iter().position(|other| *other == line)?;
        Some(at / self.per_row)
    }

    fn show(&mut self, row: usize, changes: &[Change], end: u64) {
        let columns = self.columns;
        let column = |time| column(time, end, columns);
        for (n, change) in changes.iter().enumerate() {
            let until = changes
                .get(n + 1)
                .map_or(self.columns, |next| column(next.time));
            let cell = Cell {
                state: change.state,
                origin: change.origin,
            };
            let from = column(change.time);
            for at in &mut self.cells[row * self.columns..][from..until.max(from + 1)] {
                if at.is_none_or(|other| other.state < cell.state) {
                    *at = Some(cell);
                }
            }
        }
    }

    /// The areas to draw.
    pub fn areas(&self) -> Vec<Area> {
        let mut complete = Vec::new();
        let mut open: Vec<Area> = Vec::new();
        for row in 0..self.rows {
            let runs = self.runs(row);
            let grows = |area: &Area, run: &Area| {
                (area.column, area.columns, area.cell) == (run.column, run.columns, run.cell)
            };
            let (mut kept, ended): (Vec<Area>, Vec<Area>) = open
                .into_iter()
                .partition(|area| runs.iter().any(|run| grows(area, run)));
            kept.iter_mut().for_each(|area| area.rows += 1);
            let fresh = runs
                .into_iter()
                .filter(|run| !kept.iter().any(|area| grows(area, run)));
            let fresh: Vec<Area> = fresh.collect();
            complete.extend(ended);
            kept.extend(fresh);
            open = kept;
        }
        complete.extend(open);
        complete
    }

    fn runs(&self, row: usize) -> Vec<Area> {
        let mut column = 0;
        let mut runs = Vec::new();
        for run in self.cells[row * self.columns..][..self.columns].chunk_by(|a, b| a == b) {
            if let Some(cell) = run[0] {
                runs.push(Area {
                    cell,
                    row,
                    rows: 1,
                    column,
                    columns: run.len(),
                });
            }
            column += run.len();
        }
        runs
    }
}

/// The column of a time.
pub fn column(time: u64, end: u64, columns: usize) -> usize {
    let at = u128::from(time) * columns as u128 / u128::from(end.max(1));
    (at as usize).min(columns - 1)
}

#[cfg(test)]
mod test {
    use super::*;

    fn scenario(lines: &[(u64, &[(u64, State)])]) -> Scenario {
        let change = |(time, state): &(u64, State)| Change {
            time: *time,
            state: *state,
            origin: 1,
        };
        Scenario {
            end: 100,
            lines: lines
                .iter()
                .map(|(line, changes)| (*line, changes.iter().map(change).collect()))
                .collect(),
            ..Scenario::default()
        }
    }

    /// Prints the plot row by row, with a letter for each column.
    fn drawn(plot: &Plot) -> Vec<String> {
        let mut rows = vec![vec!['.'; plot.columns]; plot.rows];
        for area in plot.areas() {
            for row in &mut rows[area.row..][..area.rows] {
                let letter = match area.cell.state {
                    State::Dirty => 'd',
                    State::Pending => 'p',
                    State::Durable => 's',
                };
                row[area.column..][..area.columns].fill(letter);
            }
        }
        rows.into_iter().map(String::from_iter).collect()
    }

    #[test]
    fn lines_are_rows_and_times_are_columns() {
        let changes = [
            (20, State::Dirty),
            (50, State::Pending),
            (70, State::Durable),
        ];
        let scenario = scenario(&[(7, &changes), (8, &changes), (9, &[(90, State::Dirty)])]);
        let plot = Plot::new(&scenario, vec![7, 8, 9], 10, 10);
        assert_eq!(drawn(&plot), ["..dddppsss", "..dddppsss", ".........d"]);
        assert_eq!(plot.areas().len(), 4);
        assert_eq!(plot.row(9), Some(2));
    }

    #[test]
    fn the_worst_is_seen() {
        let short = [
            (21, State::Dirty),
            (22, State::Pending),
            (23, State::Durable),
        ];
        let scenario = scenario(&[(1, &[(0, State::Durable)]), (2, &short)]);
        let plot = Plot::new(&scenario, vec![1, 2], 1, 10);
        assert_eq!(drawn(&plot), ["ssdsssssss"]);
        assert_eq!((plot.per_row, plot.row(2)), (2, Some(0)));
    }
}
