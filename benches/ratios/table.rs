//! The table at the end.

use std::fmt;

/// What was measured in every round.
pub struct Measured {
    pub what: String,
    pub rounds: Vec<f64>,
    pub detail: String,
}

/// What a measured value is aimed at.
#[derive(Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Printed for orientation.
    None,
}

/// Rows of what was measured, each beside what it is aimed at.
#[derive(Default)]
pub struct Table {
    rows: Vec<(Measured, Goal)>,
}

impl Table {
    pub fn at_least(&mut self, goal: f64, measured: Measured) {
        self.rows.push((measured, Goal::AtLeast(goal)));
    }

    pub fn at_most(&mut self, goal: f64, measured: Measured) {
        self.rows.push((measured, Goal::AtMost(goal)));
    }

    pub fn told(&mut self, measured: Measured) {
        self.rows.push((measured, Goal::None));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(row, _)| row.what.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>6}  of the rounds    goal  reached", "", "median")?;
        for (row, goal) in &self.rows {
            let (reached, rounds) = (median(&row.rounds), &row.rounds);
            let low = rounds.iter().copied().fold(f64::INFINITY, f64::min);
            let high = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (goal, met) = match goal {
                Goal::AtLeast(goal) => (format!("≥ {goal}"), said(reached >= *goal)),
                Goal::AtMost(goal) => (format!("≤ {goal}"), said(reached <= *goal)),
                Goal::None => (String::new(), ""),
            };
            let spread = format!("{low:.2} to {high:.2}");
            let Measured { what, detail, .. } = row;
            writeln!(
                f,
                "{what:width$}  {reached:6.2}  {spread:>14}  {goal:>6}  {met:7}  {detail}"
            )?;
        }
        Ok(())
    }
}

fn said(met: bool) -> &'static str {
    if met { "yes" } else { "NO" }
}

/// The middle one; the mean of the two where their number is even.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (middle, odd) = (sorted.len() / 2, sorted.len() % 2 == 1);
    if odd { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}
