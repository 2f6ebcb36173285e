//! Messages of one session put together: one execution writes up to four of them.
//!
//! `log_statement` writes the text and `log_duration` the time; `log_min_duration_statement` writes both; `auto_explain`
//! writes the plan with the text again: before the others in the simple protocol, after them in the extended one.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};

use super::entry::{Entry, LoggedPlan, SourceCounts};
use super::message::{MessageContent, said};
use super::parameters::Parameters;
use super::plan::planned;
use crate::sql::TEXT_BYTES_MAX;

/// Most sessions that are remembered, twice; those that said nothing for longest are closed.
const SESSIONS_MAX: usize = 1024;

/// Bytes of text that wait for another message at most, twice.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Plans of one session that wait for their statement at most: those of the statements in its functions.
const PLANS_MAX: usize = 64;

/// Durations are printed with three decimals.
const ROUNDING_MS: f64 = 0.001;

/// One message of a log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Message<'a> {
    /// What distinguishes its session from others; none where the log does not say.
    pub(super) session: Option<u64>,
    pub(super) database: Option<&'a str>,
    /// When it was written, as digits that sort by time; none where the log does not say.
    pub(super) time: Option<u64>,
    /// The server's identifier of the statement; none where the log does not say, or the server did not know it yet.
    pub(super) query_id: Option<i64>,
    pub(super) text: &'a str,
    pub(super) detail: &'a str,
    /// Whether the end of the text is missing.
    pub(super) cut_off: bool,
}

/// What one session has said that may belong together with what comes.
#[derive(Default)]
struct LogSession {
    /// A statement whose duration has not come yet.
    statement: Option<Entry>,
    /// When that was written.
    time: Option<u64>,
    /// Plans whose statement has not come yet.
    plans: Vec<Entry>,
    /// The last statement that was handed on, and how many plans of it may come behind it.
    last: Option<(u64, u32)>,
    /// The statement whose rows are fetched in pieces. Its plan comes when its portal is closed: at the end of the
    /// transaction at the latest, behind the COMMIT.
    fetched: Option<u64>,
    /// Times that came without a statement.
    without_statement: u64,
}

/// `log_duration` writes the time of each of the steps before an execution, too: parsing and binding.
const STEPS_BEFORE: u64 = 2;

impl LogSession {
    fn bytes(&self) -> usize {
        let plan = |entry: &Entry| entry.plan.as_ref().map_or(0, |plan| plan.text.len());
        self.plans.iter().chain(&self.statement).map(|entry| entry.sql.len() + plan(entry)).sum()
    }

    /// A statement was run: plans that wait are its own, or of statements within.
    fn ran(&mut self, mut entry: Entry, extended: bool, out: &mut Out<'_>) {
        self.statement.take().into_iter().for_each(|earlier| out.give(earlier));
        let plans = std::mem::take(&mut self.plans);
        let Some(ms) = entry.total_ms else {
            if extended {
                self.without_statement = self.without_statement.saturating_sub(STEPS_BEFORE);
            }
            for plan in plans {
                out.give(plan);
            }
            self.last = None;
            self.statement = Some(entry);
            return;
        };
        let mut left_ms = ms + ROUNDING_MS;
        let mut others = Vec::new();
        for plan in plans.into_iter().rev() {
            let own_ms = plan.total_ms.unwrap_or(0.0);
            if plan.sql == entry.sql && own_ms <= left_ms {
                left_ms -= own_ms - ROUNDING_MS;
                if entry.parameters.is_empty() {
                    entry.parameters = plan.parameters;
                }
                entry.plan = entry.plan.or(plan.plan);
            } else {
                others.push(plan);
            }
        }
        others.into_iter().rev().for_each(|plan| out.give(plan));
        if extended {
            self.awaits_plan(&entry);
        } else {
            self.last = None;
        }
        out.give(entry);
    }

    /// The plan of this statement may come behind it.
    fn awaits_plan(&mut self, entry: &Entry) {
        let text = identity(&*entry.sql);
        let more = self.last.filter(|(last, _)| *last == text).map_or(0, |(_, plans)| plans);
        self.last = Some((text, more + 1));
    }

    /// A plan came: of a statement that came already, or of one that will be.
    fn planned(&mut self, plan: Entry, out: &mut Out<'_>) {
        if let Some(statement) = self.statement.as_mut().filter(|open| open.sql == plan.sql) {
            let ms = statement.total_ms.unwrap_or(0.0) + plan.total_ms.unwrap_or(0.0);
            statement.total_ms = Some(ms);
            if statement.parameters.is_empty() {
                statement.parameters = plan.parameters;
            }
            statement.plan = statement.plan.take().or(plan.plan);
            return;
        }
        if let Some((text, plans)) = &mut self.last
            && *plans > 0
            && *text == identity(&*plan.sql)
        {
            *plans -= 1;
            self.fetched = None;
            out.give(Entry { calls: 0, total_ms: None, ..plan });
            return;
        }
        if self.fetched.take_if(|text| *text == identity(&*plan.sql)).is_some() {
            out.give(Entry { calls: 0, total_ms: None, ..plan });
            return;
        }
        if self.plans.len() == PLANS_MAX {
            out.give(self.plans.remove(0));
        }
        self.plans.push(plan);
    }

    /// The statement before took this long.
    fn lasted(&mut self, ms: Option<f64>, out: &mut Out<'_>) {
        self.plans.drain(..).for_each(|plan| out.give(plan));
        if let Some(mut statement) = self.statement.take() {
            statement.total_ms = ms.or(statement.total_ms);
            self.awaits_plan(&statement);
            out.give(statement);
        } else {
            self.without_statement += 1;
        }
    }
}

