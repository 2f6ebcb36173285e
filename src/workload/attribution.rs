//! Calls that a server counted, attributed to the keys that texts of the same statements name.
//!
//! `pg_stat_statements` counts statements that differ in literals only as one, and a key is a literal. Which of several keys
//! its calls used, only texts of the statement show: each seen text stands for the same part of the calls. A statement of
//! which none was seen stays unattributed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::bookkeeper::{Bookkeeper, is_own};
use super::columns::ServerStats;
use super::entry::Entry;
use super::ledger::Ledger;
use super::parsed::ParsedStatement;
use super::source::StatementSource;
use super::stats::CallStats;
use crate::model::QualifiedName;
use crate::model::observation::StatementCounters;
use crate::sql::NotUnderstood;

/// Texts kept at most; further ones of a log are passed over.
const TEXTS_MAX: usize = 200_000;

/// A statement as a server counts it: its literals are parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatementStats<'a> {
    /// The server's identifier of the statement.
    pub query_id: Option<i64>,
    /// Its text; none where it is not shown.
    pub sql: Option<&'a str>,
    /// Calls.
    pub calls: u64,
    /// What they took, in milliseconds.
    pub total_ms: f64,
    /// What the server counts beside, where it says so.
    pub counters: Option<StatementCounters>,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributed {
    /// The ledger: shared calls under the source of the texts that name their keys.
    pub ledger: Ledger,
    /// How many texts of equally many calls would show the same, by column; absent where no calls were shared.
    pub sample_sizes: BTreeMap<(QualifiedName, String), f64>,
}

/// Texts of statements, understood.
#[derive(Default)]
pub(super) struct SampledTexts {
    texts: Vec<SampledText>,
}

struct SampledText {
    source: StatementSource,
    query_id: Option<i64>,
    ms: Option<f64>,
    parsed: Result<Arc<ParsedStatement>, NotUnderstood>,
}

impl Bookkeeper<'_> {
    /// Takes a text that an application sent, which counts nothing by itself. The server's identifier shows whose it is,
    /// or else its shape, where only one statement has that.
    pub fn record_text(&mut self, source: StatementSource, entry: &Entry) {
        if is_own(&entry.sql) || entry.is_plan_alone() || self.sampled.texts.len() == TEXTS_MAX {
            return;
        }
        let (query_id, ms) = (entry.query_id, entry.total_ms);
        let parsed = self.statements.of(entry);
        self.sampled.texts.push(SampledText { source, query_id, ms, parsed });
    }

    /// Attributes what the server counted by the texts that were seen. Where it does not count, executions in its log count
    /// themselves, or else those that sessions showed: all three are about the same calls.
    ///
    /// `in_time` is asked before each statement; once it says no, the others stay unattributed.
    pub fn attribute(
        mut self,
        counted: Option<&[StatementStats<'_>]>,
        in_time: impl Fn() -> bool,
    ) -> Attributed {
        self.settle();
        let sampled = std::mem::take(&mut self.sampled);
        let Some(counted) = counted else {
            self.count(sampled);
            return Attributed { ledger: self.ledger, sample_sizes: BTreeMap::new() };
        };
        let mut statements = Vec::with_capacity(counted.len());
        for one in counted.iter().filter(|one| !one.sql.is_some_and(is_own)) {
            let sql = one.sql.filter(|_| in_time());
            let parsed = sql.and_then(|sql| self.statements.of(&Entry::once(sql)).ok());
            statements.push((one, parsed));
        }
        let mut shapes = HashMap::<&str, usize>::new();
        for parsed in statements.iter().filter_map(|(_, parsed)| parsed.as_ref()) {
            *shapes.entry(&parsed.fingerprint).or_default() += 1;
        }
        let by_shape = sampled.by_shape();
        let mut strength = SampleWeight::default();
        for (one, parsed) in &statements {
            let stats = CallStats::of(one.calls, Some(one.total_ms));
            let Some(parsed) = parsed else {
                self.ledger.add_not_understood(StatementSource::StatStatements, &stats);
                continue;
            };
            let alone = shapes.get(&*parsed.fingerprint) == Some(&1);
            let texts = by_shape.get(&*parsed.fingerprint).map_or(&[][..], Vec::as_slice);
            let texts = of_statement(texts, one.query_id, alone);
            if texts.is_empty() || !parsed.has_unknown_key() {
                if !parsed.has_unknown_key() {
                    strength.add(parsed, one.calls, false);
                }
                self.ledger.add(StatementSource::StatStatements, &stats, parsed);
                self.ledger.say(parsed, said(one, parsed, &texts));
                continue;
            }
            for ((text, parsed), part) in texts.iter().zip(parts(&stats, texts.len())) {
                strength.add(parsed, part.calls, true);
                self.ledger.add(text.source, &part, parsed);
                let query_id = one.query_id;
                self.ledger.say(parsed, ServerStats { query_id, ..ServerStats::default() });
            }
        }
        Attributed { ledger: self.ledger, sample_sizes: strength.sizes() }
    }

    /// Counts texts as executions: those of the log, or else what sessions showed.
    fn count(&mut self, sampled: SampledTexts) {
        let logged = sampled.texts.iter().any(|text| text.source == StatementSource::Log);
        let counts = if logged { StatementSource::Log } else { StatementSource::Activity };
        for text in sampled.texts.into_iter().filter(|text| text.source == counts) {
            let stats = CallStats::of(1, text.ms);
            match text.parsed {
                Ok(parsed) => self.ledger.add(text.source, &stats, &parsed),
                Err(_) => self.ledger.add_not_understood(text.source, &stats),
            }
        }
    }
}

