//! Indexes built, dropped, replaced and rebuilt while their table is read and written.

use crate::ddl::Ddl;
use crate::ddl::new_index::{BuiltIndex, IndexPlace};
use crate::ddl::resolved::{NOT_CONCURRENTLY, resolved};
use crate::ddl::statement::{brief, concurrent, reserving};
use crate::model::{
    ExistingIndex, IndexExtras, IndexKey, IndexReplacement, KeyPart, NewIndex, Pinned,
    QualifiedName, Statement, pinned_expression, pinned_index, quote_identifier, quote_literal,
};

/// Says what a failed build leaves behind.
const INVALID_INDEX: &str = "a build that fails or is cancelled leaves an invalid index of that name: drop it before the next try";

/// Build an index.
pub(in crate::ddl) fn build(new: &NewIndex) -> Ddl {
    let built = built(new);
    let index = built.of(new);
    Ddl {
        title: format!("Build {} index on `{}`", article(&new.method), new.table.to_sql()),
        statements: resolved(index.create(), built.by_name),
        undo: vec![index.drop()],
        preconditions: Vec::new(),
        caveats: with(&new.caveats, [built.caveat().to_owned()]),
    }
}

/// The same on a temporary table.
pub(in crate::ddl) fn built_on(table: &str, new: &NewIndex) -> String {
    built(new).of(new).on_copy(table)
}

/// Drop an index.
pub(in crate::ddl) fn drop(old: &ExistingIndex) -> Ddl {
    let undo = if old.is_valid { create_again(old) } else { Vec::new() };
    let irreversible = (!old.is_valid)
        .then(|| "an invalid index serves no query; nothing builds it again".to_owned());
    let ordered = old.extras.clusters.as_ref().map(|table| {
        let table = table.to_sql();
        format!(
            "CLUSTER orders `{table}` by it: afterwards CLUSTER needs the name of another index"
        )
    });
    Ddl {
        title: format!("Drop index `{}`", old.name.to_sql()),
        statements: vec![dropped(old)],
        undo,
        preconditions: Vec::new(),
        caveats: with(&old.caveats, irreversible.into_iter().chain(ordered)),
    }
}

/// Build an index in the place of another.
pub(in crate::ddl) fn replace(replacement: &IndexReplacement) -> Ddl {
    let IndexReplacement { new, old } = replacement;
    let built = built(new);
    let places = places(new, old);
    let index = BuiltIndex { places: &places, ..built.of(new) };
    let mut statements = resolved(index.create(), built.by_name);
    statements.extend(taken_over(&index, new, old));
    statements.push(dropped(old));
    let mut undo = create_again(old);
    undo.push(index.drop());
    Ddl {
        title: format!(
            "Replace index `{}` by {}",
            old.name.to_sql(),
            article(&named(&new.purpose))
        ),
        statements,
        undo,
        preconditions: Vec::new(),
        caveats: with(&new.caveats, [built.caveat().to_owned()]),
    }
}

/// Where the old index is stored, for the new one; and how, where both are of one kind.
fn places<'a>(new: &NewIndex, old: &'a ExistingIndex) -> Vec<IndexPlace<'a>> {
    let same_kind = old.definition.contains(&format!(" USING {} ", new.method))
        && new.options == old.extras.options;
    let own = |extras: &'a IndexExtras| IndexPlace {
        table: &old.table,
        tablespace: extras.tablespace.as_deref(),
        options: same_kind.then(|| options(&extras.options)),
    };
    let parts = old.partitions.iter();
    let parts = parts.map(|part| IndexPlace { table: &part.table, ..own(&part.extras) });
    std::iter::once(own(&old.extras)).chain(parts).collect()
}

