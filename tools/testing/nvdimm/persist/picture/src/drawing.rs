// SPDX-License-Identifier: GPL-2.0

//! Draws a scenario as SVG: time goes to the right, lines go down; system calls are at the top,
//! checks at the bottom.

use svg::node::element::{Group, Line, Rectangle, Text, Title};
use svg::Document;

use crate::plot::{column, Area, Plot};
use crate::symbols::Symbols;
use crate::timeline::{Scenario, State, LINE};

const LEFT: usize = 110;
const WIDTH: usize = 960;
const RIGHT: usize = 20;
const CALLS: usize = 20;
const GAP: usize = 24;
/// The least height of a row, in pixels.
const THIN: usize = 2;
/// The distance between labels, in pixels.
const APART: usize = 13;
const INK: &str = "#333";
const SYNC: &str = "#0072b2";
const OTHER: &str = "#9a9a9a";
const ASKED: &str = "#00795a";
pub const LOST: &str = "#000";

pub fn color(state: State) -> &'static str {
    match state {
        State::Durable => "#b9dcf0",
        State::Pending => "#f0b429",
        State::Dirty => "#c8401f",
    }
}

pub fn word(state: State) -> &'static str {
    match state {
        State::Durable => "durable",
        State::Pending => "pending",
        State::Dirty => "dirty",
    }
}

/// The lines of one kind, below each other.
struct Panel<'a> {
    title: &'a str,
    plot: Plot,
    top: usize,
    /// The height of a row, in pixels.
    row: usize,
    /// Returns the label of a line.
    label: Box<dyn Fn(u64) -> String + 'a>,
}

impl Panel<'_> {
    fn height(&self) -> usize {
        self.plot.rows * self.row
    }
}

pub fn drawing(scenario: &Scenario, symbols: &Symbols) -> Document {
    let panels = panels(scenario);
    let bottom = panels
        .last()
        .map_or(CALLS + GAP, |panel| panel.top + panel.height());
    let mut document = Document::new()
        .set("viewBox", (0, 0, LEFT + WIDTH + RIGHT, bottom + 62))
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .set("fill", INK);
    for panel in &panels {
        document = document.add(background(panel));
        document = document.add(areas(panel, scenario, symbols));
    }
    document
        .add(calls(scenario, bottom))
        .add(checks(scenario, &panels, bottom))
        .add(time_axis(scenario.end, bottom))
}

fn panels(scenario: &Scenario) -> Vec<Panel<'_>> {
    let mut file: Vec<u64> = scenario.offsets.keys().copied().collect();
    file.sort_by_key(|line| scenario.offsets[line]);
    let others = scenario
        .lines
        .keys()
        .copied()
        .filter(|line| !scenario.offsets.contains_key(line));
    let offset = |line: u64| format!("{:#x}", scenario.offsets.get(&line).copied().unwrap_or(0));
    let address = |line: u64| format!("{:#x}", line * LINE);
    let kinds: [(&str, Vec<u64>, usize, Box<dyn Fn(u64) -> String>); 2] = [
        ("the file, by offset", file, 512, Box::new(offset)),
        (
            "other lines, by address: metadata, journal, other files",
            others.collect(),
            144,
            Box::new(address),
        ),
    ];
    let mut panels = Vec::new();
    let mut top = CALLS + GAP;
    for (title, lines, pixels, label) in kinds {
        if lines.is_empty() {
            continue;
        }
        let plot = Plot::new(scenario, lines, pixels / THIN, WIDTH);
        let row = (pixels / plot.rows).clamp(THIN, 8);
        let panel = Panel {
            title,
            plot,
            top,
            row,
            label,
        };
        top += panel.height() + GAP;
        panels.push(panel);
    }
    panels
}

fn text(content: impl Into<String>, x: usize, y: usize, anchor: &str) -> Text {
    Text::new(content)
        .set("x", x)
        .set("y", y)
        .set("text-anchor", anchor)
}

fn upright(x: usize, from: usize, to: usize) -> Line {
    Line::new()
        .set("x1", x)
        .set("x2", x)
        .set("y1", from)
        .set("y2", to)
}

