//! What `log_line_prefix` shows of a line's session and database, inferred from the lines: no one says what it is.
//!
//! A prefix is cut into words. Those that are named (`pid=`, `db=`) are what they say; an id of a session (`%c`) has a form of
//! its own. Numbers without a name may be a process, a line, a transaction or a port: which one counts lines is seen from
//! lines of the same process, which follow each other there.

use std::collections::BTreeMap;

use super::session::identity;

/// Lines of which a rule is inferred.
pub(super) const LINES_MAX: usize = 1000;

/// What is read off each prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prefix {
    session: Option<Rule>,
    database: bool,
}

/// Which word is the session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// `%c`
    SessionId,
    /// A number named as a process or session is.
    Named,
    /// A number behind and before these bytes, the nth of this kind.
    Number(Surroundings),
    /// `host(port)`, which no other session has at the same time.
    Port,
}

/// What stands around a number: the bytes before and behind it, and how many like it came before.
type Surroundings = (u8, u8, u8);

/// A word of a prefix, and what it may be.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a [u8],
    role: Role<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role<'a> {
    SessionId,
    Process,
    /// With the bytes before and behind it.
    Number(u8, u8),
    /// The second number of `[3-1]`.
    Second,
    /// With the host before it.
    Port(&'a [u8]),
}

/// Names before a process or a session.
const PROCESS: &[&[u8]] = &[
    b"pid",
    b"p",
    b"process",
    b"proc",
    b"process_id",
    b"processid",
    b"session",
    b"sess",
    b"sid",
    b"session_id",
    b"sessionid",
    b"c",
    b"backend",
    b"backend_pid",
];
/// Names before a database.
const DATABASE: &[&[u8]] = &[b"db", b"d", b"database", b"dbname", b"datname", b"database_name"];

impl Prefix {
    /// What these prefixes have in common. Those of messages about one and the same execution stand one after the other.
    pub(super) fn of(prefixes: &[&[u8]], wanted: Option<&str>) -> Self {
        let lines: Vec<Vec<Word<'_>>> = prefixes.iter().map(|prefix| words(prefix)).collect();
        let most = |is: &dyn Fn(&Role<'_>) -> bool| {
            let with = lines.iter().filter(|line| line.iter().any(|word| is(&word.role)));
            with.count() * 2 > lines.len()
        };
        let session = if most(&|role| *role == Role::SessionId) {
            Some(Rule::SessionId)
        } else if most(&|role| *role == Role::Process) {
            Some(Rule::Named)
        } else if let Some(rule) = process(&lines) {
            Some(rule)
        } else {
            most(&|role| matches!(role, Role::Port(_))).then_some(Rule::Port)
        };
        // A name in the prefix is taken for the database where the one that was asked for is among them.
        let is_wanted = |prefix: &&[u8]| {
            database(prefix).is_some_and(|name| Some(name) == wanted.map(str::as_bytes))
        };
        Self { session, database: prefixes.iter().any(is_wanted) }
    }

    /// The session of a line; none where its prefix does not show it.
    pub(super) fn session(&self, prefix: &[u8]) -> Option<u64> {
        let words = words(prefix);
        let found = |is: &dyn Fn(&Role<'_>) -> bool| {
            words.iter().find(|word| is(&word.role)).map(|word| identity(word.text))
        };
        match self.session.as_ref()? {
            Rule::SessionId => found(&|role| *role == Role::SessionId),
            Rule::Named => found(&|role| *role == Role::Process),
            Rule::Number(surroundings) => {
                let number = numbers(&words).find(|(found, _)| found == surroundings);
                number.map(|(_, text)| identity(text))
            }
            Rule::Port => words.iter().find_map(|word| match word.role {
                Role::Port(host) => Some(identity((host, word.text))),
                _ => None,
            }),
        }
    }

    /// The database of a line; none where its prefix does not show it.
    pub(super) fn database<'a>(&self, prefix: &'a [u8]) -> Option<&'a str> {
        let name = self.database.then(|| database(prefix))??;
        std::str::from_utf8(name).ok()
    }
}

/// Numbers that nothing names, each with its surroundings.
fn numbers<'a>(words: &[Word<'a>]) -> impl Iterator<Item = (Surroundings, &'a [u8])> {
    let mut seen = BTreeMap::<(u8, u8), u8>::new();
    words.iter().filter_map(move |word| {
        let Role::Number(before, behind) = word.role else { return None };
        let nth = seen.entry((before, behind)).or_default();
        *nth = nth.saturating_add(1);
        Some(((before, behind, *nth), word.text))
    })
}

