//! What was measured: a table for people, JSON for machines.

use serde_json::{Value, json};

/// One figure, or the median of several rounds.
#[derive(Debug, Clone)]
struct Figure {
    part: String,
    name: String,
    value: f64,
    unit: &'static str,
    /// The rounds that the value is drawn from, in the order in which they ran; empty for a single figure.
    rounds: Vec<f64>,
    /// What the project wants of it, in words.
    goal: &'static str,
}

/// The figures so far.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Adds a single figure.
    pub(crate) fn add(
        &mut self,
        part: &str,
        name: impl Into<String>,
        value: (f64, &'static str),
        goal: &'static str,
    ) {
        self.add_of_rounds(part, name, value, Vec::new(), goal);
    }

    /// Adds a figure that was taken from all rounds together.
    pub(crate) fn add_of_rounds(
        &mut self,
        part: &str,
        name: impl Into<String>,
        (value, unit): (f64, &'static str),
        rounds: Vec<f64>,
        goal: &'static str,
    ) {
        self.0.push(Figure { part: part.to_owned(), name: name.into(), value, unit, rounds, goal });
    }

    /// Adds the median of rounds and returns it.
    pub(crate) fn add_rounds(
        &mut self,
        part: &str,
        name: impl Into<String>,
        (rounds, unit): (Vec<f64>, &'static str),
        goal: &'static str,
    ) -> f64 {
        let value = median(&rounds);
        self.add_of_rounds(part, name, (value, unit), rounds, goal);
        value
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let width = self.0.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        let mut part = "";
        for figure in &self.0 {
            if figure.part != part {
                part = &figure.part;
                text.extend(["\n", part, "\n"]);
            }
            let padding = " ".repeat(width - figure.name.chars().count());
            let mut line =
                format!("  {}{padding}  {:>10} {}", figure.name, number(figure.value), figure.unit);
            if !figure.rounds.is_empty() {
                let rounds: Vec<String> = figure.rounds.iter().map(|r| number(*r)).collect();
                line.extend(["  (rounds ", &rounds.join(", "), ")"]);
            }
            if !figure.goal.is_empty() {
                line.extend(["  [goal: ", figure.goal, "]"]);
            }
            text += &line;
            text.push('\n');
        }
        text
    }

    /// The figures for machines.
    pub(crate) fn json(&self) -> Vec<Value> {
        let figure = |figure: &Figure| {
            json!({
                "part": figure.part, "name": figure.name, "value": figure.value,
                "unit": figure.unit, "rounds": figure.rounds, "goal": figure.goal,
            })
        };
        self.0.iter().map(figure).collect()
    }
}

/// Four significant digits are more than a benchmark knows.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        big if big >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// The middle value; the mean of the two middle ones of an even number; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantiles(values.to_vec(), &[0.5])[0]
}

/// Quantiles by linear interpolation between the sorted values; 0 of none.
pub(crate) fn quantiles(mut values: Vec<f64>, wanted: &[f64]) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return vec![0.0; wanted.len()] };
    let at = |quantile: &f64| {
        let place = float(last) * quantile;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let low = place as usize;
        let high = (low + 1).min(last);
        values[low] + (values[high] - values[low]) * place.fract()
    };
    wanted.iter().map(at).collect()
}

/// A count as a number to divide with.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