/// The background of the panel, with labels at each page and at each line that does not follow the
/// one above it.
fn background(panel: &Panel<'_>) -> Group {
    let plot = &panel.plot;
    let paper = Rectangle::new()
        .set("x", LEFT)
        .set("y", panel.top)
        .set("width", WIDTH)
        .set("height", panel.height())
        .set("fill", "#f3f3f0");
    let unit = match plot.per_row {
        1 => "a row is a line of 64 bytes".to_string(),
        n => format!("a row is {n} lines of 64 bytes"),
    };
    let mut group = Group::new().add(paper).add(text(
        format!("{}; {unit}", panel.title),
        LEFT,
        panel.top - 6,
        "start",
    ));
    let mut free = 0;
    for row in 0..plot.rows {
        let first = row * plot.per_row;
        let line = plot.lines[first];
        let follows = first > 0 && plot.lines[first - 1] + 1 == line;
        let y = panel.top + row * panel.row;
        if (follows && line * LINE % 4096 != 0) || y < free {
            continue;
        }
        free = y + APART;
        let tick = Line::new()
            .set("x1", LEFT - 5)
            .set("x2", LEFT)
            .set("y1", y)
            .set("y2", y);
        group = group.add(tick.set("stroke", INK)).add(text(
            (panel.label)(line),
            LEFT - 8,
            y + 4,
            "end",
        ));
    }
    group
}

fn areas(panel: &Panel<'_>, scenario: &Scenario, symbols: &Symbols) -> Group {
    let mut group = Group::new();
    let areas = panel.plot.areas();
    for state in [State::Durable, State::Pending, State::Dirty] {
        let mut of_state = Group::new().set("fill", color(state));
        for area in areas.iter().filter(|area| area.cell.state == state) {
            let rectangle = Rectangle::new()
                .set("x", LEFT + area.column)
                .set("y", panel.top + area.row * panel.row)
                .set("width", area.columns)
                .set("height", area.rows * panel.row);
            let title = Title::new(told(panel, area, scenario, symbols));
            of_state = of_state.add(rectangle.add(title));
        }
        group = group.add(of_state);
    }
    group
}

/// The tooltip of an area.
fn told(panel: &Panel<'_>, area: &Area, scenario: &Scenario, symbols: &Symbols) -> String {
    let plot = &panel.plot;
    let last = ((area.row + area.rows) * plot.per_row).min(plot.lines.len()) - 1;
    let [first, last] = [area.row * plot.per_row, last].map(|n| (panel.label)(plot.lines[n]));
    let moment = |column: usize| thousands(column as u64 * scenario.end / WIDTH as u64);
    format!(
        "lines {first} to {last}: {}, instructions {} to {}; stored last by {}",
        word(area.cell.state),
        moment(area.column),
        moment(area.column + area.columns),
        symbols.name(area.cell.origin),
    )
}

/// The system calls; those that sync throw a shadow on the lines.
fn calls(scenario: &Scenario, bottom: usize) -> Group {
    let mut group = Group::new();
    for call in &scenario.calls {
        let x = LEFT + column(call.begin, scenario.end, WIDTH);
        let width = (LEFT + column(call.end, scenario.end, WIDTH) - x).max(1);
        let color = if call.syncs() { SYNC } else { OTHER };
        let bar = |top: usize, height: usize| {
            let bar = Rectangle::new()
                .set("x", x)
                .set("y", top)
                .set("width", width);
            bar.set("height", height).set("fill", color)
        };
        let took = thousands(call.end - call.begin);
        let title = Title::new(format!("{}: {took} instructions", call.name));
        group = group.add(bar(0, CALLS).add(title));
        if call.syncs() {
            let shadow = bar(CALLS, bottom - CALLS).set("fill-opacity", 0.1);
            group = group.add(shadow.set("pointer-events", "none"));
        }
        if width > 7 * call.name.len() {
            let name = text(call.name.as_str(), x + width / 2, 14, "middle");
            group = group.add(name.set("fill", "#fff").set("pointer-events", "none"));
        }
    }
    group.add(text("system calls", LEFT - 8, 14, "end"))
}