/// The process among numbers without a name: not what counts the lines of another one, and not what counts by itself.
fn process(lines: &[Vec<Word<'_>>]) -> Option<Rule> {
    let seconds = || lines.iter().flatten().filter(|word| word.role == Role::Second);
    // `[%l-1]` looks like `[%p-%l]`, and its second number is always 1.
    let is_line = lines.len() > 1 && seconds().all(|word| word.text == b"1");
    let lines: Vec<BTreeMap<Surroundings, u64>> = lines
        .iter()
        .map(|words| numbers(words).filter_map(|(at, text)| Some((at, parsed(text)?))).collect())
        .collect();
    let mut often = BTreeMap::<Surroundings, usize>::new();
    lines.iter().flat_map(BTreeMap::keys).for_each(|at| *often.entry(*at).or_default() += 1);
    let mut candidates: Vec<Surroundings> =
        often.into_iter().filter(|(_, times)| times * 2 > lines.len()).map(|(at, _)| at).collect();
    // `[123]` is a process more likely than `[123-1]`, and that more likely than a number without brackets.
    candidates.sort_by_key(|(before, behind, nth)| (*before != b'[', *behind != b']', *nth));
    let largest = |one: &Surroundings| lines.iter().filter_map(|line| line.get(one)).max();
    // Processes that start one after the other and write as many lines count, too: then line numbers are the smaller ones.
    let is_counted_by = |one: &Surroundings, other: &Surroundings| {
        let (counts, back) =
            (growth(&lines, *one, Some(*other)), growth(&lines, *other, Some(*one)));
        counts > 0.5 && (counts > back || counts >= back && largest(one) < largest(other))
    };
    let is_counter = |one: &&Surroundings| {
        is_line && one.1 == b'-'
            || growth(&lines, **one, None) > 0.5
            || candidates.iter().any(|other| other != *one && is_counted_by(one, other))
    };
    candidates.iter().find(|one| !is_counter(one)).copied().map(Rule::Number)
}

/// In which share of the lines a number is one more than in the line before of the same group.
fn growth(
    lines: &[BTreeMap<Surroundings, u64>],
    counter: Surroundings,
    by: Option<Surroundings>,
) -> f64 {
    let mut before = BTreeMap::<u64, u64>::new();
    let (mut grown, mut all) = (0_u32, 0_u32);
    for line in lines {
        let Some(number) = line.get(&counter) else { continue };
        let Some(group) = by.map_or(Some(0), |by| line.get(&by).copied()) else { continue };
        if let Some(last) = before.insert(group, *number) {
            all += 1;
            grown += u32::from(*number == last.wrapping_add(1));
        }
    }
    f64::from(grown) / f64::from(all.max(1))
}

fn parsed(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The words of a prefix that may show its session, without times and addresses.
fn words(prefix: &[u8]) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut at, mut time_end) = (0, 0);
    while at < prefix.len() {
        if let Some(length) = time(&prefix[at..]) {
            at += length;
            time_end = at;
            continue;
        }
        let length = prefix[at..].iter().take_while(|byte| is_part(**byte)).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let (before, text, behind) =
            (&prefix[..at], &prefix[at..at + length], &prefix[at + length..]);
        let is_behind_time = at <= time_end + 1;
        at += length;
        let role = role(before, text, behind, is_behind_time);
        words.extend(role.map(|role| Word { text, role }));
    }
    words
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || byte >= 0x80
}

fn role<'a>(
    before: &'a [u8],
    text: &[u8],
    behind: &[u8],
    is_behind_time: bool,
) -> Option<Role<'a>> {
    let named = name(before);
    let is_process =
        named.is_some_and(|name| PROCESS.contains(&name.to_ascii_lowercase().as_slice()));
    if is_session_id(text) && (is_process || named.is_none()) {
        return Some(Role::SessionId);
    }
    let is_number = text.len() <= 10 && text[0] != b'0' && text.iter().all(u8::is_ascii_digit);
    if !is_number || is_process || named.is_some() {
        return (is_number && is_process).then_some(Role::Process);
    }
    let last = before.last().copied().unwrap_or(b'^');
    let next = behind.first().copied().unwrap_or(b'$');
    if last == b'(' && next == b')' {
        let host = &before[..before.len() - 1];
        let begin = host.iter().rposition(|byte| b" ,:;=|@".contains(byte)).map_or(0, |at| at + 1);
        return (begin < host.len()).then(|| Role::Port(&host[begin..]));
    }
    if is_behind_time {
        return Some(Role::Number(last, next));
    }
    if last == b'-' {
        let is_second = before.len() > 1 && before[before.len() - 2].is_ascii_digit();
        return is_second.then_some(Role::Second);
    }
    // A transaction is `3/1234`, an address `::1`, a name `app@1`.
    let is_part_of_more =
        b"/@#+".contains(&last) || b"/@".contains(&next) || before.ends_with(b"::");
    (!is_part_of_more).then_some(Role::Number(last, next))
}

