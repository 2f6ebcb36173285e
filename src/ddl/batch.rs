//! An update in batches: short transactions, some megabytes of WAL each, that can be stopped and run again.

use super::statement::batches;
use crate::model::{QualifiedName, Statement, catalog_operator as operator, text_literal};

/// Pages a batch visits: some hundred rows.
const PAGES_PER_BATCH: u32 = 64;

/// `UPDATE … SET assignment WHERE condition` of these tables, a batch of pages at a time.
///
/// Variables carry the service's name so that no column of the table is taken for one of them. The search path stays the
/// session's, as triggers of the table may need it.
pub(super) fn update(tables: &[&QualifiedName], assignment: &str, condition: &str) -> Statement {
    let [from, to, plus, by] = [">=", "<", "+", "/"].map(operator);
    let update = format!(
        "UPDATE ONLY %s SET {assignment} WHERE ctid {from} $1 AND ctid {to} $2 AND {condition}"
    );
    let tables: Vec<String> = tables.iter().map(|table| text_literal(&table.to_sql())).collect();
    let body = format!(
        "
DECLARE
    dbopt_table pg_catalog.text;
    dbopt_size bigint;
    dbopt_block bigint := pg_catalog.current_setting('block_size');
BEGIN
    FOREACH dbopt_table IN ARRAY ARRAY[{tables}] LOOP
        dbopt_size := pg_catalog.pg_relation_size(dbopt_table::pg_catalog.regclass);
        FOR dbopt_page IN 0..dbopt_size {by} dbopt_block BY {PAGES_PER_BATCH} LOOP
            EXECUTE pg_catalog.format({update}, dbopt_table)
                USING pg_catalog.format('(%s,0)', dbopt_page)::pg_catalog.tid,
                    pg_catalog.format('(%s,0)', dbopt_page {plus} {PAGES_PER_BATCH})::pg_catalog.tid;
            COMMIT;
        END LOOP;
    END LOOP;
END
",
        tables = tables.join(", "),
        update = text_literal(&escaped(&update)),
    );
    batches(format!("DO {};", dollar_quoted(&body)))
}

/// `format` takes `%` for itself; only the one for the table is meant.
pub(super) fn escaped(update: &str) -> String {
    update.replace('%', "%%").replacen("%%s", "%s", 1)
}

/// The body between dollar quotes that do not occur in it, whatever names it holds.
pub(super) fn dollar_quoted(body: &str) -> String {
    let mut tag = "dbopt".to_owned();
    while body.contains(&format!("${tag}$")) {
        tag.push('_');
    }
    format!("${tag}${body}${tag}$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_the_dollar_quote() {
        assert_eq!(dollar_quoted("x $dbopt$ y"), "$dbopt_$x $dbopt$ y$dbopt_$");
    }

    #[test]
    fn percent_signs_in_names_are_not_taken_for_placeholders() {
        assert_eq!(
            escaped(r#"UPDATE ONLY %s SET "a%sb" = 1"#),
            r#"UPDATE ONLY %s SET "a%%sb" = 1"#
        );
    }
}
