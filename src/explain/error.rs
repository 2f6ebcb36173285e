//! Why output of EXPLAIN could not be read.

use super::plan::ParsedPlan;

/// Input was not read to its end. Holds no piece of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ReadError {
    /// The line of the input, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What was expected there.
    pub reason: StopReason,
    /// What could be read before.
    pub partial: Vec<ParsedPlan>,
}

/// What was expected, or which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// There is no plan in the input.
    #[error("a plan was expected: output of EXPLAIN as text, JSON, YAML or XML")]
    NoPlan,
    /// The input ends inside a plan.
    #[error("the plan is cut off here")]
    CutOff,
    /// All nodes stand in one column.
    #[error(
        "the blanks at the beginning of lines are lost, which say what each node belongs to: paste the plan with them"
    )]
    LostIndentation,
    /// A node has more or fewer nodes below it than it can have, for an arrow stands in a column of its own.
    #[error(
        "the arrow of this line stands in another column than those of the nodes beside it, so that a node has too many or too few below it: indent the line as EXPLAIN does"
    )]
    IrregularIndentation,
    /// The syntax of the format is broken.
    #[error("{0} was expected")]
    Expected(&'static str),
    /// It is larger than [`super::INPUT_BYTES_MAX`].
    #[error("a plan is read up to 64 MiB")]
    TooLarge,
    /// It has more nodes than [`super::NODES_MAX`].
    #[error("a plan is read up to 500,000 nodes")]
    TooManyNodes,
    /// Properties that this reader does not know are nested deeper than [`super::EXTRA_DEPTH_MAX`], or are too many.
    #[error("a property is nested deeper or holds more than is read")]
    TooDeep,
}
