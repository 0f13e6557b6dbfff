// SPDX-License-Identifier: GPL-2.0

//! The page: a legend of the colours, a list of scenarios, a picture of each.

use std::fmt::Write;

use crate::drawing::{color, drawing, word, LOST};
use crate::symbols::Symbols;
use crate::timeline::{Scenario, State};

const STYLE: &str = "body { font: 15px/1.5 sans-serif; color: #222; max-width: 1120px; margin: 2em auto; padding: 0 1em }
h2 { font-size: 1.1em; margin: 2.5em 0 .3em }
svg { width: 100%; height: auto }
li.lost, p.lost { font-weight: bold }
.key { display: inline-block; width: 1.1em; height: 1.1em; vertical-align: -.15em; margin: 0 .3em 0 1em }";

pub fn page(title: &str, scenarios: &[Scenario], symbols: &Symbols) -> String {
    let (mut list, mut pictures) = (String::new(), String::new());
    for (number, scenario) in scenarios.iter().enumerate() {
        let (name, class) = (escaped(&scenario.name), class(scenario));
        let verdict = verdict(scenario);
        let _ = writeln!(
            list,
            "<li{class}><a href=\"#s{number}\">{name}</a>: {verdict}</li>"
        );
        let _ = writeln!(
            pictures,
            "<h2 id=\"s{number}\">{name}</h2>\n<p{class}>{verdict}</p>\n{}",
            drawing(scenario, symbols)
        );
    }
    let (title, key) = (escaped(title), key());
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>{title}</title>
<style>
{STYLE}
</style>
</head>
<body>
<h1>{title}</h1>
<p>Each picture shows what became of 64-byte lines of persistent memory while a program made data durable.
Time goes to the right. The blue shadow is a call that promises durability; where it ends nothing of
the file may be red or yellow. Point at something to read what it is.</p>
<p>{key}</p>
<ol>
{list}</ol>
{pictures}</body>
</html>"
    )
}

fn key() -> String {
    let meaning = |state| match state {
        State::Dirty => "a byte is only in a cache",
        State::Pending => "on its way, without a fence",
        State::Durable => "a power cut spares it",
    };
    let mut key = String::new();
    for state in [State::Dirty, State::Pending, State::Durable] {
        let (color, word, meaning) = (color(state), word(state), meaning(state));
        let _ = write!(
            key,
            "<span class=\"key\" style=\"background: {color}\"></span>{word}: {meaning}"
        );
    }
    let _ = write!(
        key,
        "<span class=\"key\" style=\"background: {LOST}; width: .4em\"></span>was asked about, would be lost"
    );
    key
}

fn class(scenario: &Scenario) -> &'static str {
    if scenario.lost() > 0 {
        " class=\"lost\""
    } else {
        ""
    }
}

fn verdict(scenario: &Scenario) -> String {
    match (scenario.checks.len(), scenario.lost()) {
        (0, _) => "nothing was asked".into(),
        (n, 0) => format!("asked {}, all was durable", often(n)),
        (n, lost) => format!(
            "asked {}, a power cut would have lost {lost} lines",
            often(n)
        ),
    }
}

fn often(n: usize) -> String {
    match n {
        1 => "once".into(),
        n => format!("{n} times"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::timeline;

    #[test]
    fn the_list_says_what_was_lost() {
        let text = "begin\t0\ta<b\ncheck\t40\t40\t2\t1000\nlost\t40\t41\nend\t80\n\
                    begin\t0\tc\ncheck\t40\t40\t2\t1000\nend\t80\n";
        let page = page("t", &timeline::parse(text).unwrap(), &Symbols::new(""));
        assert!(page.contains(">a&lt;b</a>: asked once, a power cut would have lost 1 lines<"));
        assert!(page.contains(">c</a>: asked once, all was durable<"));
    }
}
