//! What a message of the server's log says about a statement, in whichever language.
//!
//! The shape is the same everywhere: `duration: 0.123 ms  statement: …`. The number with three decimals is the server's
//! own; the words around it come from the catalogs of messages of PostgreSQL 15 to 19 (`lc_messages`, `scripts/log-messages`).

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MessageContent<'a> {
    /// How long something took; what, another message said.
    Duration(f64),
    /// A statement was run.
    Ran { ms: Option<f64>, sql: &'a str, extended: bool },
    /// More rows were fetched of a statement that runs.
    Fetched { ms: Option<f64>, sql: &'a str },
    /// A statement was parsed or its parameters were bound: it did not run yet.
    Prepared,
    /// A statement was run, and this was its plan.
    Plan { ms: f64, plan: &'a str },
    /// It has the shape of one of these, in words that are not known.
    Unknown,
    /// Something else.
    Nothing,
}

/// Words before the text of a statement that came by the simple protocol.
const STATEMENT: &[&str] = &[
    "statement",
    "anweisung",
    "sentencia",
    "instruction",
    "istruzione",
    "文",
    "გამოსახულება",
    "ოპერატორი",
    "명령 구문",
    "оператор",
    "sats",
    "语句",
    "comando",
    "wyrażenie",
    "陳述式",
    "perintah",
    "komut",
];
/// Words before the name of a statement that is fetched from. Longer than those of the next list.
const FETCH: &[&str] = &[
    "execute fetch from",
    "ausführen fetch von",
    "ejecutar fetch desde",
    "exécute fetch à partir de",
    "esecuzione di fetch da",
    "取り出し実行",
    "자료뽑기",
    "выборка из",
    "kör hämtning från",
    "виконати витягнення з",
    "执行fetch操作",
    "执行提取",
    "執行擷取",
    "menjalankan 'fetch' dari",
    "executar busca de",
    "wykonanie pobrania z",
];
/// Words before the name of a statement that is executed.
const EXECUTE: &[&str] = &[
    "execute",
    "ausführen",
    "ejecutar",
    "exécute",
    "esecuzione di",
    "実行",
    "გაშვება",
    "쿼리실행",
    "выполнение",
    "kör",
    "виконувати",
    "执行",
    "executar",
    "wykonanie",
    "執行",
    "menjalankan",
];
/// Words before or behind the name of a statement that is parsed or bound.
const PREPARE: &[&str] = &[
    "parse",
    "parsen",
    "analyse",
    "analisi di",
    "パース",
    "დამუშავება",
    "구문분석",
    "разбор",
    "аналізування",
    "解析",
    "bind",
    "binden",
    "lien",
    "バインド",
    "მიბმა",
    "접속",
    "сообщение bind",
    "повідомлення bind",
    "绑定",
    "繫結",
    "memilah",
    "ikat",
    "parsowanie",
    "dowiązanie",
    "análise de",
    "ligação",
];
/// Words in which the server says that a line of its log has details of the message before.
const DETAIL: &[&str] = &[
    "DETAIL",
    "DETALLE",
    "DÉTAIL",
    "DETTAGLI",
    "詳細",
    "დეტალები",
    "상세정보",
    "ПОДРОБНОСТИ",
    "DETALJ",
    "ВІДОМОСТІ",
    "详细信息",
    "DETALHE",
    "SZCZEGÓŁY",
    "詳細內容",
    "详情",
    "詳情",
    "DETIL",
    "AYRINTI",
];

/// A message's number stands behind a word or two.
const LABEL_BYTES_MAX: usize = 64;

/// What stands between a duration and a statement: a word and the name of a prepared statement and of a portal.
const NAMED_BYTES_MAX: usize = 256;

/// Whether a line with this severity has details of the message before.
pub(super) fn is_detail(severity: &str) -> bool {
    DETAIL.contains(&severity)
}

/// What a message says.
pub(super) fn said(message: &str) -> MessageContent<'_> {
    let Some((ms, rest)) = duration(message) else {
        return match labelled(message) {
            Some((Label::Statement, sql)) => MessageContent::Ran { ms: None, sql, extended: false },
            Some((Label::Execute, sql)) => MessageContent::Ran { ms: None, sql, extended: true },
            Some((Label::Fetch, sql)) => MessageContent::Fetched { ms: None, sql },
            _ => MessageContent::Nothing,
        };
    };
    let rest = rest.trim_start_matches([' ', ',']);
    if rest.trim_end().is_empty() {
        return MessageContent::Duration(ms);
    }
    if let Some(plan) = plan(rest) {
        return MessageContent::Plan { ms, plan };
    }
    let ms = Some(ms);
    match labelled(rest) {
        Some((Label::Statement, sql)) => MessageContent::Ran { ms, sql, extended: false },
        Some((Label::Execute, sql)) => MessageContent::Ran { ms, sql, extended: true },
        Some((Label::Fetch, sql)) => MessageContent::Fetched { ms, sql },
        Some((Label::Prepare, _)) => MessageContent::Prepared,
        None if calls_function(rest) => MessageContent::Nothing,
        None => MessageContent::Unknown,
    }
}

/// Whether a function was called by its number, which is no statement: `fastpath function call: "lo_open" (OID 952)`.
fn calls_function(rest: &str) -> bool {
    let number = rest.rsplit_once("OID ").map(|(_, number)| number.trim_end_matches([')', '）']));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// The milliseconds at the beginning of a message, and what stands behind the unit.
fn duration(message: &str) -> Option<(f64, &str)> {
    let head = message.as_bytes();
    let head = &head[..head.len().min(LABEL_BYTES_MAX)];
    let begin = head.iter().position(u8::is_ascii_digit)?;
    let label = message[..begin].strip_suffix(' ')?;
    // Swedish leaves the colon out where no statement follows.
    let words = label.strip_suffix(':').or_else(|| label.strip_suffix("et"))?.trim_end();
    if !words.chars().all(|c| c.is_alphabetic() || c == ' ') {
        return None;
    }
    let number = &message[begin..];
    let length = number.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.')?;
    let (number, rest) = number.split_at(length);
    let decimals = number.split_once('.')?.1;
    if decimals.len() != 3 {
        return None;
    }
    let rest = rest.strip_prefix(' ')?;
    let unit = rest.find([' ', ',', '\r', '\n']).unwrap_or(rest.len());
    let is_unit = (1..=16).contains(&unit) && rest[..unit].chars().all(char::is_alphabetic);
    is_unit.then(|| number.parse().ok().map(|ms| (ms, &rest[unit..])))?
}

/// What a plan is announced with, and nothing else is: the end of the line.
fn plan(rest: &str) -> Option<&str> {
    let (label, plan) = rest.split_once('\n')?;
    let label = label.trim_end_matches('\r').strip_suffix(':')?;
    (label.len() <= LABEL_BYTES_MAX && !label.contains(':') && is_word(label)).then_some(plan)
}

fn is_word(label: &str) -> bool {
    !label.is_empty() && label.chars().all(char::is_alphabetic)
}

/// What stands before the text of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Statement,
    Execute,
    Fetch,
    Prepare,
}

/// A text behind a label: `execute S_1/C_2: …`.
fn labelled(text: &str) -> Option<(Label, &str)> {
    let head = text.as_bytes();
    let colon = memchr::memmem::find(&head[..head.len().min(NAMED_BYTES_MAX)], b": ")?;
    let (label, text) = (text[..colon].trim_end(), text[colon + 2..].trim_start());
    // Spanish says `parse: name: text`.
    let label = label.trim_end_matches(':');
    let lower = if label.is_ascii() && !label.bytes().any(|byte| byte.is_ascii_uppercase()) {
        std::borrow::Cow::Borrowed(label)
    } else {
        label.to_lowercase().into()
    };
    let named = |words: &[&str]| words.iter().any(|word| begins(&lower, word));
    if STATEMENT.contains(&&*lower) {
        Some((Label::Statement, text))
    } else if named(FETCH) {
        Some((Label::Fetch, text))
    } else if named(EXECUTE) {
        Some((Label::Execute, text))
    } else if named(PREPARE) || PREPARE.iter().any(|word| lower.ends_with(word)) {
        Some((Label::Prepare, text))
    } else {
        None
    }
}

/// Whether a label begins with this word, and not with one that begins so. Some languages leave no space.
fn begins(label: &str, word: &str) -> bool {
    label.strip_prefix(word).is_some_and(|rest| {
        !word.is_ascii() || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}
