//! Lines of syslog, as files and journals have them, and as Heroku sends them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::envelope::{LinePart, Stripped, time};
use super::session::identity;
use super::severity::severity;

/// The same line without what syslog put before it. A server numbers its messages, or it does not.
pub(super) fn stripped(line: &[u8], is_numbered: bool) -> Option<Stripped<'_>> {
    let SyslogMessage { text, host, process } = sent(line)?;
    Some(piece(text, host, process, is_numbered))
}

/// A message as syslog sends it.
struct SyslogMessage<'a> {
    text: &'a [u8],
    host: &'a [u8],
    process: Option<&'a [u8]>,
}

/// Whether a server numbers its messages, in lines that begin so: `[3-1]` where a message has several pieces, `[3]` where
/// it has one. Without pieces the number of each process counts its lines, which the server's own prefix does not.
pub(super) fn is_numbered(lines: &[&[u8]]) -> bool {
    let mut before = BTreeMap::<(&[u8], Option<&[u8]>), u64>::new();
    let (mut grown, mut all) = (0_usize, 0_usize);
    for sent in lines.iter().filter_map(|line| sent(line)) {
        let Some((inner, _)) = bracketed(sent.text) else { continue };
        let Ok(text) = std::str::from_utf8(inner) else { continue };
        if let Some((message, piece)) = text.split_once('-') {
            if message.parse::<u64>().is_ok() && piece.parse::<u64>().is_ok() {
                return true;
            }
        } else if let Ok(number) = text.parse::<u64>()
            && let Some(last) = before.insert((sent.host, sent.process), number)
        {
            all += 1;
            grown += usize::from(last + 1 == number);
        }
    }
    grown * 2 > all
}

fn sent(line: &[u8]) -> Option<SyslogMessage<'_>> {
    let line = priority(line);
    if let Some(rest) = line.strip_prefix(b"1 ") {
        return modern(rest);
    }
    let rest = line.get(date(line)?..)?.strip_prefix(b" ")?;
    let rest = rest.iter().position(|byte| *byte != b' ').map(|at| &rest[at..])?;
    // A host stands before the program, or not.
    let (first, behind) = word(rest)?;
    if let Some(process) = program(first) {
        return Some(SyslogMessage { text: behind, host: b"", process });
    }
    let (second, text) = word(behind)?;
    Some(SyslogMessage { text, host: first, process: program(second)? })
}

/// `<134>`
fn priority(line: &[u8]) -> &[u8] {
    let Some(rest) = line.strip_prefix(b"<") else { return line };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits) {
        Some(b'>') if (1..=3).contains(&digits) => &rest[digits + 1..],
        _ => line,
    }
}

/// RFC 5424: time, host, program, process, message, data.
fn modern(line: &[u8]) -> Option<SyslogMessage<'_>> {
    let rest = line.get(time(line)?..)?.strip_prefix(b" ")?;
    let (host, rest) = word(rest)?;
    let (_program, rest) = word(rest)?;
    let (process, rest) = word(rest)?;
    let (_message, rest) = word(rest)?;
    let rest = match rest.strip_prefix(b"[") {
        Some(data) if rest.iter().position(|byte| *byte == b'=').is_some_and(|at| at < 200) => {
            let end = memchr::memmem::find(data, b"] ")?;
            &data[end + 2..]
        }
        _ => rest.strip_prefix(b"- ").unwrap_or(rest),
    };
    let rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
    Some(SyslogMessage { text: rest, host, process: Some(process) })
}

