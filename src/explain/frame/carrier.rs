//! What containers, journals and shippers of logs put before each line: a name, a time, or both.

use super::{OutputLine, first_byte};

/// Removes it, where each line has it.
pub(super) fn remove(lines: &mut [OutputLine]) {
    let filled = || lines.iter().filter(|line| first_byte(&line.text).is_some());
    if filled().nth(1).is_none() {
        return;
    }
    let found = [container, stamped, journal]
        .into_iter()
        .find(|carrier| filled().all(|line| carrier(&line.text).is_some()));
    let Some(carrier) = found else { return };
    for line in lines {
        if let Some(end) = carrier(&line.text) {
            line.cut(end, usize::MAX);
        }
    }
}

/// `db-1  | ` of `docker compose`, where a log's entries or their lines follow.
fn container(text: &str) -> Option<usize> {
    let bar = memchr::memchr(b'|', text.as_bytes())?;
    let name = text[..bar].trim_end();
    let is_name = name.contains(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_name.then(|| bar + 1 + usize::from(text[bar + 1..].starts_with(' ')))
}

/// `2026-11-29T22:41:56.123456789Z ` of `docker logs --timestamps`, with `stderr F ` behind it of a node of Kubernetes.
fn stamped(text: &str) -> Option<usize> {
    let (time, rest) = text.split_once(' ')?;
    let is_time = time.len() >= 20
        && time.as_bytes()[10] == b'T'
        && time.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(&byte));
    let streams = ["stderr F ", "stdout F ", "stderr F", "stdout F"];
    let line = streams.iter().find_map(|stream| rest.strip_prefix(stream)).unwrap_or(rest);
    is_time.then_some(text.len() - line.len())
}

/// `Nov 29 22:41:56 host postgres[123]: ` of journald.
fn journal(text: &str) -> Option<usize> {
    let end = text.find("]: ").or_else(|| text.strip_suffix("]:").map(str::len))?;
    let mut words = text[..end].split_ascii_whitespace();
    let (month, day, time) = (words.next()?, words.next()?, words.next()?);
    let (_host, process) = (words.next()?, words.next()?);
    let is_time = time.len() == 8 && time.bytes().filter(|byte| *byte == b':').count() == 2;
    let is_journal = month.len() == 3
        && day.parse::<u8>().is_ok()
        && is_time
        && process.contains('[')
        && words.next().is_none();
    is_journal.then(|| (end + "]: ".len()).min(text.len()))
}
