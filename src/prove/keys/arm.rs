//! A key of documents where one arm has it, and the statements of the workload as they read there.

use super::{CASTS, KeyExperiment, KeyPlacement, Timed};
use crate::ddl::{FilledColumn, column_index_on, filled_column, key_index_on};
use crate::model::observation::{KeyFilter, KeyFind};
use crate::model::{KeyExpression, KeyOperators, quote_identifier, text_literal, text_of};
use crate::prove::trial::{
    Arm, ArmMetric, Bound, Call, IndexUseShare, Metric, POINTS, Promise, Remark, SetupStep, Stage,
    heap_bytes, index_bytes, toast_bytes,
};

/// Rows that are asked for in an order: a page of a list. How many the workload asks for is not distinguished.
const FIRST_ROWS: u32 = 20;

/// Where a range begins and ends: it meets a tenth of the rows. Which part the workload's meet is in no ledger.
const RANGE: &str = "{0.45,0.55}";

/// The column that the key becomes, in the copy.
const COLUMN: &str = "dbopt_key";

/// The share of its time that a call of the workload must lose, for an index to be kept up or queries to be changed: the
/// specification's for a key that becomes a column.
const CALL_GAIN_MIN: f64 = 0.50;

/// An experiment on one of its arms.
pub(super) struct OnArm<'a> {
    pub(super) experiment: &'a KeyExperiment,
    pub(super) place: KeyPlacement,
    pub(super) table: String,
    /// The table of the last arm, in which the key is a column.
    pub(super) filled: &'a str,
}

