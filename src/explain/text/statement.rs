//! What stands before a plan: the entry of a log, and the statement.

use super::super::plan::ParsedPlan;
use super::head;

/// What was read before the plan that comes next.
#[derive(Default)]
pub(super) struct Next {
    statement: Option<String>,
    parameters: Option<String>,
    duration_ms: Option<f64>,
    query_id: Option<i64>,
    within: Within,
}

/// To what a line that starts nothing belongs.
#[derive(Default, PartialEq)]
enum Within {
    #[default]
    Nothing,
    Statement,
    Parameters,
}

impl Next {
    /// Whether a line that could start a plan is more likely one of the statement: plans of a log have figures.
    pub(super) fn is_statement_without(&self, text: &str) -> bool {
        self.within == Within::Statement && head::cost_at(text).is_none()
    }

    /// Whether the statement of an entry of a log is read.
    pub(super) fn is_in_statement(&self) -> bool {
        self.within == Within::Statement
    }

    /// A line outside of a plan.
    pub(super) fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(statement) = text.strip_prefix("Query Text:") {
            self.statement = Some(statement.trim_start().to_owned());
            self.within = Within::Statement;
        } else if let Some(parameters) = text.strip_prefix("Query Parameters:") {
            self.parameters = Some(parameters.trim_start().to_owned());
            self.within = Within::Parameters;
        } else if let Some(number) = text.strip_prefix("Query Identifier:") {
            self.query_id = number.trim().parse().ok();
            self.within = Within::Nothing;
        } else if let Some(duration) = duration(text) {
            *self = Next { duration_ms: Some(duration), ..Next::default() };
        } else {
            let target = match self.within {
                Within::Nothing => return,
                Within::Statement => &mut self.statement,
                Within::Parameters => &mut self.parameters,
            };
            if let Some(target) = target {
                target.push('\n');
                target.push_str(line.strip_prefix('\t').unwrap_or(line));
            }
        }
    }

    /// Hands over what was read.
    pub(super) fn give(&mut self, plan: &mut ParsedPlan) {
        let next = std::mem::take(self);
        let trim = |text: String| text.trim_end().to_owned();
        plan.statement = next.statement.map(trim);
        plan.parameters = next.parameters.map(trim);
        plan.duration_ms = next.duration_ms;
        plan.query_id = next.query_id;
    }
}

/// Whether a line begins an entry of a log, or what it says of a statement.
pub(super) fn begins_entry(text: &str) -> bool {
    text.starts_with("Query Text:") || super::classify::is_log(text)
}

/// `LOG:  duration: 12.3 ms  plan:`.
fn duration(text: &str) -> Option<f64> {
    let (_, after) = text.split_once("duration: ")?;
    let (number, after) = after.split_once(" ms")?;
    after.trim_start().starts_with("plan:").then(|| number.parse().ok()).flatten()
}
