//! Changes of a column's type, by the type that it has before, where that is known.

use squawk_syntax::ast::{self, AstNode};

use super::file::{FilePosition, code};
use super::rewrite::found;
use super::tables::name;
use super::types::{MadeTypes, Type, TypeChange};
use super::{LocatedFinding, ReviewContext};
use crate::model::{Confidence, Severity};

const CHECK: &str = "migration/changing-column-type";

/// Types to which the server changes others without a rewrite, where these are narrower.
const WIDENED: [&str; 8] =
    ["text", "varchar", "numeric", "varbit", "inet", "timestamptz", "timestamp", "interval"];

/// What a change of type in a file writes.
pub(super) fn judge(
    set: &ast::SetType,
    column: &str,
    file: usize,
    known: &ReviewContext<'_>,
) -> Option<LocatedFinding> {
    let at = code(set.syntax());
    let before = known.types.get(&FilePosition { file, byte: at });
    let text = set.ty().map(|ty| ty.syntax().text().to_string()).unwrap_or_default();
    let new = Type::parse(&text);
    let is_utc = before.is_some_and(|before| before.is_utc);
    let collates = set.syntax().descendants().any(|node| ast::Collate::can_cast(node.kind()));
    let change = NewType { at, new: &new, is_utc, collates };
    let is_cast = set.using_expr().is_none_or(|using| {
        let expression = using.expr().map(|own| own.syntax().text().to_string());
        is_cast_of(&expression.unwrap_or_default(), column, &new)
    });
    let message = match before.and_then(|before| before.old.as_ref()).filter(|_| is_cast) {
        Some(old) => return change.judge_from(old, &known.made_types),
        // Who sets the zone to UTC does so for this.
        None if is_cast && is_utc && new.is_timestamp() => return None,
        None if is_cast && WIDENED.contains(&new.name.as_str()) => {
            return Some(doubtful(at, change.message_from_unknown()));
        }
        None => {
            "changing a column's type rewrites the table and its indexes under ACCESS EXCLUSIVE, unless the old type is \
             binary coercible to the new one"
        }
    };
    Some(found(at, CHECK, Severity::High, message.to_owned()))
}

/// A type that a statement gives to a column.
struct NewType<'t> {
    at: usize,
    new: &'t Type,
    /// Whether the file has set the session's time zone to UTC.
    is_utc: bool,
    /// Whether it comes with a collation.
    collates: bool,
}

impl NewType<'_> {
    /// What is found where the type that the column has is known.
    fn judge_from(&self, old: &Type, made: &MadeTypes) -> Option<LocatedFinding> {
        let Self { at, new, is_utc, collates } = *self;
        let what = format!("changing a column from {old} to {new}");
        match old.changed_to(new, made) {
            TypeChange::Catalog if collates => {
                let message = "changing the collation of a column rebuilds every index on it under ACCESS EXCLUSIVE; rows stay as \
                               they are";
                Some(doubtful(at, message.to_owned()))
            }
            TypeChange::Catalog => None,
            TypeChange::Zone if is_utc => None,
            TypeChange::Zone => Some(doubtful(
                at,
                format!(
                    "{what} rewrites the table and its indexes under ACCESS EXCLUSIVE, unless the time zone of the session is \
                     UTC: SET timezone = 'UTC' before, where the values are times in UTC"
                ),
            )),
            TypeChange::Rewrite => {
                let message =
                    format!("{what} rewrites the table and its indexes under ACCESS EXCLUSIVE");
                Some(found(at, CHECK, Severity::High, message))
            }
            TypeChange::Unknown => Some(doubtful(
                at,
                format!(
                    "{what} rewrites the table and its indexes under ACCESS EXCLUSIVE, unless the one is binary coercible to \
                     the other"
                ),
            )),
        }
    }

    /// What is said where it is not known.
    fn message_from_unknown(&self) -> String {
        let own = &self.new.name;
        let indexes = if self.collates {
            "; where its collation changes, its indexes are rebuilt"
        } else {
            ""
        };
        format!(
            "changing a type to {own} rewrites the table under ACCESS EXCLUSIVE, unless the column's type, which is not known \
             here, is the same kind without a lower limit (varchar(100) to text is no rewrite){indexes}; name the database \
             with --dsn"
        )
    }
}

fn doubtful(at: usize, message: String) -> LocatedFinding {
    let found = found(at, CHECK, Severity::Medium, message);
    LocatedFinding { confidence: Confidence::Low, ..found }
}

/// Whether an expression converts the column as the server does where none is given: `column::type`.
fn is_cast_of(using: &str, column: &str, new: &Type) -> bool {
    let is_column = |text: &str| name(text.trim_matches(|c: char| "() ".contains(c))) == column;
    let lower = using.to_lowercase();
    let inner = lower.strip_prefix("cast").and_then(|rest| rest.trim().strip_prefix('('));
    let (value, target) = match inner.and_then(|inner| inner.rsplit_once(" as ")) {
        Some((value, target)) => {
            // The same bytes, in the case that they were written in.
            let begin = lower.len() - inner.map_or(0, str::len);
            let value = using.get(begin..begin + value.len()).unwrap_or_default();
            (value, target.trim_end().trim_end_matches(')').to_owned())
        }
        None => match using.rsplit_once("::") {
            Some((value, target)) => (value, target.to_owned()),
            None => return is_column(using),
        },
    };
    is_column(value) && Type::parse(&target) == *new
}
