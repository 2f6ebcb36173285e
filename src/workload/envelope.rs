//! What carriers of logs put before each line: containers, kubelets, syslog, journals, and what is left without it.
//!
//! The layers are tried in a fixed order, and each that most lines of the beginning have is taken off all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::session::identity;
use super::severity::severity;
use super::syslog;

/// Layers around one another at most.
const LAYERS_MAX: usize = 4;
/// Lines of the beginning that are looked at.
const LINES_MAX: usize = 400;

/// A text that a carrier puts before each line is no longer.
const HEAD_BYTES_MAX: usize = 200;
/// Different ones distinguished at most.
const HEADS_MAX: usize = 64;

/// Something that a carrier puts before each line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Layer {
    /// `db-1  | `, of docker compose.
    Service,
    /// `[pod/db-0/postgres] `, of kubectl.
    Pod,
    /// `2026-11-25T00:44:19.973Z stderr F `, of a kubelet.
    Cri,
    /// `Nov 25 00:44:19 host postgres[42]: [3-1] `, of syslog and the journal, with numbers or without.
    Syslog { is_numbered: bool },
    /// `2026-11-25T00:44:19.973Z `, of docker and kubectl.
    Time,
    /// The same texts again and again, of whatever carrier: the names of pods or streams, labels.
    Heads(Vec<Vec<u8>>),
}

const ORDER: [Layer; 5] =
    [Layer::Service, Layer::Pod, Layer::Cri, Layer::Syslog { is_numbered: false }, Layer::Time];

/// Which part of a line something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LinePart {
    /// All of it.
    #[default]
    Whole,
    /// Its beginning; the next line of the stream goes on.
    Begun,
    /// What syslog sends of a message behind its first piece.
    Further,
}

/// A line without what a carrier put before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bare<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Lines of one message stand in one stream, one after the other.
    pub(super) stream: u64,
    pub(super) part: LinePart,
    /// The process, where the carrier shows it for certain.
    pub(super) session: Option<u64>,
}

/// What one layer leaves of a line.
pub(super) struct Stripped<'a> {
    pub(super) rest: &'a [u8],
    pub(super) stream: u64,
    pub(super) part: LinePart,
    pub(super) session: Option<u64>,
    /// Whether control characters are written as `#011`.
    pub(super) escaped: bool,
}

impl<'a> Stripped<'a> {
    pub(super) fn plain(rest: &'a [u8], stream: u64) -> Self {
        Self { rest, stream, part: LinePart::Whole, session: None, escaped: false }
    }
}

/// The layers of a source, the outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Envelope(Vec<Layer>);

impl Envelope {
    /// The layers that most lines of a source have which begins so.
    pub(super) fn of(begins: &[u8]) -> Self {
        let lines = begins
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        // A line that begins with a blank continues another one, and carriers may leave it as it is.
        let own = |line: &&[u8]| !line.is_empty() && !line[0].is_ascii_whitespace();
        let mut lines: Vec<&[u8]> = lines.filter(own).take(LINES_MAX).collect();
        let mut layers = Vec::new();
        while layers.len() < LAYERS_MAX {
            let most = |layer: &&Layer| {
                lines.iter().filter(|line| layer.strip(line).is_some()).count() * 2 > lines.len()
            };
            let known = ORDER.iter().find(most).cloned();
            let Some(mut layer) = known.or_else(|| heads(&lines)) else { break };
            if let Layer::Syslog { is_numbered } = &mut layer {
                *is_numbered = syslog::is_numbered(&lines);
            }
            lines = lines.iter().filter_map(|line| Some(layer.strip(line)?.rest)).collect();
            layers.push(layer);
        }
        Self(layers)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line without them; none of one that does not have them.
    pub(super) fn strip<'a>(&self, line: &'a [u8]) -> Option<Bare<'a>> {
        let mut bare = Stripped::plain(line, 0);
        let mut escaped = false;
        for layer in &self.0 {
            let own = layer.strip(bare.rest)?;
            escaped |= own.escaped;
            bare = Stripped {
                stream: if own.stream == 0 {
                    bare.stream
                } else {
                    identity((bare.stream, own.stream))
                },
                part: if own.part == LinePart::Whole { bare.part } else { own.part },
                session: own.session.or(bare.session),
                ..own
            };
        }
        let Stripped { rest, stream, part, session, .. } = bare;
        let bytes = if escaped { syslog::unescaped(rest) } else { Cow::Borrowed(rest) };
        Some(Bare { bytes, stream, part, session })
    }
}

