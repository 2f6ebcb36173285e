//! Rows of a default partition, moved range by range to partitions of their own.
//!
//! Each range is a transaction: a table is made, the rows are moved, and the table is attached, which scans what is left of the
//! default partition. Before that, writers are kept from the root: one that had chosen the default partition already would find
//! that it takes the row no more. What they inserted while rows were moved is moved, too.

use crate::ddl::batch::dollar_quoted;
use crate::ddl::statement::maintenance;
use crate::ddl::{Ddl, RUN_AS_OWNER};
use crate::model::{
    DefaultDrain, Lock, QualifiedName, RangeStep, Statement, quote_identifier, quote_literal,
};

/// What distinguishes partitions that were made here from others.
const MARK: &str = "made by dbopt out of the default partition";
/// Bytes of the table's name that the name of a partition begins with.
const NAME_BYTES_MAX: usize = 36;
/// What is earlier goes with `-infinity`: where the first range that a timestamp can hold begins is not one.
const FIRST: &str = "4713-01-01 BC";
/// What is later goes with `infinity`: behind it a range may end where no timestamp is.
const LAST: &str = "294276-01-01";

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
                 and cannot be read, and writers of the table wait",
                drain.rows
            ),
            "a transaction that wrote to the table and stays open makes it wait, and a deadlock or a timeout stop without loss: run it again"
                .to_owned(),
            "rows without a key stay; those at infinity, or at the last value of the type, get a partition from MINVALUE or to MAXVALUE".to_owned(),
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
    format!(
        "
DECLARE
    dbopt_lowest {kind};
    dbopt_at {kind};
    dbopt_to {kind};
    dbopt_columns pg_catalog.text;
    dbopt_name pg_catalog.text;
    dbopt_part pg_catalog.text;
    dbopt_move pg_catalog.text;
    dbopt_others pg_catalog.int4;
BEGIN
    PERFORM pg_catalog.set_config('search_path', '', true);
    {guard}
    {columns}
    LOOP
        PERFORM pg_catalog.set_config('search_path', '', true);
        SELECT {least} INTO dbopt_lowest FROM (SELECT pg_catalog.min(d.{column}) AS lowest FROM ONLY {default} AS d) AS d
        WHERE d.lowest IS NOT NULL;
        EXIT WHEN dbopt_lowest IS NULL;
        {range}
        {create}
        dbopt_move := 'WITH moved AS (DELETE FROM ONLY ' || {default_text} || {between} || dbopt_columns
            || ') INSERT INTO ' || dbopt_part || ' (' || dbopt_columns || ') SELECT ' || dbopt_columns || ' FROM moved';
        EXECUTE dbopt_move USING {at}, {to};
        LOCK TABLE ONLY {root} IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE dbopt_move USING {at}, {to};
        EXECUTE {attach} || dbopt_part || ' FOR VALUES FROM (' || {from} || ') TO (' || {until} || ')';
        EXECUTE 'COMMENT ON TABLE ' || dbopt_part || {mark};
        COMMIT;
    END LOOP;
END
",
        kind = key.kind(),
        guard = guard(&drain.table, &drain.default),
        columns = columns(&drain.table),
        least = key.plain("d.lowest"),
        range = key.range(drain),
        create = create(&drain.table, &key),
        from = end(&at, "MINVALUE"),
        until = end(&to, "MAXVALUE"),
        default_text = quote_literal(&default),
        between = quote_literal(&format!(
            " WHERE ({column} >= $1 OR $1 IS NULL) AND ({column} < $2 OR $2 IS NULL) RETURNING "
        )),
        attach = quote_literal(&format!("ALTER TABLE {root} ATTACH PARTITION ")),
        mark = quote_literal(&format!(" IS {}", quote_literal(MARK))),
    )
}

