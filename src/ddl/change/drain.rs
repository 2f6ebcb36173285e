//! Rows of a default partition, moved range by range to partitions of their own.
//!
//! Each range is a transaction: a table is made, the rows are moved, and the table is attached, which scans what is left of the
//! default partition. A row of the range that is inserted meanwhile makes the transaction fail, and nothing of it stays.

use crate::ddl::batch::dollar_quoted;
use crate::ddl::statement::maintenance;
use crate::ddl::{Ddl, RUN_AS_OWNER};
use crate::model::{
    DefaultDrain, Lock, QualifiedName, RangeStep, Statement, quote_identifier, quote_literal,
};

/// What tells partitions that were made here from others.
const MARK: &str = "made by dbopt out of the default partition";
/// Bytes of the table's name that the name of a partition begins with.
const NAME_BYTES_MAX: usize = 40;

/// Empty a default partition.
pub(in crate::ddl) fn drain(drain: &DefaultDrain) -> Ddl {
    let default = drain.default.to_sql();
    Ddl {
        title: format!("Move the rows of `{}` to partitions of their ranges", drain.object),
        statements: vec![
            block(&moving(drain)),
            maintenance(format!("VACUUM (ANALYZE) {default};"), false),
        ],
        undo: vec![block(&moving_back(drain))],
        preconditions: vec![RUN_AS_OWNER.to_owned()],
        caveats: vec![
            format!(
                "moves {} rows, one range per transaction; while a range is attached, the rest of the default partition is scanned \
                 and cannot be read",
                drain.rows
            ),
            "a row of the range that is inserted meanwhile makes it stop without loss: run it again".to_owned(),
            "rows without a key, and at infinity, stay".to_owned(),
        ],
    }
}

fn block(body: &str) -> Statement {
    Statement {
        sql: format!("DO {};", dollar_quoted(body)),
        lock: Lock::AccessExclusive,
        blocks: format!("{}, range by range", Lock::AccessExclusive.blocks()),
        rewrites: false,
        transactional: false,
        timeout_ms: 2000,
    }
}

fn moving(drain: &DefaultDrain) -> String {
    let (root, default) = (drain.table.to_sql(), drain.default.to_sql());
    let key = Key::of(drain);
    let column = quote_identifier(&drain.column);
    let (at, to) = (key.bound("dbopt_at"), key.bound("dbopt_to"));
    let part = part_prefix(&drain.table);
    format!(
        "
DECLARE
    dbopt_at {kind};
    dbopt_to {kind};
    dbopt_columns pg_catalog.text;
    dbopt_part pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', '', true);
    {guard}
    {columns}
    LOOP
        PERFORM pg_catalog.set_config('search_path', '', true);
        SELECT {floor} INTO dbopt_at
        FROM (SELECT {least} AS lowest FROM ONLY {default} AS d{finite}) AS d;
        EXIT WHEN dbopt_at IS NULL;
        dbopt_to := {next};
        dbopt_part := {schema} || '.' || pg_catalog.quote_ident({part} || {suffix});
        EXECUTE 'CREATE TABLE ' || dbopt_part || {like};
        EXECUTE 'WITH moved AS (DELETE FROM ONLY ' || {default_text} || {between} || dbopt_columns
            || ') INSERT INTO ' || dbopt_part || ' (' || dbopt_columns || ') SELECT ' || dbopt_columns || ' FROM moved'
            USING {at}, {to};
        EXECUTE {attach} || dbopt_part || ' FOR VALUES FROM (' || pg_catalog.quote_literal(({at})::pg_catalog.text)
            || ') TO (' || pg_catalog.quote_literal(({to})::pg_catalog.text) || ')';
        EXECUTE 'COMMENT ON TABLE ' || dbopt_part || {mark};
        COMMIT;
    END LOOP;
END
",
        kind = key.kind(),
        guard = guard(&drain.table, &drain.default),
        columns = columns(&drain.table),
        floor = key.floor("d.lowest"),
        least = key.plain(&format!("pg_catalog.min(d.{column})")),
        finite = key.finite(&column),
        next = key.next("dbopt_at"),
        schema = quote_literal(&quote_identifier(&drain.table.schema)),
        part = quote_literal(&part),
        suffix = key.suffix("dbopt_at"),
        like = quote_literal(&format!(
            " (LIKE {root} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)"
        )),
        default_text = quote_literal(&default),
        between = quote_literal(&format!(" WHERE {column} >= $1 AND {column} < $2 RETURNING ")),
        attach = quote_literal(&format!("ALTER TABLE {root} ATTACH PARTITION ")),
        mark = quote_literal(&format!(" IS {}", quote_literal(MARK))),
    )
}

