//! The same change on each member: a statement each, or one loop where they are too many to read.

use std::collections::BTreeMap;

use super::alter;
use super::batch::{dollar_quoted, escaped};
use crate::model::{Member, Statement, text_literal};

/// Statements a person still reads through. A table of 10,000 partitions would make 10,000 of them.
const STATEMENTS_MAX: usize = 64;

/// `ALTER TABLE … clause` for each member, by `statement`, which knows the lock.
pub(super) fn altered<Before>(
    members: &[Member<Before>],
    clause: impl Fn(&Member<Before>) -> String,
    statement: impl Fn(String) -> Statement,
) -> Vec<Statement> {
    if members.len() <= STATEMENTS_MAX {
        let alter_one = |member| statement(format!("{} {};", alter_of(member), clause(member)));
        return members.iter().map(alter_one).collect();
    }
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in members {
        groups.entry(clause(member)).or_default().push(text_literal(&member.name.to_sql()));
    }
    // Each is altered in a transaction of its own: no one waits for all of their locks.
    let looped = |(clause, names): (String, Vec<String>)| Statement {
        transactional: false,
        ..statement(each(&clause, &names))
    };
    groups.into_iter().map(looped).collect()
}

fn alter_of<Before>(member: &Member<Before>) -> String {
    alter(member.kind, &member.name)
}

fn each(clause: &str, names: &[String]) -> String {
    let body = format!(
        "
DECLARE
    dbopt_table pg_catalog.text;
BEGIN
    FOREACH dbopt_table IN ARRAY ARRAY[{names}] LOOP
        EXECUTE pg_catalog.format({alter}, dbopt_table);
        COMMIT;
    END LOOP;
END
",
        names = names.join(", "),
        alter = text_literal(&escaped(&format!("ALTER TABLE ONLY %s {clause}"))),
    );
    format!("DO {};", dollar_quoted(&body))
}