impl OnArm<'_> {
    pub(super) fn arm(&self, position: usize) -> Arm {
        let Self { experiment, place, table, .. } = self;
        let advised = experiment.advised.iter().filter(|(advised, _)| advised == place);
        let written = Stage {
            metrics: vec![
                Metric { name: "write_ms", take: ArmMetric::Write },
                heap_bytes(table),
                toast_bytes(table),
                index_bytes(table),
            ],
            ..Stage::default()
        };
        let called = Stage {
            before: vec![SetupStep::Run(format!("analyze {table}"))],
            facts: self.fact().into_iter().collect(),
            metrics: vec![Metric { name: "call_ms", take: ArmMetric::Calls(self.calls(table)) }],
        };
        Arm {
            name: place.name().to_owned(),
            proves: advised.map(|(_, key)| key.clone()).collect(),
            stored: Some(experiment.stored.clone()),
            converted: None,
            setup: self.setup(position),
            stages: vec![written, called],
            promise: self.promise(),
            remarks: self.remarks(),
        }
    }

    /// What its rows are written through, as the recommendation has it: a trigger that fills the column, and an index.
    fn setup(&self, position: usize) -> Vec<String> {
        let KeyExperiment { subject, path, type_sql, index, .. } = self.experiment;
        let column = || {
            let column = FilledColumn { name: COLUMN, type_sql, document: &subject.column, path };
            filled_column(&self.table, column, &format!("pg_temp.dbopt_promoted_{position}"))
        };
        match self.place {
            KeyPlacement::Today => Vec::new(),
            KeyPlacement::Indexed => {
                index.iter().map(|expression| key_index_on(&self.table, expression)).collect()
            }
            KeyPlacement::Column => vec![column()],
            KeyPlacement::IndexedColumn => vec![column(), column_index_on(&self.table, COLUMN)],
        }
    }

    /// What the server's plans say, of calls that find rows by the key: whether it reads an index that the relation has
    /// already, and whether it reads the one on the expression.
    fn fact(&self) -> Option<IndexUseShare> {
        let (name, table, on_target) = match self.place {
            KeyPlacement::Today => {
                ("served_share", self.experiment.subject.relation.to_sql(), true)
            }
            KeyPlacement::Indexed => ("indexed_share", self.table.clone(), false),
            KeyPlacement::Column | KeyPlacement::IndexedColumn => return None,
        };
        let calls = self.calls(&table).into_iter().filter(|call| call.kind == "filter_ms");
        Some(IndexUseShare { name, calls: calls.collect(), on_target })
    }

    fn promise(&self) -> Promise {
        let mut all = vec![Promise::IndexUseShare {
            name: "served_share",
            of_today: true,
            share: Bound::Below(0.5),
            otherwise: "the server reads an index that is there already for these statements",
        }];
        if self.place == KeyPlacement::Indexed {
            all.push(Promise::IndexUseShare {
                name: "indexed_share",
                of_today: false,
                share: Bound::Above(0.0),
                otherwise: "the server reads no such index for these statements as they are spelled",
            });
        }
        all.push(Promise::Faster {
            metric: "call_ms",
            what: "a call of the workload",
            gain_min: CALL_GAIN_MIN,
            says_minimum: true,
        });
        Promise::All(all)
    }

    fn remarks(&self) -> Vec<Remark> {
        let dearer = Remark::Dearer { metric: "write_ms", what: "writing a row" };
        if self.place == KeyPlacement::IndexedColumn && self.experiment.index.is_some() {
            let what = "the expression index";
            return vec![Remark::NoBetterThan { arm: 1, metric: "call_ms", what }, dearer];
        }
        vec![dearer]
    }

    /// A call of each shape, on a table whose rows have the key where this arm has it.
    fn calls(&self, table: &str) -> Vec<Call> {
        let shapes = self.experiment.shapes.iter();
        let call = |timed: &Timed| {
            let (condition, values) = self.condition(timed);
            let statement = self.statement(timed, table, &condition);
            Call { statement, values, calls: timed.shape.calls, kind: timed.kind() }
        };
        shapes.map(call).collect()
    }

    /// What a statement compares, and the cast of what it is compared with: as the application spells it, or the column.
    fn compared(&self, find: &KeyFind) -> (String, String) {
        let KeyExperiment { subject, path, type_sql, .. } = self.experiment;
        let cast = find.cast.as_deref();
        if self.place.is_column() {
            return compared_column(type_sql, cast);
        }
        let reached = find.reached.clone().unwrap_or_else(|| KeyOperators::arrows(path.len()));
        let text = text_of("t.", &subject.column, path, &reached);
        match cast.filter(|cast| CASTS.contains(cast)) {
            Some(cast) => (format!("({text})::pg_catalog.{cast}"), format!("::pg_catalog.{cast}")),
            None => (text, String::new()),
        }
    }

    /// The condition of a shape, always true where it has no filter, and the query for the values that it is timed with.
    fn condition(&self, timed: &Timed) -> (String, Option<String>) {
        let Some(find) = &timed.find else { return ("true".to_owned(), None) };
        let (compared, cast) = self.compared(find);
        match find.filter {
            KeyFilter::Contains if !self.place.is_column() => {
                let document = quote_identifier(&self.experiment.subject.column);
                let condition = format!("t.{document} @> $1::pg_catalog.jsonb");
                (condition, Some(self.points(&self.document_with("v.value"))))
            }
            KeyFilter::Equality | KeyFilter::Contains => {
                (format!("{compared} = $1{cast}"), Some(self.points("v.value")))
            }
            KeyFilter::Range => {
                let condition = format!("{compared} between $1{cast} and $2{cast}");
                (condition, Some(self.range(&compared)))
            }
            _ => ("true".to_owned(), None),
        }
    }

    /// A document that holds the value at the key.
    fn document_with(&self, value: &str) -> String {
        let KeyExperiment { type_sql, path, .. } = self.experiment;
        let plain = matches!(type_sql.as_str(), "bigint" | "numeric" | "boolean");
        let value = if plain {
            format!("{value}::pg_catalog.jsonb")
        } else {
            format!("pg_catalog.to_jsonb({value})")
        };
        path.iter().rev().fold(value, |inner, key| {
            format!("pg_catalog.jsonb_build_object({}, {inner})", text_literal(key))
        })
    }

    /// The query for values of the key, spread over its rows.
    fn points(&self, value: &str) -> String {
        let (text, filled) = (self.experiment.text(), self.filled);
        format!(
            "select pg_catalog.json_build_array(({value})::pg_catalog.text)::text
            from (
                select distinct u.value
                from (
                    select pg_catalog.percentile_disc('{POINTS}'::float8[]) within group (order by x.value) as found
                    from (select ({text}) collate \"C\" as value from {filled} as t where t.{COLUMN} is not null) as x
                ) as p
                cross join lateral pg_catalog.unnest(p.found) as u (value)
                where u.value is not null
            ) as v"
        )
    }

    /// The query for a range of the key's values, as the shape orders them.
    fn range(&self, compared: &str) -> String {
        format!(
            "select pg_catalog.json_build_array(p.bounds[1]::text, p.bounds[2]::text)::text
            from (
                select pg_catalog.percentile_disc('{RANGE}'::float8[]) within group (order by {compared}) as bounds
                from {} as t
            ) as p
            where p.bounds[2] is not null",
            self.table
        )
    }

    /// What a call of the shape reads from a table, of the rows that meet the condition. Rows are fetched: no statement of
    /// the workload is known to want the key alone.
    fn statement(&self, timed: &Timed, table: &str, condition: &str) -> String {
        let find = timed.find.as_ref();
        let compared = |find: &KeyFind| self.compared(find).0;
        if let Some(find) = find.filter(|find| find.filter == KeyFilter::Extreme) {
            return format!("select pg_catalog.min({}) from {table} as t", compared(find));
        }
        let (mut wanted, mut listed) =
            (vec!["count(t.ctid)".to_owned()], vec!["t.ctid".to_owned()]);
        if timed.shape.reads_key {
            let key =
                if self.place.is_column() { format!("t.{COLUMN}") } else { self.experiment.text() };
            wanted.push(format!("count({key})"));
            listed.push(key);
        }
        if timed.shape.reads_document {
            let document = quote_identifier(&self.experiment.subject.column);
            let text = format!("t.{document}::pg_catalog.text");
            wanted.push(format!("sum(pg_catalog.length({text}))"));
            listed.push(text);
        }
        let ordered = find.and_then(|find| Some((find, find.order?)));
        let Some((find, order)) = ordered else {
            return format!("select {} from {table} as t where {condition}", wanted.join(", "));
        };
        let direction = if order.descending { "desc" } else { "asc" };
        let nulls = if order.nulls_first { "first" } else { "last" };
        format!(
            "select {} from {table} as t order by {} {direction} nulls {nulls} limit {FIRST_ROWS}",
            listed.join(", "),
            compared(find)
        )
    }
}