type ParsedText<'a> = (&'a SampledText, &'a Arc<ParsedStatement>);

impl SampledTexts {
    fn by_shape(&self) -> HashMap<&str, Vec<ParsedText<'_>>> {
        let mut by_shape = HashMap::<&str, Vec<ParsedText<'_>>>::new();
        for text in &self.texts {
            if let Ok(parsed) = &text.parsed {
                by_shape.entry(&parsed.fingerprint).or_default().push((text, parsed));
            }
        }
        by_shape
    }
}

/// Those texts of a shape that belong to a statement. One without an identifier does where no other statement has the shape.
///
/// Whether a key is a parameter of the application is the same for all texts of one statement, for the server distinguishes
/// parameters from constants. Where they differ they belong to several, one of which is not counted any more: no text is
/// known to be of this one.
fn of_statement<'a>(
    texts: &[ParsedText<'a>],
    query_id: Option<i64>,
    alone: bool,
) -> Vec<ParsedText<'a>> {
    let of_it = texts.iter().filter(|(text, _)| match text.query_id {
        Some(id) => Some(id) == query_id,
        None => alone,
    });
    let of_it: Vec<ParsedText<'a>> = of_it.copied().collect();
    let bound = of_it.iter().filter(|(_, parsed)| parsed.bound).count();
    if bound > 0 && bound < of_it.len() { Vec::new() } else { of_it }
}

/// What the server says of a statement, and the limits that its texts have where it has a parameter for one.
fn said(
    one: &StatementStats<'_>,
    parsed: &ParsedStatement,
    texts: &[ParsedText<'_>],
) -> ServerStats {
    let texts = || texts.iter().filter(|_| parsed.shape.has_limit_parameter());
    ServerStats {
        query_id: one.query_id,
        counters: one.counters,
        limits_seen: texts().flat_map(|(_, text)| text.shape.limits()).collect(),
        last_rows_seen: texts().flat_map(|(_, text)| text.shape.last_rows()).collect(),
    }
}

/// A tally in equal parts; calls that are left over go to some.
fn parts(whole: &CallStats, into: usize) -> impl Iterator<Item = CallStats> {
    let (calls, into) = (u128::from(whole.calls), into as u128);
    let upto = move |part: u128| u64::try_from(calls * part / into).unwrap_or(u64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "a part of a time has no such precision")]
    let ms = whole.total_ms / into as f64;
    (0..into).map(move |part| CallStats::of(upto(part + 1) - upto(part), Some(ms)))
}

/// How well shared calls are known, by column: by the variance of a share that is put together of shares of statements,
/// each known from its own texts.
#[derive(Default)]
struct SampleWeight {
    columns: BTreeMap<(QualifiedName, String), SampledStatement>,
}

#[derive(Default)]
struct SampledStatement {
    /// All calls whose keys are known.
    calls: f64,
    /// The squares of those parts that a text names.
    squares: f64,
}

impl SampleWeight {
    /// Calls whose keys are known: for certain, or from one of the texts of their statement.
    fn add(&mut self, parsed: &ParsedStatement, calls: u64, from_text: bool) {
        if parsed.has_unknown_key() {
            return;
        }
        let columns: BTreeSet<_> =
            parsed.uses.iter().map(|one| (one.table.clone(), one.column.clone())).collect();
        #[expect(clippy::cast_precision_loss, reason = "a share has no such precision")]
        let calls = calls as f64;
        for column in columns {
            let known = self.columns.entry(column).or_default();
            known.calls += calls;
            // The squares of the parts of a statement add up to its calls squared by its texts.
            known.squares += if from_text { calls * calls } else { 0.0 };
        }
    }

    fn sizes(self) -> BTreeMap<(QualifiedName, String), f64> {
        let shared = self.columns.into_iter().filter(|(_, known)| known.squares > 0.0);
        shared.map(|(of, known)| (of, known.calls * known.calls / known.squares)).collect()
    }
}
