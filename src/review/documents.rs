//! Documents that a migration writes, and the keys its indexes name.

use rowan::WalkEvent;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::{BlockedTable, LocatedFinding};
use crate::checks::migrations;
use crate::checks::number::float;
use crate::jsonb::{Scanner, Token};
use crate::model::{Confidence, Gap, GapReason, Severity};

/// Keys named in a message.
const NAMED_MAX: usize = 5;
/// Functions that make an object of keys and values.
const OBJECT_BUILDERS: [&str; 2] = ["jsonb_build_object", "json_build_object"];
/// Functions that make an array.
const ARRAY_BUILDERS: [&str; 2] = ["jsonb_build_array", "json_build_array"];

/// What is written by one statement.
#[derive(Default)]
struct Written {
    keys: Vec<String>,
    depth: usize,
}

pub(super) fn judge(file: &ParsedFile) -> Vec<LocatedFinding> {
    let root = file.tree.syntax_node();
    root.children().flat_map(|statement| judge_statement(&statement)).collect()
}

/// Words by which a block changes a schema.
const CHANGING: [&str; 6] = ["create", "alter", "drop", "truncate", "reindex", "execute"];

/// Blocks that change the schema: what stands in their bodies is a string to the parser.
pub(super) fn unread_bodies(file: &ParsedFile) -> Vec<Gap> {
    let root = file.tree.syntax_node();
    let blocks = root.children().filter_map(ast::Do::cast).filter(|block| {
        let body = block.syntax().text().to_string().to_lowercase();
        let mut words = body.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.any(|word| CHANGING.contains(&word))
    });
    let gap = |block: ast::Do| {
        let (line, _) = file.place(code(block.syntax()));
        let detail = format!("{}:{line}: the body of this DO block was not judged", file.path);
        Gap::new("migration", GapReason::NotEnoughEvidence, detail)
            .lifted_by("write what it does as statements of their own, to have it judged")
    };
    blocks.map(gap).collect()
}

fn judge_statement(statement: &SyntaxNode) -> Vec<LocatedFinding> {
    let kind = ast::Stmt::cast(statement.clone());
    let mut written = Written::default();
    match kind {
        Some(
            ast::Stmt::Insert(_)
            | ast::Stmt::Update(_)
            | ast::Stmt::Merge(_)
            | ast::Stmt::CreateTable(_)
            | ast::Stmt::AlterTable(_),
        ) => written.read(statement),
        Some(ast::Stmt::CreateIndex(_)) => written.keys = indexed(statement),
        _ => return Vec::new(),
    }
    let at = code(statement);
    [written.long_keys(at), written.deep(at)].into_iter().flatten().collect()
}

impl Written {
    /// The documents of a statement: literals that are objects or arrays, and calls that build them. What a WHERE
    /// compares with is read, not written.
    fn read(&mut self, statement: &SyntaxNode) {
        let mut nodes = statement.preorder();
        while let Some(event) = nodes.next() {
            let WalkEvent::Enter(node) = event else { continue };
            if ast::WhereClause::can_cast(node.kind()) {
                nodes.skip_subtree();
            } else if let Some(literal) = ast::Literal::cast(node.clone()) {
                self.add_literal(&literal.string_value().unwrap_or_default());
            } else if let Some(call) = ast::CallExpr::cast(node.clone()) {
                self.add_call(&call);
            }
        }
    }

    /// A literal that is a document. PostgreSQL's array literals look like objects, and are no JSON.
    fn add_literal(&mut self, text: &str) {
        if !text.trim_start().starts_with(['{', '[']) {
            return;
        }
        let (mut keys, mut depth, mut deepest) = (Vec::new(), 0_usize, 0);
        let mut scanner = Scanner::new(text);
        loop {
            match scanner.next_token() {
                Ok(Some(Token::Key(key))) => keys.push(key.into_owned()),
                Ok(Some(Token::ObjectStart | Token::ArrayStart)) => depth += 1,
                Ok(Some(Token::ObjectEnd | Token::ArrayEnd)) => depth = depth.saturating_sub(1),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
            deepest = deepest.max(depth);
        }
        self.depth = self.depth.max(deepest);
        self.keys.extend(keys);
    }

    fn add_call(&mut self, call: &ast::CallExpr) {
        let Some(arguments) = builder(call, &OBJECT_BUILDERS) else { return };
        let keys = arguments.args().step_by(2).filter_map(|argument| text(argument.syntax()));
        self.keys.extend(keys);
        let around = call.syntax().ancestors().filter_map(ast::CallExpr::cast);
        let builders = [OBJECT_BUILDERS, ARRAY_BUILDERS].concat();
        self.depth =
            self.depth.max(around.filter(|call| builder(call, &builders).is_some()).count());
    }

    fn long_keys(&self, at: usize) -> Option<LocatedFinding> {
        let mut long: Vec<&String> = self
            .keys
            .iter()
            .filter(|key| float(key.len()) > migrations::KEY_LENGTH_MAX.default)
            .collect();
        long.sort();
        long.dedup();
        let bytes: usize = self.keys.iter().map(String::len).sum();
        let bytes_max = migrations::KEY_LENGTH_MAX.default;
        if long.is_empty() || float(bytes) <= bytes_max * float(self.keys.len()) {
            return None;
        }
        let named: Vec<String> =
            long.iter().take(NAMED_MAX).map(|key| format!("`{key}`")).collect();
        let more = if long.len() > NAMED_MAX { ", …" } else { "" };
        Some(LocatedFinding {
            fix: None,
            at,
            check: migrations::LONG_KEYS,
            severity: Severity::Low,
            blocked: BlockedTable::None,
            confidence: Confidence::Low,
            message: format!(
                "names keys of documents longer than {bytes_max} bytes, which each row stores again: {}{more}",
                named.join(", ")
            ),
        })
    }

    fn deep(&self, at: usize) -> Option<LocatedFinding> {
        (float(self.depth) > migrations::DEPTH_MAX.default).then(|| LocatedFinding {
            fix: None,
            at,
            check: migrations::DEEP_NESTING,
            severity: Severity::Low,
            blocked: BlockedTable::None,
            confidence: Confidence::High,
            message: format!("writes documents nested {} deep", self.depth),
        })
    }
}

/// Keys that an index's expressions read: `->`, `->>` and literal paths.
fn indexed(statement: &SyntaxNode) -> Vec<String> {
    let reads = statement.descendants().filter_map(ast::BinExpr::cast).filter_map(|expression| {
        let operator =
            expression.op().is_some_and(|_| expression.syntax().text().to_string().contains("->"));
        let key = expression.rhs().and_then(|right| text(right.syntax()));
        key.filter(|_| operator)
    });
    reads.collect()
}

/// The arguments of a call of one of these functions.
fn builder(call: &ast::CallExpr, names: &[&str]) -> Option<ast::ArgList> {
    let name = call.expr()?.syntax().text().to_string().to_lowercase();
    let name = name.trim().trim_start_matches("pg_catalog.").to_owned();
    names.contains(&name.as_str()).then(|| call.arg_list()).flatten()
}

/// The text of a string literal, cast or not.
fn text(node: &SyntaxNode) -> Option<String> {
    let literal = node.descendants().find_map(ast::Literal::cast)?;
    literal.string_value().filter(|text| !text.is_empty())
}