/// The name of what follows: `pid=`, `pid: `.
fn name(before: &[u8]) -> Option<&[u8]> {
    let (before, by_equals) = match before.split_last()? {
        (b'=', before) => (before, true),
        (b' ', before) => (before.strip_suffix(b":")?, false),
        (b'"' | b'\'' | b'[', before) => (before.strip_suffix(b"=")?, true),
        (b':', before) => (before, false),
        _ => return None,
    };
    let begin = before.iter().rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let name = &before[begin.map_or(0, |at| at + 1)..];
    let is_word = name.first().is_some_and(u8::is_ascii_alphabetic);
    // `app@shop:123` names nothing.
    let is_known = || PROCESS.iter().chain(DATABASE).any(|known| known.eq_ignore_ascii_case(name));
    (is_word && (by_equals || is_known())).then_some(name)
}

/// Seconds since 1970 and a process, each as hexadecimal digits.
fn is_session_id(text: &[u8]) -> bool {
    let Some(dot) = text.iter().position(|byte| *byte == b'.') else { return false };
    let is_hex =
        |text: &[u8]| text.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let (start, process) = (&text[..dot], &text[dot + 1..]);
    start.len() == 8 && (1..=8).contains(&process.len()) && is_hex(start) && is_hex(process)
}

/// How long a time is that stands here: `2026-11-25 00:44:19.973 UTC`.
pub(super) fn time(text: &[u8]) -> Option<usize> {
    let is = |pattern: &[u8], text: &[u8]| {
        text.len() >= pattern.len()
            && pattern.iter().zip(text).all(|(pattern, byte)| match pattern {
                b'0' => byte.is_ascii_digit(),
                b'T' => b"T ".contains(byte),
                pattern => pattern == byte,
            })
    };
    if is(b"0000000000.000", text) && !text.get(14).is_some_and(|byte| is_part(*byte)) {
        return Some(14);
    }
    let pattern = b"0000-00-00T00:00:00";
    if !is(pattern, text) {
        return None;
    }
    let mut length = pattern.len();
    if text.get(length).is_some_and(|byte| b".,".contains(byte)) {
        length += 1 + text[length + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    // The zone is an abbreviation or an offset.
    let zone = text.get(length..).unwrap_or_default();
    let zone = zone.strip_prefix(b" ").unwrap_or(zone);
    let named = zone.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let offset = match zone.first() {
        Some(b'+' | b'-') => zone[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let blank = text.len() - length - zone.len();
    let is_zone = |length: usize| !zone.get(length).is_some_and(|byte| is_part(*byte));
    if named > 0 && is_zone(named) {
        length += blank + named;
    } else if (2..=4).contains(&offset) && blank == 1 {
        length += blank + 1 + offset;
    }
    Some(length)
}

/// The first time in a prefix, as digits that sort by time.
pub(super) fn time_of(prefix: &[u8]) -> Option<u64> {
    let begin = (0..prefix.len())
        .find(|at| prefix[*at].is_ascii_digit() && time(&prefix[*at..]).is_some())?;
    let text = &prefix[begin..];
    let text = &text[..time(text)?.min(23)];
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    Some(digits.take(17).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// Whether the time of a message and that of its details may be the same: `%t` asks the clock again for each, and has whole
/// seconds.
pub(super) fn is_same_time(message: Option<u64>, detail: Option<u64>) -> bool {
    const MILLISECONDS: u64 = 100_000_000_000_000;
    let later = message.zip(detail).is_some_and(|(message, detail)| {
        detail < MILLISECONDS && message < detail && detail - message < 1_000_000
    });
    message == detail || later
}

/// The name of a database in a prefix: `db=shop`, `app@shop`.
fn database(prefix: &[u8]) -> Option<&[u8]> {
    const ENDS: &[u8] = b" ,;|]):\"'>";
    let ended =
        |text: &'_ [u8]| text.iter().position(|byte| ENDS.contains(byte)).unwrap_or(text.len());
    for at in memchr::memchr_iter(b'=', prefix) {
        if name(&prefix[..=at])
            .is_some_and(|name| DATABASE.contains(&name.to_ascii_lowercase().as_slice()))
        {
            let value = &prefix[at + 1..];
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            return Some(&value[..ended(value)]).filter(|name| !name.is_empty());
        }
    }
    let at = memchr::memchr(b'@', prefix)?;
    let value = &prefix[at + 1..];
    Some(&value[..ended(value)]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