/// The time of a line: `Nov 25 00:44:19`, with a fraction, a year or a weekday, or as RFC 3339.
fn date(line: &[u8]) -> Option<usize> {
    if let Some(length) = time(line) {
        return Some(length);
    }
    let is = |pattern: &[u8], text: &[u8]| {
        text.len() > pattern.len()
            && pattern.iter().zip(text).all(|(pattern, byte)| match pattern {
                b'A' => byte.is_ascii_alphabetic(),
                b'0' => byte.is_ascii_digit() || *byte == b' ',
                pattern => pattern == byte,
            })
    };
    // What a journal prints with its whole time: `Wed 2026-11-25 00:44:19 UTC`.
    if is(b"AAA 0000-00-00 00:00:00", line) {
        let zone = line[23..].strip_prefix(b" ").map_or(0, |zone| {
            1 + zone.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
        });
        return Some(23 + zone);
    }
    let year = if is(b"0000 AAA 00 ", line) { 5 } else { 0 };
    if !is(b"AAA 00 00:00:00", &line[year..]) {
        return None;
    }
    let length = year + 15;
    let fraction = line[length..]
        .strip_prefix(b".")
        .map_or(0, |fraction| 1 + fraction.iter().take_while(|byte| byte.is_ascii_digit()).count());
    Some(length + fraction)
}

/// A word and what follows the blank behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memchr(b' ', text)?;
    (blank > 0).then(|| (&text[..blank], &text[blank + 1..]))
}

/// The process of `postgres[42]:`, none of `postgres:`; none at all of another word, as `LOG:` is.
#[expect(clippy::option_option, reason = "a program without its process is one")]
fn program(word: &[u8]) -> Option<Option<&[u8]>> {
    let name = word.strip_suffix(b":")?;
    if severity(&[word, b"  "].concat()).is_some() {
        return None;
    }
    let Some(bracket) = name.strip_suffix(b"]") else {
        return name.iter().any(u8::is_ascii_alphabetic).then_some(None);
    };
    let at = bracket.iter().position(|byte| *byte == b'[')?;
    Some(Some(&bracket[at + 1..]))
}

/// A piece of a message: `[3-1] …` begins one, `[3-2] …` goes on; `[1]` and `[2]` without the message's number. A database's
/// name in brackets may stand before, and line numbers of a prefix that are none of syslog's stand behind a time.
fn piece<'a>(
    text: &'a [u8],
    host: &[u8],
    process: Option<&[u8]>,
    is_numbered: bool,
) -> Stripped<'a> {
    let stream = identity((host, process));
    let mut rest = text;
    for _ in 0..3 {
        let Some((inner, behind)) = bracketed(rest) else { break };
        let is_whole = is_numbered && inner.iter().all(u8::is_ascii_digit);
        let number = if is_whole { Some(1) } else { number(inner, behind) };
        if let Some(number) = number {
            let part = if number > 1 { LinePart::Further } else { LinePart::Whole };
            let session = process.map(|_| stream);
            return Stripped { rest: behind, stream, part, session, escaped: true };
        }
        if !inner.iter().any(u8::is_ascii_alphabetic) {
            break;
        }
        rest = behind;
    }
    Stripped { escaped: true, ..Stripped::plain(text, stream) }
}

/// What stands in brackets, and what follows the blank behind them.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(80).position(|byte| *byte == b']')?;
    let inner = text[..end].strip_prefix(b"[")?;
    let behind = &text[end + 1..];
    Some((inner, behind.strip_prefix(b" ").unwrap_or(behind)))
}

/// The number of a piece. Alone in brackets it may be a process of the server's own prefix, unless a tab follows.
fn number(inner: &[u8], behind: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(inner).ok()?;
    let Some((message, piece)) = text.split_once('-') else {
        let continues = behind.starts_with(b"#011") || behind.starts_with(b"\t");
        return text.parse().ok().filter(|piece| *piece == 1 || continues);
    };
    message.parse::<u64>().ok()?;
    piece.parse().ok()
}

/// Text in which control characters are written as `#011`.
pub(super) fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    const ESCAPES: [(&[u8], u8); 3] = [(b"#011", b'\t'), (b"#012", b'\n'), (b"#015", b'\r')];
    if memchr::memmem::find(text, b"#01").is_none() {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, behind)) = rest.split_first() {
        let escape = ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape));
        if let Some((escape, byte)) = escape {
            plain.push(*byte);
            rest = &rest[escape.len()..];
        } else {
            plain.push(*first);
            rest = behind;
        }
    }
    Cow::Owned(plain)
}