/// A table for a range, under a name that nothing has yet.
fn create(table: &QualifiedName, key: &Key<'_>) -> String {
    let part = table.name.floor_char_boundary(NAME_BYTES_MAX);
    let part = format!("{}_p", &table.name[..part]);
    let like =
        format!(" (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)", table.to_sql());
    format!(
        "dbopt_name := {part} || coalesce({suffix}, CASE WHEN dbopt_at IS NULL THEN 'min' ELSE 'max' END);
        dbopt_part := {schema} || pg_catalog.quote_ident(dbopt_name);
        dbopt_others := 1;
        WHILE pg_catalog.to_regclass(dbopt_part) IS NOT NULL LOOP
            dbopt_others := dbopt_others + 1;
            dbopt_part := {schema} || pg_catalog.quote_ident(dbopt_name || '_' || dbopt_others);
        END LOOP;
        EXECUTE 'CREATE TABLE ' || dbopt_part || {like};",
        part = quote_literal(&part),
        suffix = key.suffix("dbopt_at"),
        schema = quote_literal(&format!("{}.", quote_identifier(&table.schema))),
        like = quote_literal(&like),
    )
}

/// One end of a range as a literal, or what stands for the end of its type.
fn end(bound: &str, none: &str) -> String {
    format!("coalesce(pg_catalog.quote_literal(({bound})::pg_catalog.text), '{none}')")
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
            // There are dates that no timestamp can hold.
            "date" => format!("least({value}, date '{LAST}')::{}", self.kind()),
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

    /// The range of the lowest value, up to what another partition takes. Absent ends are those of the type.
    fn range(&self, drain: &DefaultDrain) -> String {
        let kind = self.kind();
        let literal = |text: &String| format!("{kind} {}", quote_literal(text));
        let (from, until) = (drain.from.as_ref().map(literal), drain.until.as_ref().map(literal));
        let floor = self.floor("dbopt_lowest");
        let next = self.next("dbopt_at");
        let at_least = |at: String| match &from {
            Some(from) => format!("greatest({at}, {from})"),
            None => at,
        };
        let at_most = |to: String| match &until {
            Some(until) => format!("least({to}, {until})"),
            None => to,
        };
        if let Some((least, most)) = self.numbers() {
            return format!(
                "dbopt_at := {floor};
        dbopt_to := {to};
        dbopt_at := {at};
        IF dbopt_at < {least} THEN dbopt_at := NULL; END IF;
        IF dbopt_to > {most} THEN dbopt_to := NULL; END IF;",
                to = at_most(next),
                at = at_least("dbopt_at".to_owned()),
            );
        }
        format!(
            "IF dbopt_lowest < timestamp '{FIRST}' THEN
            dbopt_at := NULL;
            dbopt_to := {first};
        ELSIF dbopt_lowest >= timestamp '{LAST}' THEN
            dbopt_at := {last};
            dbopt_to := NULL;
        ELSE
            dbopt_at := {floor};
            dbopt_to := {to};
            dbopt_at := {at};
        END IF;",
            first = at_most(format!("timestamp '{FIRST}'")),
            // One without an end has all but `infinity` itself, or no such row is here.
            last = if until.is_some() {
                "timestamp 'infinity'".to_owned()
            } else {
                at_least(format!("timestamp '{LAST}'"))
            },
            to = at_most(format!("least({next}, timestamp '{LAST}')")),
            at = at_least(format!("greatest(dbopt_at, timestamp '{FIRST}')")),
        )
    }

    /// The least and the greatest number of the type.
    fn numbers(&self) -> Option<(i64, i64)> {
        match self.type_name {
            "int2" => Some((i16::MIN.into(), i16::MAX.into())),
            "int4" => Some((i32::MIN.into(), i32::MAX.into())),
            "int8" => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }

    /// Where the range of a value begins.
    fn floor(&self, value: &str) -> String {
        let aligned = |value: &str, width: i64, origin: i64| {
            // A division of numeric rounds.
            format!(
                "{value} - pg_catalog.mod(pg_catalog.mod({value} - ({origin}), {width}) + {width}, {width})"
            )
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
