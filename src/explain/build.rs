//! Makes plans out of what JSON, YAML and XML have in common: objects, lists, and values with a name.
//!
//! A reader reports what opens, what closes and what stands between. Where it is, is kept in a vector, so that the depth
//! of the input is the length of a vector and not of the stack.

use serde_json::Value;

use super::error::Reason;
use super::plan::{Format, Node, Plan};
use super::scalar::Scalar;
use super::{NODES_MAX, collect::Collect, finish, group, property};

/// Plans that are being read.
pub(super) struct Build {
    format: Format,
    plans: Vec<Plan>,
    open: Vec<Frame>,
    /// A property that is a list or an object, until it closes.
    collect: Collect,
    nodes: usize,
    /// Rows of a client that shows them as objects with one column.
    rows: Vec<String>,
}

/// What is open.
#[derive(Debug, Clone, Copy)]
enum Frame {
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
    pub(super) fn new(format: Format) -> Self {
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
    pub(super) fn object(&mut self, key: Option<&str>) -> Result<(), Reason> {
        if self.collect.is_open() {
            return self.collect.object(key);
        }
        let frame = match self.open.last().copied() {
            None | Some(Frame::Statements | Frame::Other) => self.new_statement(),
            Some(Frame::Statement(plan)) if key == Some("Plan") => self.new_node(plan, None)?,
            Some(Frame::Plans(plan, parent)) => self.new_node(plan, Some(parent))?,
            Some(Frame::Statement(_) | Frame::Node(..)) => return self.collect.object(key),
        };
        self.open.push(frame);
        Ok(())
    }

    /// A list opens, under this name where it has one.
    pub(super) fn list(&mut self, key: Option<&str>) -> Result<(), Reason> {
        if self.collect.is_open() {
            return self.collect.list(key);
        }
        let frame = match self.open.last().copied() {
            None | Some(Frame::Statements | Frame::Other) => Frame::Statements,
            Some(Frame::Node(plan, node)) if key == Some("Plans") => Frame::Plans(plan, node),
            Some(Frame::Statement(plan)) if key == Some("Plans") => self.bare_node(plan)?,
            Some(Frame::Statement(_)) if key.is_some_and(is_column) => Frame::Statements,
            Some(Frame::Statement(_) | Frame::Node(..)) => return self.collect.list(key),
            Some(Frame::Plans(..)) => Frame::Other,
        };
        self.open.push(frame);
        Ok(())
    }

    /// A value, under this name where it has one.
    pub(super) fn value(&mut self, key: Option<&str>, value: &Scalar) -> Result<(), Reason> {
        if self.collect.is_open() {
            return self.collect.value(key, value);
        }
        let Some(key) = key else { return Ok(()) };
        match self.open.last().copied() {
            Some(Frame::Node(plan, node)) => {
                let node = &mut self.plans[plan].nodes[node];
                if !property::set(node, key, value) {
                    node.extra.insert(key.to_owned(), value.to_value());
                }
            }
            Some(Frame::Statement(_)) if is_column(key) => self.rows.push(value.text().to_owned()),
            Some(Frame::Statement(plan)) if key == "Node Type" => {
                self.bare_node(plan)?;
                self.value(Some(key), value)?;
            }
            Some(Frame::Statement(plan)) => {
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
        if let Some(Frame::Statement(plan)) = self.open.pop()
            && self.plans.get(plan).is_some_and(|plan| plan.nodes.is_empty())
        {
            self.plans.remove(plan);
        }
    }

    /// The plans that were read, and rows of text.
    pub(super) fn finish(self) -> (Vec<Plan>, Vec<String>) {
        let mut plans = self.plans;
        plans.retain(|plan| !plan.nodes.is_empty());
        for plan in &mut plans {
            finish::finish(plan);
        }
        (plans, self.rows)
    }

    fn group(&mut self, key: &str, value: Value) {
        match self.open.last() {
            Some(Frame::Node(plan, node)) => {
                group::set(&mut self.plans[*plan].nodes[*node], key, value);
            }
            Some(Frame::Statement(plan)) => {
                group::set_statement(&mut self.plans[*plan], key, value);
            }
            _ => (),
        }
    }

    fn new_statement(&mut self) -> Frame {
        self.plans.push(Plan { format: self.format, ..Plan::default() });
        Frame::Statement(self.plans.len() - 1)
    }

    fn new_node(&mut self, plan: usize, parent: Option<usize>) -> Result<Frame, Reason> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Reason::TooManyNodes);
        }
        let nodes = &mut self.plans[plan].nodes;
        let id = nodes.len();
        if let Some(parent) = parent {
            nodes[parent].children.push(id);
        }
        nodes.push(Node { id, parent, ..Node::default() });
        Ok(Frame::Node(plan, id))
    }

    /// A node that stands where its statement should: what came before it are properties of it.
    fn bare_node(&mut self, plan: usize) -> Result<Frame, Reason> {
        let frame = self.new_node(plan, None)?;
        if let Some(open) = self.open.last_mut() {
            *open = frame;
        }
        let Plan { extra, nodes, .. } = &mut self.plans[plan];
        if let Some(node) = nodes.last_mut() {
            for (key, value) in std::mem::take(extra) {
                group::set(node, &key, value);
            }
        }
        Ok(match frame {
            Frame::Node(plan, node) => Frame::Plans(plan, node),
            other => other,
        })
    }
}

/// Names that clients give the column of EXPLAIN where they show rows as JSON.
fn is_column(key: &str) -> bool {
    key.eq_ignore_ascii_case("query plan") || key.eq_ignore_ascii_case("query_plan")
}