/// A number for what distinguishes something, the same on every run.
pub(super) fn identity(what: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(what)
}

/// The sessions of a log.
#[derive(Default)]
pub(super) struct Sessions {
    young: BTreeMap<u64, LogSession>,
    old: BTreeMap<u64, LogSession>,
    waiting_bytes: usize,
}

/// Where statements go.
pub(super) struct Out<'a> {
    pub(super) counts: &'a mut SourceCounts,
    /// The only database whose statements are wanted.
    pub(super) database: Option<&'a str>,
    pub(super) to: &'a mut dyn FnMut(Entry),
}

impl Out<'_> {
    /// Hand a statement on. A text that is too long loses its end.
    pub(super) fn give(&mut self, mut entry: Entry) {
        if let (Some(wanted), Some(found)) = (self.database, entry.database.as_deref())
            && wanted != found
        {
            self.counts.elsewhere += 1;
            return;
        }
        if entry.sql.len() > TEXT_BYTES_MAX {
            entry.sql.truncate(entry.sql.floor_char_boundary(TEXT_BYTES_MAX));
            entry.cut_off = true;
        }
        // A statement that was counted is not counted again.
        if !entry.is_plan_alone() {
            self.counts.cut_off += u64::from(entry.cut_off);
            self.counts.entries += 1;
        }
        (self.to)(entry);
    }
}

impl Sessions {
    /// A further message.
    pub(super) fn read_message(&mut self, message: &Message<'_>, out: &mut Out<'_>) {
        match said(message.text) {
            MessageContent::Nothing | MessageContent::Prepared => {}
            MessageContent::Unknown => out.counts.skipped += 1,
            MessageContent::Duration(ms) => {
                if message.session.is_none() {
                    // It may be any one's.
                    return;
                }
                let time = message.time;
                self.of(session_key(message, ""), out, |session, out| {
                    // Clouds export logs with the last message first: what ended before a statement is not its time.
                    let is_before = time.zip(session.time).is_some_and(|(own, begun)| own < begun);
                    session.lasted(Some(ms).filter(|_| !is_before), out);
                });
            }
            MessageContent::Ran { ms, sql, extended } => {
                let entry = Entry { total_ms: ms, ..entry_of(message, sql) };
                self.of(session_key(message, sql), out, |session, out| {
                    session.ran(entry, extended, out);
                    session.time = message.time;
                });
            }
            MessageContent::Fetched { ms, sql } => {
                let fetched = Entry { calls: 0, total_ms: ms, ..entry(message, sql) };
                if ms.is_some() {
                    out.give(fetched);
                } else {
                    self.of(session_key(message, sql), out, |session, out| {
                        session.ran(fetched, true, out);
                        session.fetched = Some(identity(sql));
                    });
                }
            }
            MessageContent::Plan { ms, plan } => {
                let Some(planned) = planned(plan) else {
                    out.counts.skipped += 1;
                    return;
                };
                let whole = !message.cut_off;
                let entry = Entry {
                    total_ms: Some(ms),
                    parameters: planned.parameters,
                    plan: whole.then(|| LoggedPlan { text: plan.to_owned(), ms }),
                    ..entry(message, &planned.sql)
                };
                let sql = planned.sql;
                self.of(session_key(message, &sql), out, |session, out| {
                    session.planned(entry, out);
                });
            }
        }
    }

    /// Find a session by its key. Those that said nothing for longest are closed where there are too many.
    fn of(
        &mut self,
        key: u64,
        out: &mut Out<'_>,
        emit: impl FnOnce(&mut LogSession, &mut Out<'_>),
    ) {
        let known = self.young.remove(&key).or_else(|| self.old.remove(&key));
        let mut session = known.unwrap_or_default();
        let before = session.bytes();
        emit(&mut session, out);
        self.waiting_bytes = (self.waiting_bytes + session.bytes()).saturating_sub(before);
        self.young.insert(key, session);
        if self.young.len() > SESSIONS_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            let grown = std::mem::take(&mut self.young);
            close(std::mem::replace(&mut self.old, grown), out);
            self.waiting_bytes = 0;
        }
    }

    /// No message will follow.
    pub(super) fn end(&mut self, out: &mut Out<'_>) {
        close(std::mem::take(&mut self.old), out);
        close(std::mem::take(&mut self.young), out);
    }
}

/// The key of the session of a message of this statement. Where the log shows no session, what it says of one and the same
/// statement belongs together.
fn session_key(message: &Message<'_>, sql: &str) -> u64 {
    message.session.unwrap_or_else(|| identity(sql))
}

/// Hand on what waits in sessions that are over.
fn close(sessions: BTreeMap<u64, LogSession>, out: &mut Out<'_>) {
    for session in sessions.into_values() {
        out.counts.without_statement += session.without_statement;
        session.statement.into_iter().chain(session.plans).for_each(|entry| out.give(entry));
    }
}

fn entry(message: &Message<'_>, sql: &str) -> Entry {
    Entry {
        parameters: Parameters::from_log(message.detail),
        database: message.database.filter(|name| !name.is_empty()).map(str::to_owned),
        query_id: message.query_id.filter(|id| *id != 0),
        cut_off: message.cut_off,
        ..Entry::once(sql)
    }
}

/// A statement that was run. Of `EXECUTE name` the detail shows what was prepared under the name.
fn entry_of(message: &Message<'_>, sql: &str) -> Entry {
    let mut entry = entry(message, sql);
    let executes = sql.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("execute "));
    if executes && entry.parameters.is_empty() {
        let prepared = message.detail.split_once(": ").map(|(_, prepared)| prepared.trim_start());
        if let Some(prepared) = prepared {
            prepared.clone_into(&mut entry.sql);
        }
    }
    entry
}
