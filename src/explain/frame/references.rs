//! Character references of HTML: `-&gt;`, `&#39;`, `&nbsp;`.

use std::borrow::Cow;

use super::OutputLine;

/// The longest name or number of a reference that is looked for.
const NAME_BYTES_MAX: usize = 10;

/// Puts the characters in place of references, where the page escaped the plan: a literal of a plan may hold references, too.
pub(super) fn remove(lines: &mut [OutputLine]) {
    // In XML the reader of that resolves them.
    let is_xml = |line: &OutputLine| {
        let text = line.text.trim_start();
        text.starts_with("<explain") || text.starts_with("<Plan>")
    };
    let escaped = lines.iter().any(is_escaped) || !lines.iter().any(|line| has_sign(&line.text));
    if !escaped || lines.iter().any(is_xml) {
        return;
    }
    for line in lines.iter_mut().filter(|line| line.text.contains('&')) {
        line.text = Cow::Owned(resolved(&line.text));
    }
}

/// Whether a line shows that what it stands in was escaped.
fn is_escaped(line: &OutputLine) -> bool {
    let text = &line.text;
    ["-&gt;", "&nbsp;", ": &quot;", ">&lt;explain"].iter().any(|sign| text.contains(sign))
        || ["&gt;", "&lt;", "&quot;"].iter().any(|sign| text.trim_start().starts_with(sign))
}

/// Whether a line has a sign that would have been escaped, outside of tags and of the signs of a quotation.
fn has_sign(line: &str) -> bool {
    let text = line.trim_start_matches([' ', '\t', '>']);
    let is_tag = |at: usize| {
        let name = text[at + 1..].trim_start_matches('/');
        name.starts_with(|c: char| c.is_ascii_lowercase())
    };
    memchr::memchr_iter(b'<', text.as_bytes()).any(|at| !is_tag(at))
        || memchr::memchr(b'<', text.as_bytes()).is_none() && text.contains('>')
}

/// A text with characters in place of references. What names no character stays.
fn resolved(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest.bytes().take(NAME_BYTES_MAX + 2).position(|byte| byte == b';');
        let character = name.and_then(|end| character(&rest[1..end]));
        let length = if character.is_some() { name.map_or(1, |end| end + 1) } else { 1 };
        whole.push(character.unwrap_or('&'));
        rest = &rest[length..];
    }
    whole + rest
}

/// The character that a reference names, or numbers. A blank that does not break is a blank.
fn character(name: &str) -> Option<char> {
    let number = name.strip_prefix('#');
    let character = match (name, number) {
        (_, Some(number)) => {
            let hexadecimal = number.strip_prefix(['x', 'X']);
            let code = match hexadecimal {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        ("gt", _) => '>',
        ("lt", _) => '<',
        ("amp", _) => '&',
        ("quot", _) => '"',
        ("apos", _) => '\'',
        ("nbsp", _) => ' ',
        ("rarr", _) => '→',
        _ => return None,
    };
    (!character.is_control()).then_some(character)
}