/// What is set on the old index beside its definition, for the new one. A statistics target is one of an expression.
fn taken_over(index: &BuiltIndex<'_>, new: &NewIndex, old: &ExistingIndex) -> Vec<Statement> {
    let is_expression = |(number, _): &(usize, i64)| {
        let key = new.keys.get(number.saturating_sub(1));
        key.is_some_and(|key| matches!(key.on, KeyPart::Expression(_)))
    };
    let again = |table: &QualifiedName, extras: &IndexExtras| {
        let statistics = extras.statistics.iter().copied().filter(is_expression).collect();
        let extras = IndexExtras { statistics, clusters: None, ..extras.clone() };
        extras_again(&index.index_of(table), &extras)
    };
    let parts = old.partitions.iter().flat_map(|part| again(&part.table, &part.extras));
    parts.chain(again(&old.table, &old.extras)).collect()
}

/// Storage parameters as SQL writes them.
fn options(all: &[(String, String)]) -> String {
    let options = all.iter().map(|(name, value)| format!("{name} = {value}"));
    options.collect::<Vec<_>>().join(", ")
}

/// Rebuild an index.
pub(in crate::ddl) fn rebuild(old: &ExistingIndex) -> Ddl {
    let name = old.name.to_sql();
    Ddl {
        title: format!("Rebuild index `{name}`"),
        statements: vec![concurrent(format!("REINDEX INDEX CONCURRENTLY {name};"))],
        undo: Vec::new(),
        preconditions: Vec::new(),
        caveats: with(
            &old.caveats,
            [
                "a rebuild changes no row and needs no undo; until it ends both copies need disk space"
                    .to_owned(),
                "a rebuild that fails leaves an invalid index whose name ends in _ccnew: drop it".to_owned(),
            ],
        ),
    }
}

fn with(caveats: &[String], more: impl IntoIterator<Item = String>) -> Vec<String> {
    caveats.iter().cloned().chain(more).collect()
}

/// A purpose as the name of an index.
fn named(purpose: &str) -> String {
    if purpose.contains("index") { purpose.to_owned() } else { format!("{purpose} index") }
}

/// "a" or "an", and the words.
fn article(words: &str) -> String {
    let vowel =
        words.starts_with(['a', 'e', 'i', 'o', 'u', 'h', 'H', 'I']) && !words.starts_with("ha");
    format!("{} {words}", if vowel { "an" } else { "a" })
}

/// The texts of an index to build, which [`BuiltIndex`] borrows.
struct IndexTexts {
    on: String,
    include: String,
    options: String,
    condition: String,
    /// See [`Pinned::by_name`].
    by_name: bool,
}

fn built(new: &NewIndex) -> IndexTexts {
    let mut by_name = false;
    let mut pinned = |sql: &str| {
        let Pinned { sql, by_name: this } = pinned_expression(sql);
        by_name |= this;
        sql
    };
    let keys: Vec<String> = new.keys.iter().map(|one| key(one, &mut pinned)).collect();
    let predicate = new.predicate.as_deref().map(&mut pinned);
    let include: Vec<_> = new.include.iter().map(|column| quote_identifier(column)).collect();
    let include = if include.is_empty() {
        String::new()
    } else {
        format!(" INCLUDE ({})", include.join(", "))
    };
    let condition = predicate.map(|predicate| format!(" WHERE {predicate}")).unwrap_or_default();
    IndexTexts { on: keys.join(", "), include, options: options(&new.options), condition, by_name }
}

impl IndexTexts {
    /// What to know of the build.
    fn caveat(&self) -> &'static str {
        if self.by_name { NOT_CONCURRENTLY } else { INVALID_INDEX }
    }

    fn of<'a>(&'a self, new: &'a NewIndex) -> BuiltIndex<'a> {
        BuiltIndex {
            table: &new.table,
            partitions: &new.partitions,
            suffix: &new.suffix,
            method: Some(&new.method),
            unique: new.unique,
            on: self.on.clone(),
            include: &self.include,
            options: &self.options,
            condition: &self.condition,
            places: &[],
        }
    }
}

