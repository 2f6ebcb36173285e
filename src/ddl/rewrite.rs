//! The batched rewrite: old rows follow new settings only when their values are built again.

use super::batch;
use super::statement::{maintenance, refresh};
use crate::model::{
    Compression, Member, MemberKind, QualifiedName, Rewrite, RewriteOf, Statement,
    catalog_operator as operator, counted, quote_identifier, text_literal,
};

/// Update the rows in batches, then vacuum what they leave behind.
pub(super) fn statements(rewrite: &Rewrite) -> Vec<Statement> {
    let (views, tables): (Vec<_>, Vec<_>) =
        rewrite.tables.iter().partition(|table| table.kind == MemberKind::MaterializedView);
    let mut statements: Vec<Statement> = views
        .iter()
        .map(|view| refresh(format!("REFRESH MATERIALIZED VIEW {};", view.name.to_sql())))
        .collect();
    if !tables.is_empty() {
        let names: Vec<String> = tables.iter().map(|table| table.name.to_sql()).collect();
        statements.push(update(rewrite, &tables));
        statements.push(maintenance(format!("VACUUM {};", names.join(", ")), false));
    }
    statements
}

/// What a rewrite costs, as far as it is known beforehand.
pub(super) fn caveats(rewrite: &Rewrite) -> Vec<String> {
    let megabytes = (rewrite.bytes / 1_048_576).max(1);
    let mut caveats = vec![format!(
        "the rewrite updates about {}: some {megabytes} MB of WAL and, until the vacuum, as much bloat \
         (estimated from the sample, indexes not counted); it can be stopped and run again",
        counted(rewrite.rows, "row", "rows")
    )];
    if rewrite.tables.iter().any(|table| table.kind == MemberKind::MaterializedView) {
        caveats.push(
            "REFRESH also brings the rows up to date with the tables below them, which undo does not take back"
                .to_owned(),
        );
    }
    if rewrite.fires_triggers {
        caveats.push(
            "UPDATE triggers fire for every rewritten row, and must let it through unchanged"
                .to_owned(),
        );
    }
    caveats
}

fn update(rewrite: &Rewrite, tables: &[&Member<()>]) -> Statement {
    let column = quote_identifier(&rewrite.column);
    // `(ARRAY[c])[1]` builds a value again, byte for byte, whatever its type. An array of arrays would be
    // one array of more dimensions, so arrays are joined to an empty one. A generated column takes no value,
    // and is computed again when a column of its expression is assigned.
    let assignment = if let Some(base) = &rewrite.generated_from {
        let base = quote_identifier(base);
        format!("{base} = {base}")
    } else if rewrite.is_array {
        format!("{column} = pg_catalog.array_cat({column}, '{{}}')")
    } else {
        format!("{column} = (ARRAY[{column}])[1]")
    };
    let names: Vec<&QualifiedName> = tables.iter().map(|table| &table.name).collect();
    batch::update(&names, &assignment, &which(rewrite.of, &column))
}

/// Which rows a batch updates: those whose value is not yet stored as it should be.
fn which(of: RewriteOf, column: &str) -> String {
    let stored_by = |method: Compression| {
        let (equals, method) = (operator("="), text_literal(method.as_str()));
        format!("pg_catalog.pg_column_compression({column}) {equals} {method}")
    };
    let size = format!("pg_catalog.pg_column_size({column})");
    // A row takes a value as it is when it stands inline, and fetched when it is out of line: then it
    // is wider by a header, or by what decompression adds.
    let in_row = format!("pg_catalog.pg_column_size(ROW({column}))");
    let inline = format!("({size} {} 24)", operator("+"));
    match of {
        RewriteOf::NotCompressedBy(Compression::Lz4) => stored_by(Compression::Pglz),
        RewriteOf::NotCompressedBy(Compression::Pglz) => stored_by(Compression::Lz4),
        RewriteOf::OutOfLine => format!("{in_row} {} {inline}", operator(">")),
        // Those that moved out are not met again further on in the table.
        RewriteOf::WideInline => {
            let (wide, fits) = (operator(">"), operator("<="));
            format!("{size} {wide} 128 AND {in_row} {fits} {inline}")
        }
    }
}
