//! Makes plans out of what JSON, YAML and XML have in common: objects, lists, and values with a name.
//!
//! A reader reports what opens, what closes and what stands between. Where it is, is kept in a vector, so that the depth
//! of the input is the length of a vector and not of the stack.

use serde_json::Value;

use super::error::StopReason;
use super::plan::{Node, ParsedPlan, PlanFormat};
use super::scalar::Scalar;
use super::{NODES_MAX, collect::Collect, finish, group, property};

/// Plans that are being read.
pub(super) struct Build {
    format: PlanFormat,
    plans: Vec<ParsedPlan>,
    open: Vec<OpenElement>,
    /// A property that is a list or an object, until it closes.
    collect: Collect,
    nodes: usize,
    /// Rows of a client that shows them as objects with one column.
    rows: Vec<String>,
}

/// What is open.
#[derive(Debug, Clone, Copy)]
enum OpenElement {
    /// A list of statements.
    Statements,
    /// The object of one statement, with its plan's number.
    Statement(usize),
    /// A node of a plan.
    Node(usize, usize),
    /// The nodes below a node.
    Plans(usize, usize),
    /// Something that says nothing of a plan.
    Other,
}

impl Build {
    pub(super) fn new(format: PlanFormat) -> Self {
        Build {
            format,
            plans: Vec::new(),
            open: Vec::new(),
            collect: Collect::default(),
            nodes: 0,
            rows: Vec::new(),
        }
    }

    /// An object opens, under this name where it has one.
    pub(super) fn object(&mut self, key: Option<&str>) -> Result<(), StopReason> {
        if self.collect.is_open() {
            return self.collect.object(key);
        }
        let frame = match self.open.last().copied() {
            None | Some(OpenElement::Statements | OpenElement::Other) => self.new_statement(),
            Some(OpenElement::Statement(plan)) if key == Some("Plan") => {
                self.new_node(plan, None)?
            }
            Some(OpenElement::Plans(plan, parent)) => self.new_node(plan, Some(parent))?,
            Some(OpenElement::Statement(_) | OpenElement::Node(..)) => {
                return self.collect.object(key);
            }
        };
        self.open.push(frame);
        Ok(())
    }

    /// A list opens, under this name where it has one.
    pub(super) fn list(&mut self, key: Option<&str>) -> Result<(), StopReason> {
        if self.collect.is_open() {
            return self.collect.list(key);
        }
        let frame = match self.open.last().copied() {
            None | Some(OpenElement::Statements | OpenElement::Other) => OpenElement::Statements,
            Some(OpenElement::Node(plan, node)) if key == Some("Plans") => {
                OpenElement::Plans(plan, node)
            }
            Some(OpenElement::Statement(plan)) if key == Some("Plans") => self.bare_node(plan)?,
            Some(OpenElement::Statement(_)) if key.is_some_and(is_column) => {
                OpenElement::Statements
            }
            Some(OpenElement::Statement(_) | OpenElement::Node(..)) => {
                return self.collect.list(key);
            }
            Some(OpenElement::Plans(..)) => OpenElement::Other,
        };
        self.open.push(frame);
        Ok(())
    }

    /// A value, under this name where it has one.
    pub(super) fn value(&mut self, key: Option<&str>, value: &Scalar) -> Result<(), StopReason> {
        if self.collect.is_open() {
            return self.collect.value(key, value);
        }
        let Some(key) = key else { return Ok(()) };
        match self.open.last().copied() {
            Some(OpenElement::Node(plan, node)) => {
                let node = &mut self.plans[plan].nodes[node];
                if !property::set(node, key, value) {
                    node.extra.insert(key.to_owned(), value.to_value());
                }
            }
            Some(OpenElement::Statement(_)) if is_column(key) => {
                self.rows.push(value.text().to_owned());
            }
            Some(OpenElement::Statement(plan)) if key == "Node Type" => {
                self.bare_node(plan)?;
                self.value(Some(key), value)?;
            }
            Some(OpenElement::Statement(plan)) => {
                property::set_statement(&mut self.plans[plan], key, value);
            }
            _ => (),
        }
        Ok(())
    }

    /// What was opened last closes.
    pub(super) fn end(&mut self) {
        if self.collect.is_open() {
            if let Some((key, value)) = self.collect.end() {
                self.group(&key, value);
            }
            return;
        }
        if let Some(OpenElement::Statement(plan)) = self.open.pop()
            && self.plans.get(plan).is_some_and(|plan| plan.nodes.is_empty())
        {
            self.plans.remove(plan);
        }
    }

    /// The plans that were read, and rows of text.
    pub(super) fn finish(self) -> (Vec<ParsedPlan>, Vec<String>) {
        let mut plans = self.plans;
        plans.retain(|plan| !plan.nodes.is_empty());
        for plan in &mut plans {
            finish::finish(plan);
        }
        (plans, self.rows)
    }

    fn group(&mut self, key: &str, value: Value) {
        match self.open.last() {
            Some(OpenElement::Node(plan, node)) => {
                group::set(&mut self.plans[*plan].nodes[*node], key, value);
            }
            Some(OpenElement::Statement(plan)) => {
                group::set_statement(&mut self.plans[*plan], key, value);
            }
            _ => (),
        }
    }

    fn new_statement(&mut self) -> OpenElement {
        self.plans.push(ParsedPlan { format: self.format, ..ParsedPlan::default() });
        OpenElement::Statement(self.plans.len() - 1)
    }

    fn new_node(&mut self, plan: usize, parent: Option<usize>) -> Result<OpenElement, StopReason> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(StopReason::TooManyNodes);
        }
        let nodes = &mut self.plans[plan].nodes;
        let id = nodes.len();
        if let Some(parent) = parent {
            nodes[parent].children.push(id);
        }
        nodes.push(Node { id, parent, ..Node::default() });
        Ok(OpenElement::Node(plan, id))
    }

    /// A node that stands where its statement should: what came before it are properties of it.
    fn bare_node(&mut self, plan: usize) -> Result<OpenElement, StopReason> {
        let frame = self.new_node(plan, None)?;
        if let Some(open) = self.open.last_mut() {
            *open = frame;
        }
        let ParsedPlan { extra, nodes, .. } = &mut self.plans[plan];
        if let Some(node) = nodes.last_mut() {
            for (key, value) in std::mem::take(extra) {
                group::set(node, &key, value);
            }
        }
        Ok(match frame {
            OpenElement::Node(plan, node) => OpenElement::Plans(plan, node),
            other => other,
        })
    }
}

/// Names that clients give the column of EXPLAIN where they show rows as JSON.
fn is_column(key: &str) -> bool {
    key.eq_ignore_ascii_case("query plan") || key.eq_ignore_ascii_case("query_plan")
}