/// The partitions that were made go, and their rows come back.
fn moving_back(drain: &DefaultDrain) -> String {
    let (root, default) = (drain.table.to_sql(), drain.default.to_sql());
    format!(
        "
DECLARE
    dbopt_columns pg_catalog.text;
    dbopt_part pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', '', true);
    {columns}
    LOOP
        PERFORM pg_catalog.set_config('search_path', '', true);
        SELECT i.inhrelid::pg_catalog.regclass::pg_catalog.text INTO dbopt_part
        FROM pg_catalog.pg_inherits AS i
        JOIN pg_catalog.pg_description AS d ON d.objoid = i.inhrelid AND d.objsubid = 0
        WHERE i.inhparent = {root_class}
            AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.description = {mark}
        LIMIT 1;
        EXIT WHEN dbopt_part IS NULL;
        EXECUTE {detach} || dbopt_part;
        EXECUTE {insert} || ' (' || dbopt_columns || ') OVERRIDING SYSTEM VALUE SELECT ' || dbopt_columns || ' FROM ' || dbopt_part;
        EXECUTE 'DROP TABLE ' || dbopt_part;
        COMMIT;
    END LOOP;
END
",
        columns = columns(&drain.table),
        root_class = class(&drain.table),
        mark = quote_literal(MARK),
        detach = quote_literal(&format!("ALTER TABLE {root} DETACH PARTITION ")),
        insert = quote_literal(&format!("INSERT INTO {default}")),
    )
}

/// Moving a row deletes it first: what follows a DELETE would follow that one.
fn guard(table: &QualifiedName, default: &QualifiedName) -> String {
    let (root, default) = (class(table), class(default));
    format!(
        "IF EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS k
        WHERE k.contype = 'f' AND k.confrelid IN ({root}, {default})
    ) OR EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = {default} AND (NOT t.tgisinternal OR t.tgconstraint = 0) AND t.tgenabled <> 'D'
    ) THEN
        RAISE EXCEPTION 'foreign keys refer to the table, or it has triggers: rows have to be moved by hand';
    END IF;"
    )
}

/// The columns that are written, in a variable.
fn columns(table: &QualifiedName) -> String {
    format!(
        "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO dbopt_columns
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';",
        class(table)
    )
}

fn class(table: &QualifiedName) -> String {
    format!("{}::pg_catalog.regclass", quote_literal(&table.to_sql()))
}

fn part_prefix(table: &QualifiedName) -> String {
    let end = table.name.floor_char_boundary(NAME_BYTES_MAX);
    format!("{}_p", &table.name[..end])
}

/// The key in SQL. Times are reckoned as timestamps in UTC.
struct Key<'a> {
    type_name: &'a str,
    step: RangeStep,
}

impl<'a> Key<'a> {
    fn of(drain: &'a DefaultDrain) -> Self {
        Self { type_name: &drain.type_name, step: drain.step }
    }

    fn is_number(&self) -> bool {
        matches!(self.step, RangeStep::Numbers { .. })
    }

    fn kind(&self) -> &'static str {
        if self.is_number() { "numeric" } else { "timestamp" }
    }

    /// A value of the column as it is reckoned with.
    fn plain(&self, value: &str) -> String {
        match self.type_name {
            "timestamptz" => format!("pg_catalog.timezone('UTC', {value})"),
            _ => format!("({value})::{}", self.kind()),
        }
    }

    /// The other way.
    fn bound(&self, value: &str) -> String {
        match self.type_name {
            "timestamptz" => format!("pg_catalog.timezone('UTC', {value})"),
            other => format!("{value}::pg_catalog.{other}"),
        }
    }

    fn finite(&self, column: &str) -> String {
        if self.is_number() {
            return String::new();
        }
        format!(" WHERE pg_catalog.isfinite(d.{column})")
    }

    /// Where the range of a value begins.
    fn floor(&self, value: &str) -> String {
        let aligned = |value: &str, width: i64, origin: i64| {
            format!("pg_catalog.floor(({value} - ({origin})) / {width}) * {width} + ({origin})")
        };
        match self.step {
            RangeStep::Month => format!("pg_catalog.date_trunc('month', {value})"),
            RangeStep::Year => format!("pg_catalog.date_trunc('year', {value})"),
            RangeStep::Seconds { width, origin } => {
                let seconds = aligned(&format!("extract(epoch from {value})"), width, origin);
                format!("timestamp 'epoch' + ({seconds})::float8 * interval '1 second'")
            }
            RangeStep::Numbers { width, origin } => aligned(value, width, origin),
        }
    }

    /// Where the next range begins.
    fn next(&self, value: &str) -> String {
        match self.step {
            RangeStep::Month => format!("{value} + interval '1 month'"),
            RangeStep::Year => format!("{value} + interval '1 year'"),
            RangeStep::Seconds { width, .. } => format!("{value} + interval '{width} seconds'"),
            RangeStep::Numbers { width, .. } => format!("{value} + {width}"),
        }
    }

    /// What the range is called.
    fn suffix(&self, value: &str) -> String {
        let format = match self.step {
            RangeStep::Numbers { .. } => {
                return format!("pg_catalog.replace({value}::pg_catalog.text, '-', 'm')");
            }
            RangeStep::Year => "YYYY",
            RangeStep::Month => "YYYYMM",
            RangeStep::Seconds { width, .. } if width % 86_400 == 0 => "YYYYMMDD",
            RangeStep::Seconds { .. } => "YYYYMMDDHH24MI",
        };
        format!("pg_catalog.to_char({value}, '{format}')")
    }
}
