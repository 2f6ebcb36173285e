//! A column that follows a key of documents.

use super::key_expression::{Reached, catalog_text_of, text_of};

/// The key's value as text, by the operators that are the shortest for its path, with what names the row before the
/// column: `t.`, `NEW.` or nothing.
pub fn key_text(row: &str, document: &str, path: &[String]) -> String {
    text_of(row, document, path, &shortest(path))
}

/// The same with PostgreSQL's own operators, whatever the search path.
pub fn catalog_key_text(document: &str, path: &[String]) -> String {
    catalog_text_of(document, path, &shortest(path))
}

fn shortest(path: &[String]) -> Reached {
    if path.len() == 1 { Reached::arrows(1) } else { Reached::path(path.len()) }
}

/// What a trigger does for the column, given as SQL writes it, to follow a key of the document. The document is what is
/// true: whatever is written to the column, it follows the document, and what does not fit leaves NULL. It stands in a
/// function with a search path of its own.
pub fn key_assignment(column: &str, (document, path): (&str, &[String]), type_sql: &str) -> String {
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
        // No pattern tells which days there are.
        format!(
            "BEGIN\n        {assignment}\n    EXCEPTION WHEN data_exception THEN\n        NEW.{column} := NULL;\n    END;"
        )
    } else {
        assignment
    }
}