/// What a statement compares once it names the column, and the cast of what it is compared with. Its own cast goes only
/// where values of the column's type are what it made of the text: else it stays, and no index on the column serves it.
fn compared_column(type_sql: &str, cast: Option<&str>) -> (String, String) {
    let stands_for = |cast: &str| match cast {
        "text" | "varchar" | "bpchar" => true,
        "timestamptz" => type_sql == "timestamp with time zone",
        cast => KeyExpression::cast_of(cast, type_sql).is_some(),
    };
    match cast.filter(|cast| CASTS.contains(cast) && !stands_for(cast)) {
        Some(cast) => (format!("(t.{COLUMN})::pg_catalog.{cast}"), format!("::pg_catalog.{cast}")),
        None => (format!("t.{COLUMN}"), format!("::{type_sql}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_stays_where_the_column_is_of_another_type() {
        let of = |type_sql, cast| compared_column(type_sql, cast).0;
        let plain = format!("t.{COLUMN}");
        for (type_sql, cast) in [
            ("text", None),
            ("text", Some("text")),
            ("bigint", None),
            ("bigint", Some("int4")),
            ("numeric", Some("float8")),
            ("timestamp with time zone", Some("timestamptz")),
        ] {
            assert_eq!(of(type_sql, cast), plain, "{type_sql} {cast:?}");
        }
        assert_eq!(of("text", Some("float8")), format!("({plain})::pg_catalog.float8"));
        assert_eq!(of("text", Some("date")), format!("({plain})::pg_catalog.date"));
        assert_eq!(
            of("timestamp with time zone", Some("date")),
            format!("({plain})::pg_catalog.date")
        );
    }
}
