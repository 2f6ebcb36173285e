//! Lists of statements, as CSV with a header or objects of JSON; also what `pg_stat_statements` is exported as.

use serde::Deserialize;

use super::entry::Entry;
use super::lines::{LogLine, Record};
use super::separated::RecordFields;
use super::session::Out;

/// One statement of a list.
#[derive(Deserialize)]
pub(super) struct ListedStatement {
    #[serde(alias = "query", alias = "statement")]
    sql: String,
    #[serde(default)]
    calls: Option<Figure>,
    #[serde(default, alias = "mean_exec_time", alias = "mean_time")]
    mean_ms: Option<Figure>,
    #[serde(default, alias = "total_exec_time", alias = "total_time")]
    total_ms: Option<Figure>,
}

/// A number; tools that export write it as text, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Figure {
    Number(f64),
    Text(String),
}

impl Figure {
    /// The number, unless it is none or below zero.
    fn value(&self) -> Option<f64> {
        let value = match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
        };
        value.filter(|value: &f64| value.is_finite() && *value >= 0.0)
    }
}

impl ListedStatement {
    pub(super) fn give(self, out: &mut Out<'_>) {
        let read = |figure: &Option<Figure>| match figure {
            None => Ok(None),
            Some(figure) => figure.value().map(Some).ok_or(()),
        };
        let (Ok(calls), Ok(mean), Ok(total)) =
            (read(&self.calls), read(&self.mean_ms), read(&self.total_ms))
        else {
            out.counts.malformed += 1;
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "more calls than fit into 64 bits count as the largest number"
        )]
        #[expect(clippy::cast_sign_loss, reason = "none is below zero")]
        let calls = calls.map_or(1, |calls| calls as u64);
        #[expect(clippy::cast_precision_loss, reason = "a mean time has no such precision")]
        let total_ms = total.or_else(|| mean.map(|mean| mean * calls as f64));
        out.give(Entry { calls, total_ms, listed: true, ..Entry::once(self.sql) });
    }
}

/// A list as CSV. The columns may stand in any order; those that are not known are passed over.
#[derive(Default)]
pub(super) struct CsvList {
    record: Record,
    open: bool,
    fields: RecordFields,
    header: Option<Header>,
}

/// Which columns hold what.
#[derive(Clone, Copy)]
pub(super) struct Header {
    separator: u8,
    sql: usize,
    calls: Option<usize>,
    mean_ms: Option<usize>,
    total_ms: Option<usize>,
}

impl Header {
    /// Of the first line of a list; none where no column holds statements.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        [b',', b';', b'\t'].into_iter().find_map(|separator| {
            let mut fields = RecordFields::default();
            fields.read(line, separator);
            let names: Vec<String> =
                (0..fields.len()).map(|field| fields.text(field).trim().to_lowercase()).collect();
            let column = |known: &[&str]| {
                known.iter().find_map(|known| names.iter().position(|name| name == known))
            };
            Some(Self {
                separator,
                sql: column(&["sql", "query", "statement"])?,
                calls: column(&["calls"]),
                mean_ms: column(&["mean_ms", "mean_exec_time", "mean_time"]),
                total_ms: column(&["total_ms", "total_exec_time", "total_time"]),
            })
        })
    }
}

impl CsvList {
    /// A further line.
    pub(super) fn line(&mut self, line: LogLine<'_>, out: &mut Out<'_>) {
        let odd = line.has_odd_quotes();
        if self.open {
            self.record.add(line.bytes, line.cut_off);
        } else if line.bytes.is_empty() {
            return;
        } else {
            self.record.begin(line);
        }
        self.open ^= odd;
        if !self.open {
            self.close_record(out);
        }
    }

    /// No line will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        out.counts.malformed += u64::from(self.open);
    }

    fn close_record(&mut self, out: &mut Out<'_>) {
        let Some(header) = self.header else {
            self.header = Header::read(&self.record.bytes);
            out.counts.malformed += u64::from(self.header.is_none());
            return;
        };
        self.fields.read(&self.record.bytes, header.separator);
        if self.fields.len() <= header.sql || self.record.cut_off {
            out.counts.malformed += 1;
            out.counts.cut_off += u64::from(self.record.cut_off);
            return;
        }
        let figure = |column: Option<usize>| {
            let text = self.fields.text(column?).into_owned();
            (!text.trim().is_empty()).then_some(Figure::Text(text))
        };
        let listed = ListedStatement {
            sql: self.fields.text(header.sql).into_owned(),
            calls: figure(header.calls),
            mean_ms: figure(header.mean_ms),
            total_ms: figure(header.total_ms),
        };
        listed.give(out);
    }
}