/// The checks, with the lines that were not durable.
fn checks(scenario: &Scenario, panels: &[Panel<'_>], bottom: usize) -> Group {
    let mut group = Group::new().add(text("durable?", LEFT - 8, bottom + 14, "end"));
    let mut free = 0;
    // many checks must not hide the lines
    let opacity = (24.0 / scenario.checks.len() as f64).clamp(0.2, 1.0);
    for (time, lost) in &scenario.checks {
        let x = LEFT + column(*time, scenario.end, WIDTH);
        let (mark, color) = match lost.len() {
            0 => ("yes".to_string(), ASKED),
            n => (format!("{n} lost"), LOST),
        };
        let line = upright(x, CALLS, bottom + 4)
            .set("stroke", color)
            .set("stroke-opacity", opacity)
            .set("stroke-dasharray", "2 2");
        let title = format!("asked at instruction {}: {mark}", thousands(*time));
        group = group.add(line.add(Title::new(title)));
        if x >= free || !lost.is_empty() {
            group = group.add(text(mark.as_str(), x, bottom + 14, "middle").set("fill", color));
            free = x + 7 * mark.len() + 4;
        }
        for panel in panels {
            let mut rows: Vec<usize> = lost
                .iter()
                .filter_map(|line| panel.plot.row(*line))
                .collect();
            rows.dedup();
            for row in rows {
                let (y, height) = (panel.top + row * panel.row, panel.row.max(4));
                let flag = Rectangle::new().set("x", x - 8).set("width", 8);
                group = group.add(flag.set("y", y).set("height", height).set("fill", LOST));
            }
        }
    }
    group
}

fn time_axis(end: u64, bottom: usize) -> Group {
    let mut group = Group::new();
    let step = step(end);
    for n in 0..=end / step {
        let x = LEFT + column(n * step, end, WIDTH);
        group = group
            .add(upright(x, bottom + 20, bottom + 25).set("stroke", INK))
            .add(text(thousands(n * step), x, bottom + 37, "middle"));
    }
    let middle = LEFT + WIDTH / 2;
    let axis = Line::new().set("x1", LEFT).set("x2", LEFT + WIDTH);
    let axis = axis
        .set("y1", bottom + 20)
        .set("y2", bottom + 20)
        .set("stroke", INK);
    group.add(axis).add(text(
        "guest instructions since the scenario began",
        middle,
        bottom + 54,
        "middle",
    ))
}

/// The step of the time axis: 1, 2 or 5 and zeros, for about five to ten steps.
fn step(end: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if end / (step * factor) < 10 {
                return step * factor;
            }
        }
        step *= 10;
    }
}

/// Formats 1234567 as 1,234,567.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::timeline;

    #[test]
    fn numbers() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(
            (step(9), step(10), step(999), step(7_000_000)),
            (1, 2, 100, 1_000_000)
        );
    }

    #[test]
    fn what_is_drawn() {
        let text = "begin\t0\ta\ncall\t10\tfsync\ndirty\t20\t40\t2\tffffffff81000010\nreturn\t30\n\
                    dirty\t38\t90\t1\t400000\ncheck\t40\t40\t2\t1000\nlost\t40\t41\nend\t80\n";
        let scenarios = timeline::parse(text).unwrap();
        let symbols = Symbols::new("ffffffff81000000 T f\nffffffff82000000 T _etext\n");
        let drawn = drawing(&scenarios[0], &symbols).to_string();
        for part in [
            "fsync: 32 instructions",
            "lines 0x1000 to 0x1040: dirty, instructions 32 to 128; stored last by f+0x10",
            "lines 0x2400 to 0x2400: dirty, instructions 56 to 128; stored last by a program at 0x400000",
            "asked at instruction 64: 1 lost",
        ] {
            assert!(drawn.contains(part), "{part} is not in {drawn}");
        }
    }
}