impl Layer {
    fn strip<'a>(&self, line: &'a [u8]) -> Option<Stripped<'a>> {
        if let Self::Heads(heads) = self {
            let head = heads.iter().find(|head| line.starts_with(head))?;
            return Some(Stripped::plain(&line[head.len()..], identity(head)));
        }
        let line = without_colours(line);
        match self {
            Self::Service => service(line),
            Self::Pod => pod(line),
            Self::Cri => cri(line),
            Self::Syslog { is_numbered } => syslog::stripped(line, *is_numbered),
            Self::Heads(_) => None,
            Self::Time => {
                let rest = line.get(time(line)?..)?;
                let rest = rest.strip_prefix(b" ").or_else(|| rest.is_empty().then_some(rest))?;
                Some(Stripped::plain(rest, 0))
            }
        }
    }
}

/// The texts that stand before the tab with which a message goes on, if most lines begin with one of them, and not all of
/// them with a tab behind it, as under a prefix of the server's own with tabs.
fn heads(lines: &[&[u8]]) -> Option<Layer> {
    let mut often = BTreeMap::<&[u8], usize>::new();
    for line in lines {
        let tab = line.iter().take(HEAD_BYTES_MAX).position(|byte| *byte == b'\t');
        let Some(head) = tab.map(|tab| &line[..tab]).filter(|head| severity(head).is_none()) else {
            continue;
        };
        // Behind the head of a carrier may stand the time of another one.
        let end = (0..head.len()).find(|at| time(&head[*at..]).is_some()).unwrap_or(head.len());
        if end > 0 {
            *often.entry(&head[..end]).or_default() += 1;
        }
    }
    let mut heads: Vec<Vec<u8>> =
        often.into_iter().filter(|(_, times)| *times > 1).map(|(head, _)| head.to_vec()).collect();
    heads.truncate(HEADS_MAX);
    heads.sort_by_key(|head| std::cmp::Reverse(head.len()));
    let layer = Layer::Heads(heads);
    let rests: Vec<&[u8]> = lines.iter().filter_map(|line| Some(layer.strip(line)?.rest)).collect();
    let is_message = |rest: &&&[u8]| !rest.starts_with(b"\t") && severity(rest).is_some();
    let is_most = rests.len() * 2 > lines.len() && rests.iter().any(|rest| is_message(&rest));
    is_most.then_some(layer)
}

/// Behind the colours with which docker compose prints names.
fn without_colours(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(b"\x1B[") {
        let Some(end) = rest.iter().take(16).position(|byte| *byte == b'm') else { break };
        line = &rest[end + 1..];
    }
    line
}

fn service(line: &[u8]) -> Option<Stripped<'_>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let length = line.iter().take_while(|byte| is_name(byte)).count();
    let (name, rest) = line.split_at(length);
    if !name.iter().any(u8::is_ascii_alphabetic) {
        return None;
    }
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let rest = rest.get(blanks..).filter(|_| blanks > 0)?.strip_prefix(b"|")?;
    let blank = |rest: &'_ [u8]| rest.strip_prefix(b" ").map(<[u8]>::len);
    // The colour ends before the blank or behind it.
    let rest = without_colours(rest);
    let rest = blank(rest).map_or(rest, |length| &rest[rest.len() - length..]);
    Some(Stripped::plain(without_colours(rest), identity(name)))
}

fn pod(line: &[u8]) -> Option<Stripped<'_>> {
    let end = line.strip_prefix(b"[pod/")?.iter().position(|byte| *byte == b']')? + b"[pod/".len();
    Some(Stripped::plain(line[end + 1..].strip_prefix(b" ")?, identity(&line[..end])))
}

/// The two streams of a container are one: a process writes its messages to one of them.
fn cri(line: &[u8]) -> Option<Stripped<'_>> {
    let rest = line.get(time(line)?..)?;
    let rest = rest.strip_prefix(b" stdout ").or_else(|| rest.strip_prefix(b" stderr "))?;
    let (flags, rest) = match rest.iter().position(|byte| *byte == b' ') {
        Some(blank) => (&rest[..blank], &rest[blank + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let part = match flags.first()? {
        b'F' => LinePart::Whole,
        b'P' => LinePart::Begun,
        _ => return None,
    };
    Some(Stripped { part, ..Stripped::plain(rest, 0) })
}

/// How long a time is as RFC 3339 has it, or with the offset as journals print it.
pub(super) fn time(line: &[u8]) -> Option<usize> {
    let pattern = b"0000-00-00T00:00:00";
    let is = line.len() > pattern.len()
        && pattern.iter().zip(line).all(|(pattern, byte)| match pattern {
            b'0' => byte.is_ascii_digit(),
            pattern => pattern == byte,
        });
    if !is {
        return None;
    }
    let mut length = pattern.len();
    let digits = |from: usize| line[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if line.get(length).is_some_and(|byte| b".,".contains(byte)) {
        length += 1 + digits(length + 1);
    }
    match line.get(length)? {
        b'Z' => Some(length + 1),
        b'+' | b'-' => {
            length += 1 + digits(length + 1);
            if line.get(length) == Some(&b':') {
                length += 1 + digits(length + 1);
            }
            Some(length)
        }
        _ => None,
    }
}