fn key(key: &IndexKey, pinned: &mut impl FnMut(&str) -> String) -> String {
    let on = match &key.on {
        KeyPart::Column(column) => quote_identifier(column).into_owned(),
        KeyPart::Expression(expression) => format!("({})", pinned(expression)),
    };
    let class = key.class.as_ref().map(|class| format!(" {}", class.to_sql()));
    let ordering =
        if key.ordering.is_empty() { String::new() } else { format!(" {}", key.ordering) };
    format!("{on}{}{ordering}", class.unwrap_or_default())
}

/// Of a partitioned table no index can be dropped concurrently.
fn dropped(old: &ExistingIndex) -> Statement {
    let name = old.name.to_sql();
    if old.partitioned {
        brief(format!("DROP INDEX {name};"))
    } else {
        concurrent(format!("DROP INDEX CONCURRENTLY {name};"))
    }
}

/// What builds a dropped index again, by its own definition, with everything that was set on it.
fn create_again(old: &ExistingIndex) -> Vec<Statement> {
    let mut by_name = false;
    let mut create = |printed: &str, partitioned: bool| {
        let pinned = pinned_index(printed);
        by_name |= pinned.by_name;
        // The definition of a partitioned index says ONLY: it is made empty, and each part is attached.
        if partitioned {
            reserving(format!("{};", pinned.sql))
        } else {
            concurrent(format!("{};", concurrently(&pinned.sql)))
        }
    };
    let mut statements = vec![create(&old.definition, old.partitioned)];
    if old.partitioned {
        let parts = &old.partitions;
        statements.extend(parts.iter().map(|part| create(&part.definition, part.partitioned)));
        statements.extend(parts.iter().rev().map(|part| {
            let (above, index) = (part.parent.to_sql(), part.name.to_sql());
            brief(format!("ALTER INDEX {above} ATTACH PARTITION {index};"))
        }));
    }
    let mut statements = resolved(statements, by_name);
    statements
        .extend(old.partitions.iter().flat_map(|part| extras_again(&part.name, &part.extras)));
    statements.extend(extras_again(&old.name, &old.extras));
    statements
}

fn concurrently(definition: &str) -> String {
    definition.replacen(" INDEX ", " INDEX CONCURRENTLY ", 1)
}

fn extras_again(name: &QualifiedName, extras: &IndexExtras) -> Vec<Statement> {
    let (index, sql) = (quote_identifier(&name.name), name.to_sql());
    let set = |(column, target): &(usize, i64)| {
        format!("ALTER INDEX {sql} ALTER COLUMN {column} SET STATISTICS {target};")
    };
    let mut statements: Vec<String> = extras.statistics.iter().map(set).collect();
    if let Some(comment) = &extras.comment {
        statements.push(format!("COMMENT ON INDEX {sql} IS {};", quote_literal(comment)));
    }
    if let Some(table) = &extras.clusters {
        statements.push(format!("ALTER TABLE {} CLUSTER ON {index};", table.to_sql()));
    }
    let depends = |extension: &String| {
        brief(format!("ALTER INDEX {sql} DEPENDS ON EXTENSION {};", quote_identifier(extension)))
    };
    let depends = extras.depends_on_extensions.iter().map(depends);
    statements.into_iter().map(concurrent_setting).chain(depends).collect()
}

/// A change of the catalog that blocks other DDL alone.
fn concurrent_setting(sql: String) -> Statement {
    Statement { transactional: true, ..concurrent(sql) }
}

