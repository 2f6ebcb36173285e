//! A key of documents becomes a column, phase by phase: nothing is locked for long, nothing is rewritten at once.

use super::indexed::LONG_VALUES;
use crate::ddl::Ddl;
use crate::ddl::batch::{self, dollar_quoted};
use crate::ddl::copied::FilledColumn;
use crate::ddl::new_index::BuiltIndex;
use crate::ddl::statement::{brief, definition, maintenance, trigger};
use crate::model::{
    PINNED, Promotion, QualifiedName, Statement, catalog_key_text, catalog_type, counted, key_text,
    quote_identifier,
};

/// The column, its trigger, its values, its index.
pub(in crate::ddl) fn promote(promotion: &Promotion) -> Ddl {
    let (table, schema) = (promotion.table.to_sql(), quote_identifier(&promotion.table.schema));
    let column = quote_identifier(&promotion.column);
    let Promotion { document, path, type_sql, .. } = promotion;
    let filled = FilledColumn { name: &promotion.column, type_sql, document, path };
    let suffix = format!("{}_idx", promotion.column);
    let index = BuiltIndex {
        table: &promotion.table,
        partitions: &promotion.partitions,
        suffix: &suffix,
        ..BuiltIndex::of(column.to_string())
    };
    let sync = format!("{}_{}_from_document", promotion.table.name, promotion.column);
    let sync = quote_identifier(&sync);
    let function = format!("{schema}.{sync}");
    let mut statements = vec![
        brief(format!("ALTER TABLE {table} ADD COLUMN {column} {};", catalog_type(type_sql))),
        definition(create_function(&function, filled)),
        trigger(create_trigger(&sync, document, &table, &function)),
        fill(promotion),
        maintenance(format!("VACUUM (ANALYZE) {table};"), false),
    ];
    statements.extend(index.create());
    Ddl {
        title: format!("Give `{}` a column of its own: {column} {type_sql}", promotion.object),
        statements,
        undo: vec![
            index.drop(),
            brief(format!("DROP TRIGGER {sync} ON {table};")),
            definition(format!("DROP FUNCTION {function}();")),
            brief(format!("ALTER TABLE {table} DROP COLUMN {column};")),
        ],
        caveats: caveats(promotion),
        ..Ddl::default()
    }
    .by_owner()
}

fn caveats(promotion: &Promotion) -> Vec<String> {
    let column = quote_identifier(&promotion.column);
    let text = key_text("", &promotion.document, &promotion.path);
    let megabytes = (promotion.bytes / 1_048_576).max(1);
    let mut caveats = vec![
        format!(
            "queries go on reading the document until they are changed: {text} becomes {column}"
        ),
        format!(
            "filling the column updates about {}: some {megabytes} MB of WAL and, until the vacuum, as much bloat, \
             indexes not counted; it can be stopped and run again, and fires the table's UPDATE triggers for each of these rows: \
             what they write elsewhere stays",
            counted(promotion.rows, "row", "rows")
        ),
        format!("a value that does not fit {} leaves NULL and breaks no write", promotion.type_sql),
        "INSERT and COPY without a list of columns, and readers of SELECT *, meet one column more"
            .to_owned(),
        "with logical replication, add the column on the subscribers first".to_owned(),
    ];
    caveats.extend((!promotion.partitions.is_empty()).then(|| {
        "the column and the trigger come to all partitions at once, and wait for the locks of all; a partition that is \
         attached later must bring the column, and gets the trigger and the index by itself"
            .to_owned()
    }));
    caveats.extend((promotion.type_sql == "text").then(|| LONG_VALUES.to_owned()));
    caveats
}

/// The function of the trigger that fills a column.
pub(in crate::ddl) fn create_function(function: &str, column: FilledColumn<'_>) -> String {
    let assignment = key_assignment(column);
    let body = format!("\nBEGIN\n    {assignment}\n    RETURN NEW;\nEND\n");
    let body = dollar_quoted(&body);
    format!(
        "CREATE FUNCTION {function}() RETURNS pg_catalog.trigger LANGUAGE plpgsql {PINNED} AS {body};"
    )
}

/// The trigger that fills a column from its document.
pub(in crate::ddl) fn create_trigger(
    name: &str,
    document: &str,
    table: &str,
    function: &str,
) -> String {
    format!(
        "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OF {} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();",
        quote_identifier(document)
    )
}

/// What a trigger does for the column to follow a key of the document. The document is what is
/// true: whatever is written to the column, it follows the document, and what does not fit leaves NULL. It stands in a
/// function with a search path of its own.
fn key_assignment(filled: FilledColumn<'_>) -> String {
    let FilledColumn { name, type_sql, document, path } = filled;
    let column = quote_identifier(name);
    let text = key_text("NEW.", document, path);
    let value = text.replacen(">>", ">", 1);
    let typed = |json: &str| format!("pg_catalog.jsonb_typeof({value}) = '{json}'");
    let guard = match type_sql {
        "bigint" => format!("{} AND ({text}) ~ '^-?[0-9]{{1,18}}$'", typed("number")),
        "numeric" => typed("number"),
        "boolean" => typed("boolean"),
        "uuid" => format!("({text}) ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'"),
        // Without a time zone it would be taken for one of the session's.
        time if time.starts_with("timestamp") => {
            format!("({text}) ~ '^[0-9]{{4}}-.*(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$'")
        }
        _ => String::new(),
    };
    let typed = format!("({text})::{type_sql}");
    let assignment = match guard.as_str() {
        "" => format!("NEW.{column} := {text};"),
        guard => format!("NEW.{column} := CASE WHEN {guard} THEN {typed} END;"),
    };
    if type_sql.starts_with("timestamp") {
        // No pattern shows which days there are.
        format!(
            "BEGIN\n        {assignment}\n    EXCEPTION WHEN data_exception THEN\n        NEW.{column} := NULL;\n    END;"
        )
    } else {
        assignment
    }
}

/// Rows whose column is still empty are touched, and the trigger fills them.
fn fill(promotion: &Promotion) -> Statement {
    let (column, document) =
        (quote_identifier(&promotion.column), quote_identifier(&promotion.document));
    let text = catalog_key_text(&promotion.document, &promotion.path);
    let empty = format!("{column} IS NULL AND ({text}) IS NOT NULL");
    let leaves = promotion.partitions.iter().filter(|partition| !partition.partitioned);
    let mut tables: Vec<&QualifiedName> = leaves.map(|partition| &partition.name).collect();
    if tables.is_empty() {
        tables.push(&promotion.table);
    }
    batch::update(&tables, &format!("{document} = {document}"), &empty)
}
