//! Codes for the keys of documents: the dictionary, functions both ways, a view with the long keys, the backfill.

use std::collections::BTreeMap;

use crate::ddl::Ddl;
use crate::ddl::batch::{self, dollar_quoted};
use crate::ddl::statement::{brief, definition, guard, maintenance};
use crate::model::{
    PINNED, Renaming, Statement, catalog_operator, counted, quote_identifier, quote_literal,
    text_literal,
};

/// Documents get codes for their keys, and back.
pub(in crate::ddl) fn shorten(renaming: &Renaming) -> Ddl {
    let names = RenamingNames::of(renaming);
    let RenamingNames { table, keys, view, shorten, lengthen, .. } = &names;
    let vacuum = || maintenance(format!("VACUUM (ANALYZE) {table};"), false);
    let back = renaming.codes.iter().map(|(key, code)| (code.clone(), key.clone())).collect();
    Ddl {
        title: format!("Store codes for the {} long keys of `{}`", renaming.codes.len(), renaming.object),
        statements: vec![
            guard(refuse_codes(renaming, &names)),
            definition(format!(
                "CREATE TABLE {keys} (code pg_catalog.text PRIMARY KEY, key pg_catalog.text NOT NULL UNIQUE);"
            )),
            definition(fill_dictionary(renaming, keys)),
            definition(create_function(shorten, &renaming.codes)),
            definition(create_function(lengthen, &back)),
            definition(create_view(renaming, &names)),
            convert(renaming, shorten),
            vacuum(),
        ],
        undo: vec![
            convert(renaming, lengthen),
            vacuum(),
            brief(format!("DROP VIEW {view};")),
            definition(format!("DROP FUNCTION {shorten}(pg_catalog.jsonb);")),
            definition(format!("DROP FUNCTION {lengthen}(pg_catalog.jsonb);")),
            brief(format!("DROP TABLE {keys};")),
        ],
        preconditions: vec![
            "everybody who reads or writes the documents has agreed to the codes and can be changed".to_owned(),
            "no document holds one of the codes as a key: the first statement looks at each, and refuses where one does"
                .to_owned(),
        ],
        caveats: caveats(renaming, view),
    }
    .by_owner()
}

/// What is made, and where, as SQL writes it.
struct RenamingNames {
    table: String,
    column: String,
    keys: String,
    view: String,
    shorten: String,
    lengthen: String,
}

impl RenamingNames {
    fn of(renaming: &Renaming) -> Self {
        let schema = quote_identifier(&renaming.table.schema);
        let (table, column) = (&renaming.table.name, &renaming.column);
        let named = |what: &str| {
            format!("{schema}.{}", quote_identifier(&format!("{table}_{column}_{what}")))
        };
        Self {
            table: renaming.table.to_sql(),
            column: quote_identifier(column).into_owned(),
            keys: named("keys"),
            view: named("long"),
            shorten: named("shorten"),
            lengthen: named("lengthen"),
        }
    }
}

/// A document that holds a code as a key would come back with another key.
fn refuse_codes(
    renaming: &Renaming,
    RenamingNames { table, column, .. }: &RenamingNames,
) -> String {
    let codes: Vec<String> = renaming.codes.values().map(|code| text_literal(code)).collect();
    let body = format!(
        "
BEGIN
    IF EXISTS (
        SELECT
        FROM {table} AS t
        CROSS JOIN LATERAL pg_catalog.jsonb_path_query(t.{column}, 'strict $.** ? (@.type() == \"object\")') AS o
        WHERE o {any} ARRAY[{codes}]
    ) THEN
        RAISE EXCEPTION 'a document holds one of the codes as a key already'
            USING HINT = 'Nothing was changed. Choose other codes.';
    END IF;
END
",
        any = catalog_operator("?|"),
        codes = codes.join(", "),
    );
    format!("DO {};", dollar_quoted(&body))
}

fn fill_dictionary(renaming: &Renaming, keys: &str) -> String {
    let pair = |(key, code): (&String, &String)| {
        format!("({}, {})", quote_literal(code), quote_literal(key))
    };
    let pairs: Vec<String> = renaming.codes.iter().map(pair).collect();
    format!("INSERT INTO {keys} (code, key) VALUES {};", pairs.join(", "))
}