/// The name as SQL writes it; used by tests of names.
#[cfg(test)]
fn sql_name(schema: &str, name: &str) -> String {
    crate::model::QualifiedName { schema: schema.to_owned(), name: name.to_owned() }.to_sql()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lock, Object};

    fn gin(purpose: &str) -> NewIndex {
        NewIndex {
            object: Object::Table { schema: "ml".to_owned(), table: "Features".to_owned() },
            table: crate::model::QualifiedName {
                schema: "ml".to_owned(),
                name: "Features".to_owned(),
            },
            partitions: Vec::new(),
            suffix: "payload_path".to_owned(),
            method: "gin".to_owned(),
            keys: vec![IndexKey {
                on: KeyPart::Column("payload".to_owned()),
                class: Some(crate::model::QualifiedName {
                    schema: "pg_catalog".to_owned(),
                    name: "jsonb_path_ops".to_owned(),
                }),
                ordering: String::new(),
            }],
            include: Vec::new(),
            unique: false,
            options: vec![("fastupdate".to_owned(), "off".to_owned())],
            predicate: Some("deleted_at IS NULL".to_owned()),
            purpose: purpose.to_owned(),
            instead_of: None,
            caveats: Vec::new(),
        }
    }

    #[test]
    fn an_index_is_built_with_its_method_class_options_and_predicate_and_undone_by_its_name() {
        let ddl = build(&gin("gin"));
        assert_eq!(
            ddl.statements[0].sql,
            "CREATE INDEX CONCURRENTLY \"Features_payload_path\" ON ml.\"Features\" USING gin \
             (payload pg_catalog.jsonb_path_ops) WITH (fastupdate = off) WHERE deleted_at IS NULL;"
        );
        let dropped =
            format!("DROP INDEX CONCURRENTLY {};", sql_name("ml", "Features_payload_path"));
        assert_eq!(ddl.undo[0].sql, dropped);
        assert_eq!(ddl.title, "Build a gin index on `ml.\"Features\"`");
    }

    #[test]
    fn an_operator_that_takes_no_schema_has_a_search_path_around_it() {
        let mut new = gin("gin");
        new.predicate = Some("(kind IS DISTINCT FROM 'x'::text)".to_owned());
        let ddl = build(&new);
        let sql = &ddl.statements[0].sql;
        assert!(sql.contains("PERFORM pg_catalog.set_config('search_path', '', true);"), "{sql}");
        assert!(sql.contains("CREATE INDEX \"Features_payload_path\" ON"), "{sql}");
        assert!(sql.contains("WHERE (kind IS DISTINCT FROM 'x'::pg_catalog.text);"), "{sql}");
        assert_eq!((ddl.statements.len(), ddl.statements[0].lock), (1, Lock::Share));
    }

    #[test]
    fn a_dropped_index_is_built_again_as_it_was() {
        let old = ExistingIndex {
            object: Object::Table { schema: "ml".to_owned(), table: "t".to_owned() },
            name: crate::model::QualifiedName { schema: "ml".to_owned(), name: "t_a".to_owned() },
            table: crate::model::QualifiedName { schema: "ml".to_owned(), name: "t".to_owned() },
            definition: "CREATE UNIQUE INDEX t_a ON ml.t USING btree (lower(a) text_pattern_ops)"
                .to_owned(),
            partitions: Vec::new(),
            partitioned: false,
            extras: IndexExtras {
                comment: Some("it's ours".to_owned()),
                statistics: vec![(1, 500)],
                tablespace: None,
                options: Vec::new(),
                clusters: Some(QualifiedName { schema: "ml".to_owned(), name: "t".to_owned() }),
                depends_on_extensions: vec!["pg_trgm".to_owned(), "uuid-ossp".to_owned()],
            },
            is_valid: true,
            caveats: Vec::new(),
        };
        let undo: Vec<String> =
            drop(&old).undo.into_iter().map(|statement| statement.sql).collect();
        assert_eq!(
            undo,
            [
                "CREATE UNIQUE INDEX CONCURRENTLY t_a ON ml.t USING btree (pg_catalog.lower(a) pg_catalog.text_pattern_ops);",
                "ALTER INDEX ml.t_a ALTER COLUMN 1 SET STATISTICS 500;",
                "COMMENT ON INDEX ml.t_a IS 'it''s ours';",
                "ALTER TABLE ml.t CLUSTER ON t_a;",
                "ALTER INDEX ml.t_a DEPENDS ON EXTENSION pg_trgm;",
                "ALTER INDEX ml.t_a DEPENDS ON EXTENSION \"uuid-ossp\";",
            ]
        );
        let invalid = ExistingIndex { is_valid: false, ..old };
        assert!(drop(&invalid).undo.is_empty() && !drop(&invalid).caveats.is_empty());
    }
}