/// The dictionary stands in the function, which so depends on nothing but its argument. A key whose other name
/// stands beside it stays: no value is ever lost.
pub(in crate::ddl) fn create_function(function: &str, names: &BTreeMap<String, String>) -> String {
    let names = serde_json::to_string(names).unwrap_or_default();
    let body = format!(
        "
BEGIN
    RETURN CASE pg_catalog.jsonb_typeof(document)
        WHEN 'object' THEN coalesce((
            SELECT pg_catalog.jsonb_object_agg(
                CASE WHEN n.name IS NULL OR document ? n.name THEN e.key ELSE n.name END,
                CASE WHEN pg_catalog.jsonb_typeof(e.value) IN ('object', 'array') THEN {function}(e.value) ELSE e.value END
            )
            FROM pg_catalog.jsonb_each(document) AS e (key, value)
            CROSS JOIN LATERAL (SELECT {names}::jsonb ->> e.key AS name) AS n
        ), document)
        WHEN 'array' THEN coalesce((
            SELECT pg_catalog.jsonb_agg({function}(i.item) ORDER BY i.place)
            FROM pg_catalog.jsonb_array_elements(document) WITH ORDINALITY AS i (item, place)
        ), document)
        ELSE document
    END;
END
",
        names = quote_literal(&names),
    );
    let body = dollar_quoted(&body);
    format!(
        "CREATE FUNCTION {function}(document pg_catalog.jsonb) RETURNS pg_catalog.jsonb \
         LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE {PINNED} AS {body};"
    )
}

fn create_view(
    renaming: &Renaming,
    RenamingNames { table, view, lengthen, .. }: &RenamingNames,
) -> String {
    let column = |name: &String| {
        let quoted = quote_identifier(name);
        if *name == renaming.column {
            format!("{lengthen}(t.{quoted}) AS {quoted}")
        } else {
            format!("t.{quoted}")
        }
    };
    let columns: Vec<String> = renaming.columns.iter().map(column).collect();
    format!("CREATE VIEW {view} AS SELECT {} FROM {table} AS t;", columns.join(", "))
}

/// Rows that were converted already are passed over, so it can be stopped and run again.
fn convert(renaming: &Renaming, function: &str) -> Statement {
    let column = quote_identifier(&renaming.column);
    let converted = format!("{function}({column})");
    let tables = [&renaming.table];
    let differs = format!("{converted} {} {column}", catalog_operator("<>"));
    batch::update(&tables, &format!("{column} = {converted}"), &differs)
}

fn caveats(renaming: &Renaming, view: &str) -> Vec<String> {
    let column = quote_identifier(&renaming.column);
    let key = &renaming.example;
    let code = renaming.codes.get(key).unwrap_or(key);
    let megabytes = (renaming.bytes / 1_048_576).max(1);
    vec![
        format!(
            "it changes the contract of the application: every query, index, view, trigger, subscriber and consumer that \
             names a key must name its code, {column} ->> {} becomes {column} ->> {}",
            quote_literal(key),
            quote_literal(code)
        ),
        "prefer what changes less: a key that queries want is better off as a column, whose name is stored nowhere, and \
         documents of several kB as well compressed"
            .to_owned(),
        format!(
            "let readers use {view} first, which has the long keys throughout, and converts each document it is read \
             for; only its owner may read it until SELECT is granted, and row security is that of its owner"
        ),
        "documents that are written with long keys meanwhile, and keys that no document of the sample had, stay long: \
         the update can be run again, and another key takes a new version of the functions"
            .to_owned(),
        format!(
            "the update writes about {} again: some {megabytes} MB of WAL and, until the vacuum, as much bloat, \
             indexes not counted; it can be stopped and run again, and fires UPDATE triggers for every row",
            counted(renaming.rows, "row", "rows")
        ),
        "the file does not shrink: what is freed is used by rows to come; VACUUM (FULL) or pg_repack gives it back"
            .to_owned(),
    ]
}
